//! Presence of a day: how many players were online in each of its minutes, from samples or from sessions.

use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};

use super::curve::{self, Curve};
use crate::record::day::Day;
use crate::record::document::number;
use crate::store::{OPEN_STATE, PresenceStore, ReportStore, Result};

const MINUTE_MS: i64 = 60_000;
const FIELDS: [&str; 5] = ["peak", "peakAt", "stepS", "curve", "source"];

#[derive(Debug, Clone, Default)]
pub struct DayPresence {
    start_ms: i64,
    curve: Curve,
    is_sampled: bool,
}

/// The presence of a day as it can be known at this moment: from samples, if there are any. A pass over sessions
/// takes at most `limit`.
pub async fn read<S: PresenceStore>(
    store: &S,
    day: &Day,
    now_ms: i64,
    limit: Duration,
) -> Result<DayPresence> {
    let start_ms = day.start_ms().unwrap_or_default();
    let sampled = curve::of_samples(&store.samples(day).await?);
    let is_sampled = sampled.iter().any(Option::is_some);
    let curve = match is_sampled {
        true => sampled,
        false => {
            let minutes = (now_ms - start_ms).div_euclid(MINUTE_MS);
            let changes = store.session_changes(day, limit).await?;
            // No process and no player was seen: perhaps the game was not there yet.
            let known = if changes.is_empty() { 0 } else { minutes };
            curve::of_sessions(&changes, known)
        }
    };
    Ok(DayPresence {
        start_ms,
        curve,
        is_sampled,
    })
}

/// The same as a part of a report; that of the stored report, if it was made when the day was over.
pub async fn kept<S>(store: &S, day: &Day, now_ms: i64, limit: Duration) -> Result<Document>
where
    S: PresenceStore + ReportStore,
{
    if *day < Day::of(now_ms) {
        let reports = store.reports(day, day, &["presence"]).await?;
        if let Some(kept) = reports.first().and_then(of_report) {
            return Ok(kept.clone());
        }
    }
    Ok(read(store, day, now_ms, limit).await?.document())
}

/// Somebody may have changed the report, or an earlier version may have made it.
fn of_report(report: &Document) -> Option<&Document> {
    let presence = report.get_document("presence").ok()?;
    let is_whole = FIELDS.iter().all(|field| presence.contains_key(field))
        && presence.get_array("curve").is_ok();
    (is_over(report) && is_whole).then_some(presence)
}

/// Whether the report was made when its day was over.
pub fn is_over(report: &Document) -> bool {
    report
        .get_str("state")
        .is_ok_and(|state| state != OPEN_STATE)
}

impl DayPresence {
    /// `{ peak, peakAt, stepS, curve, source }`.
    pub fn document(&self) -> Document {
        let peak = curve::peak(&self.curve);
        let at = peak.map(|(_, minute)| DateTime::from_millis(self.start_ms + minute * MINUTE_MS));
        let steps = curve::steps(&self.curve).into_iter().map(shown);
        doc! {
            "peak": shown(peak.map(|(players, _)| players)), "peakAt": at,
            "stepS": number((curve::STEP * 60) as f64), "curve": steps.collect::<Vec<Bson>>(),
            "source": if self.is_sampled { "samples" } else { "sessions" },
        }
    }
}

fn shown(players: Option<i64>) -> Bson {
    players.map_or(Bson::Null, |players| number(players as f64))
}
