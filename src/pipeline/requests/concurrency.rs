//! Concurrency for `getConcurrency()`: who is online now, over all processes, and the curve of a day.

use std::collections::BTreeMap;

use bson::raw::{RawArrayBuf, RawBson, cstr};
use bson::{DateTime, RawDocumentBuf};

use super::curve::{self, Curve};
use crate::record::day::Day;
use crate::record::document::raw_number as number;
use crate::store::{Presence, Result, Seen, Store};

const MINUTE_MS: i64 = 60_000;

/// Reads who is online and the curve of `day`, today by the server's clock if there is none.
pub async fn read<S: Store>(store: &S, day: Option<&Day>) -> Result<RawDocumentBuf> {
    let presence = store.presence().await?;
    let day = day.cloned().unwrap_or_else(|| Day::of(presence.now_ms));
    let start_ms = day.start_ms().unwrap_or_default();
    let curve = curve::of_samples(&store.samples(&day).await?);
    let (curve, source) = if curve.iter().any(Option::is_some) {
        (curve, "samples")
    } else {
        let minutes = (presence.now_ms - start_ms).div_euclid(MINUTE_MS);
        let changes = store.session_changes(&day).await?;
        (curve::of_sessions(&changes, minutes), "sessions")
    };
    let mut document = online(&presence);
    append_curve(&mut document, &curve, start_ms);
    document.append(cstr!("day"), day.as_str());
    document.append(cstr!("source"), source);
    Ok(document)
}

/// `{ now, processes, byInstance, asOf }`; what is not known is null.
fn online(presence: &Presence) -> RawDocumentBuf {
    let is_here = |seen: &&Seen| seen.is_here(presence.now_ms);
    let here: Vec<&Seen> = presence.instances.iter().filter(is_here).collect();
    let mut by_name: BTreeMap<Option<&str>, (i64, u32)> = BTreeMap::new();
    for seen in &here {
        let (players, processes) = by_name.entry(seen.name.as_deref()).or_default();
        *players += seen.online;
        *processes += 1;
    }
    let mut list = RawArrayBuf::new();
    for (name, (players, processes)) in by_name {
        let mut row = RawDocumentBuf::new();
        row.append(
            cstr!("instance"),
            name.map_or(RawBson::Null, |name| RawBson::String(name.to_owned())),
        );
        row.append(cstr!("now"), number(players as f64));
        row.append(cstr!("processes"), number(f64::from(processes)));
        list.push(row);
    }
    let now = here.iter().map(|seen| seen.online).sum();
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("now"), shown((!here.is_empty()).then_some(now)));
    document.append(cstr!("processes"), number(here.len() as f64));
    document.append(cstr!("byInstance"), &list);
    document.append(cstr!("asOf"), DateTime::from_millis(presence.now_ms));
    document
}

/// `{ peak, peakAt, stepS, curve }`.
fn append_curve(document: &mut RawDocumentBuf, curve: &Curve, start_ms: i64) {
    let peak = curve::peak(curve);
    let at = peak.map(|(_, minute)| DateTime::from_millis(start_ms + minute * MINUTE_MS));
    document.append(cstr!("peak"), shown(peak.map(|(players, _)| players)));
    document.append(cstr!("peakAt"), at.map_or(RawBson::Null, RawBson::DateTime));
    document.append(cstr!("stepS"), number((curve::STEP * 60) as f64));
    let mut list = RawArrayBuf::new();
    for players in curve::steps(curve) {
        list.push(shown(players));
    }
    document.append(cstr!("curve"), &list);
}

fn shown(players: Option<i64>) -> RawBson {
    players.map_or(RawBson::Null, |players| number(players as f64))
}
