//! `getTopEvents()`: what players do most.

use bson::{Document, doc};

use super::names::{Names, Sum};
use super::query::TopEvents;
use super::rows::{self, Row, head_of, quotient, value};
use crate::record::document::number_in;
use crate::reports::basis::Part;
use crate::reports::due::Outlook;
use crate::store::{ReportStore, Result};

pub async fn read<S: ReportStore + Sync>(
    store: &S,
    outlook: &Outlook,
    wanted: &TopEvents,
) -> Result<Document> {
    let rows = rows::read(store, outlook, &wanted.range, (Part::Events, &["events"])).await?;
    let known: Vec<&Row> = rows
        .iter()
        .filter(|row| row.list("events").is_some())
        .collect();
    let mut names = Names::default();
    let mut all = 0.0;
    for list in known.iter().filter_map(|row| row.list("events")) {
        all += list
            .iter()
            .filter_map(|one| one.get("n").and_then(number_in))
            .sum::<f64>();
        names.add(&list);
    }
    let mut head = head_of(&known);
    head.insert("daysKnown", value(Some(known.len() as f64)));
    let row = |mut row: Document, sum: Sum| {
        let name = row.remove("name").unwrap_or(bson::Bson::Null);
        let mut shown = doc! { "event": name };
        shown.extend(row);
        shown.insert("count", value(Some(sum.count)));
        shown.insert("share", value(quotient(Some(sum.count), Some(all))));
        shown.extend(head.clone());
        shown
    };
    let shown = names.rows(wanted.limit, |sum| sum.count, row);
    Ok(doc! { "rows": shown })
}
