//! `getActivity()`: who was there.

use bson::{Bson, Document, doc};

use super::query::Range;
use super::rows::{self, Content, Row, quotient, value};
use crate::record::document::number_in;
use crate::reports::basis::Part;
use crate::reports::due::Outlook;
use crate::store::{ReportStore, Result};

pub async fn read<S: ReportStore + Sync>(
    store: &S,
    outlook: &Outlook,
    range: &Range,
) -> Result<Document> {
    let rows = rows::read(
        store,
        outlook,
        range,
        (Part::Users, &["users", "sessions.count"]),
    )
    .await?;
    let rows: Vec<Document> = rows.iter().map(shown).collect();
    Ok(doc! { "rows": rows })
}

fn shown(row: &Row) -> Document {
    let users = |field| row.number("users", field);
    let dau = users("dau");
    let new = new_users(row);
    let returning = dau.zip(new).map(|(dau, new)| dau - new);
    let sessions = row.number("sessions", "count");
    let registered = match row.content {
        // Registrations come from events: that nobody logged in says nothing about them.
        Content::Nobody => None,
        _ => users("registered"),
    };
    let mut shown = row.head();
    shown.extend(doc! {
        "dau": value(dau), "newUsers": value(new), "returningUsers": value(returning),
        "registered": value(registered), "wau": value(users("wau")), "mau30": value(users("mau30")),
        "stickiness": value(quotient(dau, users("mau30"))), "sessions": value(sessions),
        "sessionsPerUser": value(quotient(sessions, dau)),
    });
    shown
}

/// Users whose first day it is.
pub fn new_users(row: &Row) -> Option<f64> {
    users_of(row, row.day.as_str())
}

/// Users of the day who came first on another one.
pub fn users_of(row: &Row, first_day: &str) -> Option<f64> {
    let report = match &row.content {
        Content::Report(report) => report,
        Content::Nobody => return Some(0.0),
        Content::Unknown => return None,
    };
    let days = report
        .get_document("users")
        .ok()?
        .get_array("byFirstDay")
        .ok()?;
    let mut days = days.iter().filter_map(Bson::as_document);
    let found = days.find(|day| day.get_str("f").is_ok_and(|text| text == first_day));
    match found {
        Some(found) => found.get("u").and_then(number_in),
        None => Some(0.0),
    }
}
