//! The whole game for `getOpenMetrics()`: the same figures from every process, out of small documents.

use bson::{Bson, DateTime, Document, doc};

use crate::record::day::Day;
use crate::record::document::number;
use crate::reports::figures;
use crate::store::{Result, Seen, Store};

/// `{ asOf, day, now, processes, totals, payers }`; with `is_whole` also what changes rarely: the peak of the day, and
/// what reports say.
pub async fn read<S: Store>(store: &S, is_whole: bool) -> Result<Document> {
    let presence = store.presence().await?;
    let day = Day::of(presence.now_ms);
    let here: Vec<&Seen> = presence.here().collect();
    let online: i64 = here.iter().map(|seen| seen.online).sum();
    let mut game = doc! {
        "asOf": DateTime::from_millis(presence.now_ms),
        "day": day.as_str(),
        "now": players((!here.is_empty()).then_some(online)),
        "processes": number(here.len() as f64),
        "totals": store.day_totals(&day).await?.unwrap_or_default(),
        "payers": number(store.payers(&day).await? as f64),
    };
    if is_whole {
        game.extend(figures::read(store, &day).await?);
    }
    Ok(game)
}

fn players(count: Option<i64>) -> Bson {
    count.map_or(Bson::Null, |count| number(count as f64))
}
