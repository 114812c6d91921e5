//! The whole game for `getOpenMetrics()`: the same figures from every process, out of small documents.

use bson::{Bson, DateTime, Document, doc};

use crate::record::day::Day;
use crate::record::document::number;
use crate::reports::figures;
use crate::store::{Presence, Result, Seen, Store, is_unauthorized};

/// `{ asOf, day, now, processes, totals }`; with `is_whole` also what changes rarely: the users who paid today, the
/// peak of the day, and what reports say. What the user of the database may not read is not known.
pub async fn read<S: Store>(store: &S, is_whole: bool) -> Result<Document> {
    let presence = allowed(store.presence().await)?;
    let now_ms = match &presence {
        Some(presence) => presence.now_ms,
        None => store.server_ms().await?,
    };
    let day = Day::of(now_ms);
    let here: Vec<&Seen> = presence.iter().flat_map(Presence::here).collect();
    let online: i64 = here.iter().map(|seen| seen.online).sum();
    let mut game = doc! {
        "asOf": DateTime::from_millis(now_ms),
        "day": day.as_str(),
        "now": players((!here.is_empty()).then_some(online)),
        "processes": number(here.len() as f64),
        "totals": store.day_totals(&day).await?.unwrap_or_default(),
    };
    if is_whole {
        game.insert("payers", players(allowed(store.payers(&day).await)?));
        let figures = allowed(figures::read(store, &day).await)?;
        game.extend(figures.unwrap_or_default());
    }
    Ok(game)
}

fn allowed<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Err(error) if is_unauthorized(&error) => Ok(None),
        read => read.map(Some),
    }
}

fn players(count: Option<i64>) -> Bson {
    count.map_or(Bson::Null, |count| number(count as f64))
}
