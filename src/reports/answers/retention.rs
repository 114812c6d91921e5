//! `getRetention()`: who comes back.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};

use super::activity::{new_users, users_of};
use super::query::{Cohorts, Range, plus};
use super::rows::{self, Row, value};
use crate::record::day::Day;
use crate::reports::basis::Part;
use crate::reports::due::Outlook;
use crate::store::{ReportStore, Result};

pub async fn read<S: ReportStore + Sync>(
    store: &S,
    outlook: &Outlook,
    cohorts: &Cohorts,
) -> Result<Document> {
    // The cohorts end today, so no later day can be known.
    let range = Range {
        days: cohorts.cohorts,
        to: None,
    };
    let rows = rows::read(store, outlook, &range, (Part::Users, &["users.byFirstDay"])).await?;
    let by_day: BTreeMap<&Day, &Row> = rows.iter().map(|row| (&row.day, row)).collect();
    let shown: Vec<Document> = rows
        .iter()
        .map(|cohort| {
            let mut shown = cohort.head();
            shown.insert("size", value(new_users(cohort)));
            shown.insert("retained", retained(cohort, cohorts, &by_day, outlook));
            shown
        })
        .collect();
    Ok(doc! { "rows": shown })
}

/// The users of a cohort who were there so many days later; null where that day is not over.
fn retained(
    cohort: &Row,
    cohorts: &Cohorts,
    by_day: &BTreeMap<&Day, &Row>,
    outlook: &Outlook,
) -> Document {
    let today = outlook.today();
    let cell = |days: &i64| {
        let day = plus(&cohort.day, *days);
        let row = by_day.get(&day).filter(|_| day < today);
        let is_known = new_users(cohort).is_some();
        let users = row
            .filter(|_| is_known)
            .and_then(|row| users_of(row, cohort.day.as_str()));
        (
            days.to_string(),
            users.map_or(Bson::Null, |users| value(Some(users))),
        )
    };
    cohorts.days.iter().map(cell).collect()
}
