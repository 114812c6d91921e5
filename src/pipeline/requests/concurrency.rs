//! Concurrency for `getConcurrency()`: who is online now, over all processes, and the curve of a day.

use std::collections::BTreeMap;
use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};

use crate::record::day::Day;
use crate::record::document::number;
use crate::reports::presence;
use crate::store::{Presence, Result, Seen, Store};

/// Reads who is online and the curve of `day`, today by the server's clock if there is none.
pub async fn read<S: Store>(store: &S, day: Option<&Day>, limit: Duration) -> Result<Document> {
    let seen = store.presence().await?;
    let day = day.cloned().unwrap_or_else(|| Day::of(seen.now_ms));
    let mut document = online(&seen);
    document.extend(presence::kept(store, &day, seen.now_ms, limit).await?);
    document.insert("day", day.as_str());
    Ok(document)
}

/// `{ now, processes, byInstance, asOf }`; what is not known is null.
fn online(presence: &Presence) -> Document {
    let here: Vec<&Seen> = presence.here().collect();
    let mut by_name: BTreeMap<Option<&str>, (i64, u32)> = BTreeMap::new();
    for seen in &here {
        let (players, processes) = by_name.entry(seen.name.as_deref()).or_default();
        *players += seen.online;
        *processes += 1;
    }
    let row = |(name, (players, processes)): (Option<&str>, (i64, u32))| {
        doc! {
            "instance": name, "now": number(players as f64),
            "processes": number(f64::from(processes)),
        }
    };
    let now: i64 = here.iter().map(|seen| seen.online).sum();
    let is_known = !here.is_empty();
    doc! {
        "now": if is_known { number(now as f64) } else { Bson::Null },
        "processes": number(here.len() as f64),
        "byInstance": by_name.into_iter().map(row).collect::<Vec<Document>>(),
        "asOf": DateTime::from_millis(presence.now_ms),
    }
}
