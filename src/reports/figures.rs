//! Figures that change rarely, for a scrape: the peak of today by samples, what the report of yesterday says, and how
//! often each event was stored today. Nothing is made for it.

use bson::{Bson, Document, doc};

use super::answers::value;
use super::basis::{self, Part};
use super::{curve, presence};
use crate::record::day::Day;
use crate::record::document::{number, number_in};
use crate::store::{PresenceStore, REPORT_VERSION, ReportStore, Result};

/// Days after the first one.
const RETURNS: [i64; 5] = [1, 3, 7, 14, 30];
/// Until a quarter past midnight the newest report of a whole day is that of the day before yesterday.
const NEWEST: [i64; 2] = [-1, -2];

/// `{ peak, events, eventsAsOf, dayAsOf, mau30, p50S, p90S, p99S, retention: [{ days, share }] }`; what is not known
/// is null or missing.
pub async fn read<S: ReportStore + PresenceStore + Sync>(
    store: &S,
    today: &Day,
) -> Result<Document> {
    let open = report(store, today, &["events"]).await?;
    let sampled = curve::of_samples(&store.samples(today).await?);
    let peak = curve::peak(&sampled).map(|(players, _)| number(players as f64));
    let mut figures = doc! {
        "peak": peak,
        "events": open.as_ref().and_then(|one| one.get("events")).cloned().unwrap_or(Bson::Null),
        "eventsAsOf": as_of(open.as_ref()),
    };
    for days in NEWEST {
        let day = today.plus(days);
        let parts = ["users.mau30", "users.byFirstDay", "sessions"];
        let report = report(store, &day, &parts).await?;
        // One that was made before its day was over says nothing of the whole day.
        let Some(report) = report.filter(presence::is_over) else {
            continue;
        };
        let lengths = report.get_document("sessions").ok();
        let length = |name: &str| lengths.and_then(|part| part.get(name)).cloned();
        let users = report.get_document("users").ok();
        figures.extend(doc! {
            "dayAsOf": as_of(Some(&report)),
            "mau30": users.and_then(|part| part.get("mau30")).cloned().unwrap_or(Bson::Null),
            "p50S": length("p50").unwrap_or(Bson::Null),
            "p90S": length("p90").unwrap_or(Bson::Null),
            "p99S": length("p99").unwrap_or(Bson::Null),
            "retention": retention(store, &day, &report).await?,
        });
        break;
    }
    Ok(figures)
}

/// The newest cohorts that could come back on this day.
async fn retention<S: ReportStore + Sync>(
    store: &S,
    day: &Day,
    report_of_day: &Document,
) -> Result<Vec<Document>> {
    let mut rows = Vec::new();
    for days in RETURNS {
        let first = day.plus(-days);
        let cohort = report(store, &first, &["users.byFirstDay"]).await?;
        let of_day = basis::in_report(report_of_day, Part::Users);
        let is_other =
            |cohort: &Document| basis::differ(basis::in_report(cohort, Part::Users), of_day);
        // Of other users no share can be told.
        let cohort = cohort.filter(|cohort| !is_other(cohort));
        let size = cohort.and_then(|cohort| users_of(&cohort, &first));
        let retained = users_of(report_of_day, &first);
        if let (Some(size), Some(retained)) = (size.filter(|size| *size > 0.0), retained) {
            rows.push(
                doc! { "days": value(Some(days as f64)), "share": value(Some(retained / size)) },
            );
        }
    }
    Ok(rows)
}

/// Users of the report's day whose first day this was.
fn users_of(report: &Document, first: &Day) -> Option<f64> {
    let users = report.get_document("users").ok()?;
    let rows = users.get_array("byFirstDay").ok()?;
    let of_day = rows.iter().filter_map(Bson::as_document);
    let mut of_day = of_day.filter(|row| row.get_str("f").is_ok_and(|day| day == first.as_str()));
    let found = of_day.next().and_then(|row| row.get("u"));
    Some(found.map_or(0.0, |users| number_in(users).unwrap_or_default()))
}

async fn report<S: ReportStore + Sync>(
    store: &S,
    day: &Day,
    parts: &[&str],
) -> Result<Option<Document>> {
    let found = store.reports(day, day, parts).await?;
    let is_ours = |report: &Document| {
        let version = report.get("v").and_then(number_in);
        version == Some(f64::from(REPORT_VERSION))
    };
    Ok(found.into_iter().find(is_ours))
}

fn as_of(report: Option<&Document>) -> Bson {
    let time = report.and_then(|report| report.get_datetime("asOf").ok());
    time.map_or(Bson::Null, |time| Bson::DateTime(*time))
}
