//! `getSessionLengths()`: how long players stay.

use bson::{Bson, Document, doc};

use super::query::Range;
use super::rows::{self, Content, Row, quotient, value};
use crate::record::document::number_in;
use crate::reports::basis::Part;
use crate::reports::due::Outlook;
use crate::reports::lengths;
use crate::store::{ReportStore, Result};

pub async fn read<S: ReportStore + Sync>(
    store: &S,
    outlook: &Outlook,
    range: &Range,
) -> Result<Document> {
    let rows = rows::read(store, outlook, range, (Part::Users, &["sessions"])).await?;
    let rows: Vec<Document> = rows.iter().map(shown).collect();
    Ok(doc! { "rows": rows })
}

fn shown(row: &Row) -> Document {
    let number = |field| row.number("sessions", field);
    let percentile = |field| match row.content {
        Content::Nobody => Bson::Null,
        _ => value(number(field)),
    };
    let mut shown = row.head();
    shown.extend(doc! {
        "ended": value(number("ended")), "open": value(number("open")),
        "meanS": value(quotient(number("seconds"), number("ended"))),
        "p50S": percentile("p50"), "p90S": percentile("p90"), "p99S": percentile("p99"),
        "buckets": buckets(row),
    });
    shown
}

fn buckets(row: &Row) -> Bson {
    let report = match &row.content {
        Content::Report(report) => report,
        Content::Nobody => return Bson::Array(Vec::new()),
        Content::Unknown => return Bson::Null,
    };
    let sessions = report.get_document("sessions");
    let Ok(stored) = sessions.and_then(|sessions| sessions.get_array("buckets")) else {
        return Bson::Null;
    };
    let bucket = |bucket: &Bson| {
        let pair = bucket.as_array()?;
        let index = pair.first().and_then(number_in)? as i32;
        let up_to = value(Some(lengths::bound(index)));
        Some(Bson::Document(
            doc! { "upToS": up_to, "count": pair.get(1)? },
        ))
    };
    Bson::Array(stored.iter().filter_map(bucket).collect())
}
