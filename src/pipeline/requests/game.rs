//! The whole game for `getOpenMetrics()`: the same figures from every process, out of small documents.

use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};
use tokio::time::Instant;

use crate::record::day::Day;
use crate::record::document::number;
use crate::reports::figures;
use crate::reports::learned::{self, Learned};
use crate::store::{Presence, Result, Seen, Store, StoreError, is_unauthorized};

/// The server counts whole milliseconds, and takes 0 for no limit.
const LEAST: Duration = Duration::from_millis(1);
/// What its reads fail on when nobody waits for the answer any more.
const TOO_LATE: &str = "the figures of the game were not read in time";

/// `{ asOf, day, now, processes, totals }`; with `is_whole` also what changes rarely: the users who paid today, the
/// peak of the day, what reports say, and for a reader that `learns` what they say of the game's options, `learned`.
/// What the user of the database may not read is not known. Nothing is read that the asker does not wait for: on a
/// slow server scrapes would pile up.
pub async fn read<S: Store>(
    store: &S,
    is_whole: bool,
    learns: bool,
    until: Instant,
) -> Result<Document> {
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
        let payers = store.payers(&day, left(until)?).await;
        game.insert("payers", players(allowed(payers)?));
        left(until)?;
        let figures = allowed(figures::read(store, &day).await)?;
        game.extend(figures.unwrap_or_default());
        if learns {
            left(until)?;
            let learned = allowed(learned::newest(store, &day).await)?.flatten();
            game.insert("learned", learned.as_ref().map(Learned::document));
        }
    }
    Ok(game)
}

/// The time that is left.
fn left(until: Instant) -> Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    match left >= LEAST {
        true => Ok(left),
        false => Err(StoreError::transient(TOO_LATE)),
    }
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
