//! Presence of instances (`gsoreports`).

use std::collections::HashSet;
use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};

use super::client::MongoStore;
use super::cursor::collect;
use super::error::unexpected;
use super::write_command::raw;
use crate::instance::incarnation::Incarnation;
use crate::record::day::{DAY_MS, Day, iso};
use crate::record::document::number_in;
use crate::store::error::{Result, StoreError};
use crate::store::presence::{Minutes, Presence, PresenceStore, Sample, Samples, Seen};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// How long the minutes of a day are kept, and the last sample of an instance that has left players logged in.
pub(super) const KEPT_MS: i64 = 3 * DAY_MS;
/// How long the last sample of an instance is kept that has left nothing: every sample of others reads it.
const ENDED_MS: i64 = 10 * MINUTE_MS;
/// Time limit of the server; a sample that is late is of no use.
const TIMEOUT_MS: i64 = 5_000;

impl PresenceStore for MongoStore {
    async fn prepare_presence(&self) -> Result<()> {
        self.expire_reports().await
    }

    async fn write_sample(&self, sample: &Sample) -> Result<()> {
        let now_ms = self.server_ms().await?;
        let command = doc! {
            "update": self.reports.name(), "updates": [newest(sample, now_ms), minute(sample, now_ms)],
            "ordered": false, "writeConcern": { "w": 1 }, "maxTimeMS": TIMEOUT_MS,
        };
        // A duplicate `_id` is that of a later sample.
        let refused = self.send(raw(&command)?, None).await?.dropped()?;
        match refused.into_iter().next() {
            Some(refusal) => Err(StoreError::permanent(refusal.message)),
            None => Ok(()),
        }
    }

    async fn presence(&self) -> Result<Presence> {
        let now_ms = self.server_ms().await?;
        let found = self
            .reports
            .find(doc! { "_id": { "$gte": "now:", "$lt": "now;" } });
        let found = found.projection(doc! {
            "n": 1, "seq": 1, "t": 1, "from": 1, "to": 1, "at": 1, "ended": 1, "left": 1, "closed": 1,
            "resumes": 1, "h.instance": 1,
        });
        let found = collect(found).await?;
        let incarnations = found.iter().filter_map(|document| named(document, "now:"));
        let claimed = self.claimed(incarnations).await?;
        let instances = found.iter().filter_map(|document| {
            let incarnation = named(document, "now:")?;
            seen(document, incarnation, claimed.contains(&incarnation))
        });
        Ok(Presence {
            now_ms,
            instances: instances.collect(),
        })
    }

    async fn samples(&self, day: &Day) -> Result<Samples> {
        let Some(start_ms) = day.start_ms() else {
            return Ok(Samples::new());
        };
        let (first, end) = (hour(start_ms - HOUR_MS), hour(start_ms + DAY_MS + HOUR_MS));
        let hours = doc! { "_id": { "$gte": format!("p:{first}"), "$lt": format!("p:{end}") } };
        let mut samples = Samples::new();
        for document in collect(self.reports.find(hours)).await? {
            let Some((hour_ms, incarnation)) = hour_and_incarnation(&document) else {
                continue;
            };
            let minutes = samples.entry(incarnation).or_default();
            let first = (hour_ms - start_ms) / MINUTE_MS;
            minutes.extend(minutes_in(&document).map(|(minute, n)| (first + minute, n)));
        }
        Ok(samples)
    }

    async fn session_changes(&self, day: &Day, limit: Duration) -> Result<Minutes> {
        let Some(start_ms) = day.start_ms() else {
            return Ok(Minutes::new());
        };
        let days = [start_ms - DAY_MS, start_ms].map(Day::of);
        let start = DateTime::from_millis(start_ms);
        let minute_of = |time: Bson| {
            let minute =
                doc! { "$floor": { "$divide": [{ "$subtract": [time, start] }, MINUTE_MS] } };
            doc! { "$max": [-1, minute] }
        };
        let logout = doc! { "$max": ["$loginAt", "$logoutAt"] };
        let changes = [
            doc! { "m": minute_of("$loginAt".into()), "d": 1 },
            doc! { "m": minute_of(logout.into()), "d": -1 },
        ];
        let stages = [
            doc! { "$match": {
                "day": { "$in": days.map(|day| day.as_str().to_owned()).to_vec() },
                "loginAt": { "$type": "date" }, "logoutAt": { "$type": "date" },
            } },
            doc! { "$project": { "change": changes.to_vec() } },
            doc! { "$unwind": "$change" },
            doc! { "$group": { "_id": "$change.m", "d": { "$sum": "$change.d" } } },
        ];
        let found = self
            .rows_within(limit, &self.sessions, &stages, doc! { "day": 1 })
            .await?;
        let number = |document: &Document, name| document.get(name).and_then(number_in);
        let changes = found.iter().filter_map(|document| {
            Some((
                number(document, "_id")? as i64,
                number(document, "d")? as i64,
            ))
        });
        Ok(changes.collect())
    }
}

impl MongoStore {
    /// Those of the incarnations that have a claim. Claims hold sessions, and are kept for long: of them the index is
    /// read only.
    async fn claimed(&self, of: impl Iterator<Item = Incarnation>) -> Result<HashSet<Incarnation>> {
        let ids: Vec<String> = of.map(|of| format!("dead:{of}")).collect();
        let found = self.reports.find(doc! { "_id": { "$in": ids } });
        let found = collect(found.projection(doc! { "_id": 1 })).await?;
        let claimed = found.iter().filter_map(|document| named(document, "dead:"));
        Ok(claimed.collect())
    }

    /// The server's clock, ms since 1970.
    pub(super) async fn server_ms(&self) -> Result<i64> {
        let hello = match self.hello().await? {
            Some(hello) => hello,
            None => self.database.run_command(doc! { "isMaster": 1 }).await?,
        };
        let time = hello.get_datetime("localTime");
        let time = time.map_err(|_| unexpected("its time"))?;
        Ok(time.timestamp_millis())
    }
}

/// The update of the newest sample. If a later one is there, it inserts a duplicate.
fn newest(sample: &Sample, now_ms: i64) -> Document {
    let mut set = doc! {
        "n": sample.online, "seq": sample.seq, "t": DateTime::from_millis(sample.host_ms),
        "from": DateTime::from_millis(sample.from_ms),
        "to": DateTime::from_millis(sample.to_ms), "h": &sample.health, "resumes": true,
    };
    let mut change = doc! { "$currentDate": { "at": true } };
    if sample.is_last {
        let kept_ms = if sample.left == 0 { ENDED_MS } else { KEPT_MS };
        let expires = DateTime::from_millis(now_ms + kept_ms);
        set.extend(doc! { "ended": true, "left": sample.left, "x": expires });
    } else {
        change.insert(
            "$unset",
            doc! { "ended": "", "left": "", "closed": "", "x": "" },
        );
    }
    change.insert("$set", set);
    let id = format!("now:{}", sample.incarnation);
    doc! { "q": { "_id": id, "seq": { "$lt": sample.seq } }, "u": change, "upsert": true }
}

/// The update of the minute's count. The hours of a day expire together.
fn minute(sample: &Sample, now_ms: i64) -> Document {
    let expires_ms = (now_ms.div_euclid(DAY_MS) + 1) * DAY_MS + KEPT_MS;
    let id = format!("p:{}:{}", hour(now_ms), sample.incarnation);
    let minute = format!("m.{:02}", now_ms.rem_euclid(HOUR_MS) / MINUTE_MS);
    let set = doc! { minute: sample.online, "x": DateTime::from_millis(expires_ms) };
    doc! { "q": { "_id": id }, "u": { "$set": set }, "upsert": true }
}

/// `YYYY-MM-DDTHH`.
fn hour(time_ms: i64) -> String {
    iso(time_ms)[..13].to_owned()
}

fn hour_and_incarnation(document: &Document) -> Option<(i64, Incarnation)> {
    let id = document.get_str("_id").ok()?.strip_prefix("p:")?;
    let (hour, incarnation) = id.split_once(':')?;
    let (day, hour) = hour.split_once('T')?;
    let hour: i64 = hour.parse().ok()?;
    let start_ms = Day::existing(day)?.start_ms()?;
    Some((start_ms + hour * HOUR_MS, Incarnation::named(incarnation)?))
}

fn minutes_in(document: &Document) -> impl Iterator<Item = (i64, i64)> {
    let minutes = document.get_document("m").ok().into_iter().flatten();
    minutes.filter_map(|(minute, n)| Some((minute.parse().ok()?, number_in(n)? as i64)))
}

/// The incarnation in the `_id`, if it begins so.
pub(super) fn named(document: &Document, prefix: &str) -> Option<Incarnation> {
    let id = document.get_str("_id").ok()?;
    Incarnation::named(id.strip_prefix(prefix)?)
}

pub(super) fn seen(
    document: &Document,
    incarnation: Incarnation,
    is_claimed: bool,
) -> Option<Seen> {
    let name = |health: &Document| health.get_str("instance").ok().map(str::to_owned);
    let number = |name| document.get(name).and_then(number_in);
    let time = |name| {
        document
            .get_datetime(name)
            .ok()
            .map(|at| at.timestamp_millis())
    };
    let is_true = |name| document.get(name) == Some(&Bson::Boolean(true));
    let has_ended = is_true("ended");
    let left = number("left").unwrap_or(0.0);
    Some(Seen {
        incarnation,
        seq: number("seq")? as i64,
        host_ms: time("t"),
        from_ms: time("from"),
        to_ms: time("to"),
        online: number("n")? as i64,
        at_ms: time("at")?,
        has_ended,
        is_settled: !is_true("resumes") || is_true("closed") || has_ended && left == 0.0,
        is_claimed,
        name: document.get_document("h").ok().and_then(name),
    })
}
