//! Fake store in memory, for tests. A test decides the fate of each request and reply.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Bson, Document, RawDocumentBuf};
use tokio::time::Instant;

use super::Store;
use super::error::{Fault, Result, StoreError};
use super::keys::{KeyMarker, KeyStore, KeyedEvent};
use super::legacy::{Baseline, CLAIM_TTL, LegacyStore};
use super::lifecycle::{Identities, Lifecycle, Prepared};
use super::presence::{Minutes, Presence, PresenceStore, Sample, Samples, Seen};
use super::records::{CloseOutcome, Dropped, Inserted, RecordStore};
use super::totals::{Added, AppliedSeq, Delta, MonthView, SeqAdvance, Sums, TotalsStore};
use super::uniques::{Marker, UniquesStore};
use crate::config::Collection;
use crate::instance::incarnation::Incarnation;
use crate::instance::listener::Level;
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::document::Batch;
use crate::record::item::Close;

/// The outcome of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Answered,
    RequestLost,
    ReplyLost,
}

/// A daily document.
#[derive(Debug, Default, Clone)]
pub struct Daily {
    pub totals: BTreeMap<Counter, f64>,
    pub writers: HashMap<String, i64>,
    pub mau: f64,
    pub session_seconds: f64,
    pub sessions_closed: f64,
}

#[derive(Default)]
pub struct State {
    pub events: BTreeMap<ObjectId, Document>,
    pub sessions: BTreeMap<ObjectId, Document>,
    pub days: BTreeMap<String, Daily>,
    markers: BTreeMap<(String, String), Marker>,
    pub keys: BTreeMap<(String, String), KeyMarker>,
    /// Events of these users are refused for their content.
    pub refused_users: BTreeSet<String>,
    /// How long an addition to the totals takes, and how long it takes to store sessions.
    pub slow_add: Duration,
    pub slow_logins: Duration,
    /// No right to insert markers, or to close sessions.
    pub refuses_markers: bool,
    pub refuses_logouts: bool,
    /// Requests are neither answered nor refused.
    pub hangs: bool,
    /// How long the indexes take that totals do not rely on.
    pub slow_indexes: Duration,
    /// How long it takes to open the store.
    pub slow_open: Duration,
    /// Why totals cannot be added.
    pub blocked: Option<String>,
    /// Days with legacy sessions.
    pub baselines: BTreeMap<String, Baseline>,
    /// The sums of each day's legacy sessions.
    pub old: Sums,
    /// How long it takes to mark a day's old users, and how often that was done.
    pub slow_mark: Duration,
    pub marks: u64,
    /// The server refuses to sum up.
    pub refuses_marks: bool,
    /// No addition matches, whatever is read; and how many were sent.
    pub always_misses: bool,
    pub adds: u64,
    /// The builder that sums up legacy sessions, and the end of its claim.
    claim: Option<(String, Instant)>,
    pub faults: u64,
    /// The newest sample of each instance, and when it was stored.
    pub samples: BTreeMap<Incarnation, (Sample, Instant)>,
    /// The server refuses samples.
    pub refuses_samples: bool,
    /// The days as a majority read sees them: now, or as they were a while ago.
    committed: BTreeMap<String, Daily>,
    reads: u64,
}

type Chance = Box<dyn FnMut() -> Fate + Send>;

/// Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct FakeStore {
    state: Arc<Mutex<State>>,
    chance: Arc<Mutex<Chance>>,
}

impl FakeStore {
    /// `chance` decides the fate of each request.
    pub fn new(chance: impl FnMut() -> Fate + Send + 'static) -> Self {
        Self {
            state: Arc::default(),
            chance: Arc::new(Mutex::new(Box::new(chance))),
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, once the server answers. No chance decides about it.
    async fn sight(&self) -> MutexGuard<'_, State> {
        tokio::task::yield_now().await;
        while self.state().hangs {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        self.state()
    }

    async fn request<T>(&self, run: impl FnOnce(&mut State) -> T) -> Result<T> {
        drop(self.sight().await);
        let fate = (self.chance.lock().unwrap_or_else(PoisonError::into_inner))();
        let mut state = self.state();
        let lost = |state: &mut State, what: &str| {
            state.faults += 1;
            Err(StoreError::transient(format!("{what} lost")))
        };
        match fate {
            Fate::Answered => Ok(run(&mut state)),
            Fate::RequestLost => lost(&mut state, "request"),
            Fate::ReplyLost => {
                run(&mut state);
                lost(&mut state, "reply")
            }
        }
    }
}

/// Whether it was not there yet.
fn insert(into: &mut BTreeMap<ObjectId, Document>, document: Document) -> bool {
    let id = document.get_object_id("_id").expect("an _id");
    let is_new = !into.contains_key(&id);
    into.entry(id).or_insert(document);
    is_new
}

fn number_in(value: &Bson) -> Option<f64> {
    value.as_f64().or(value.as_i32().map(f64::from))
}

impl Store for FakeStore {}

impl RecordStore for FakeStore {
    async fn insert_events(&self, batch: &Batch) -> Result<Inserted> {
        self.request(|state| {
            let mut inserted = Inserted::default();
            for (index, document) in batch.documents().into_iter().enumerate() {
                let user = document.get_str("userId").unwrap_or_default();
                if state.refused_users.contains(user) {
                    let message = "refused".to_owned();
                    inserted.dropped.push(Dropped { index, message });
                } else if !insert(&mut state.events, document) {
                    inserted.duplicates.push(index);
                }
            }
            inserted
        })
        .await
    }

    async fn insert_sessions(&self, batch: &Batch) -> Result<Inserted> {
        let slow_logins = self.state().slow_logins;
        tokio::time::sleep(slow_logins).await;
        self.request(|state| {
            for document in batch.documents() {
                insert(&mut state.sessions, document);
            }
            Inserted::default()
        })
        .await
    }

    async fn close_sessions(&self, closes: &[Close]) -> Result<Vec<CloseOutcome>> {
        if self.state().refuses_logouts {
            return Err(StoreError::new(Fault::Collection, "refused"));
        }
        self.request(|state| {
            let close = |close: &Close| {
                let Some(session) = state.sessions.get_mut(&close.session) else {
                    return CloseOutcome::NoMatch;
                };
                let logout = bson::DateTime::from_millis(close.logout_ms);
                let known = session.get_datetime("logoutAt").ok().copied();
                let matches = known.is_none_or(|known| known == logout);
                if matches {
                    session.insert("logoutAt", logout);
                    session.insert("durationS", close.duration_s);
                }
                if matches {
                    CloseOutcome::Applied
                } else {
                    CloseOutcome::NoMatch
                }
            };
            closes.iter().map(close).collect()
        })
        .await
    }
}

impl TotalsStore for FakeStore {
    async fn ensure_day(&self, day: &Day) -> Result<()> {
        self.request(|state| {
            state.days.entry(day.as_str().to_owned()).or_default();
        })
        .await
    }

    async fn add(&self, day: &Day, advance: SeqAdvance<'_>, delta: &Delta) -> Result<Added> {
        let slow_add = self.state().slow_add;
        tokio::time::sleep(slow_add).await;
        self.request(|state| {
            state.adds += 1;
            let misses = state.always_misses;
            let Some(daily) = state.days.get_mut(day.as_str()).filter(|_| !misses) else {
                return Added::Conflict;
            };
            if daily.writers.get(advance.writer).copied() != advance.previous {
                return Added::Conflict;
            }
            for (counter, amount) in delta.amounts() {
                *daily.totals.entry(counter).or_default() += amount;
            }
            daily.mau += delta.mau;
            daily.session_seconds += delta.session_seconds;
            daily.sessions_closed += delta.sessions_closed;
            daily
                .writers
                .insert(advance.writer.to_owned(), advance.last);
            Added::Applied {
                left_out: Vec::new(),
            }
        })
        .await
    }

    async fn applied_seq(&self, day: &Day, writer: &str) -> Result<AppliedSeq> {
        self.request(|state| {
            state.reads += 1;
            // Every other read is as old as the one before it.
            if state.reads % 2 == 0 {
                state.committed = state.days.clone();
            }
            match state.committed.get(day.as_str()) {
                None => AppliedSeq::NoDocument,
                Some(daily) => AppliedSeq::At(daily.writers.get(writer).copied()),
            }
        })
        .await
    }

    async fn confirm(&self, day: &Day, writer: &str, seq: Option<i64>) -> Result<bool> {
        self.request(|state| {
            let daily = state.days.get(day.as_str());
            daily.is_some_and(|daily| daily.writers.get(writer).copied() == seq)
        })
        .await
    }

    async fn month(&self, today: &Day) -> Result<MonthView> {
        self.request(|state| {
            let month = state
                .days
                .iter()
                .filter(|(day, _)| day.starts_with(today.month()));
            let mut view = MonthView::default();
            for (_, daily) in month {
                view.sums.mau += daily.mau;
                view.sums.session_seconds += daily.session_seconds;
                view.sums.sessions_closed += daily.sessions_closed;
            }
            view
        })
        .await
    }

    async fn newest_days(&self, _: u32) -> Result<Vec<RawDocumentBuf>> {
        self.request(|_| Vec::new()).await
    }
}

impl UniquesStore for FakeStore {
    async fn find_markers(&self, period: &str, users: &[&str]) -> Result<Vec<Marker>> {
        self.request(|state| {
            let id = |user: &&str| (period.to_owned(), (*user).to_owned());
            let found = users.iter().filter_map(|user| state.markers.get(&id(user)));
            found.cloned().collect()
        })
        .await
    }

    async fn insert_markers(&self, markers: &[Marker]) -> Result<Vec<Dropped>> {
        if self.state().refuses_markers {
            let error = StoreError::new(Fault::Collection, "refused");
            return Err(error.on(Collection::Uniques));
        }
        self.request(|state| {
            let mut dropped = Vec::new();
            for (index, marker) in markers.iter().enumerate() {
                if state.refused_users.contains(&marker.user) {
                    let message = "refused".to_owned();
                    dropped.push(Dropped { index, message });
                    continue;
                }
                let id = (marker.period.clone(), marker.user.clone());
                state.markers.entry(id).or_insert_with(|| marker.clone());
            }
            dropped
        })
        .await
    }
}

impl KeyStore for FakeStore {
    async fn find_keys(&self, wanted: &[KeyMarker]) -> Result<Vec<KeyMarker>> {
        self.request(|state| {
            let id = |one: &KeyMarker| (one.event.clone(), one.key.clone());
            let found = wanted.iter().filter_map(|one| state.keys.get(&id(one)));
            found.cloned().collect()
        })
        .await
    }

    async fn insert_keys(&self, markers: &[KeyMarker]) -> Result<Inserted> {
        self.request(|state| {
            let mut inserted = Inserted::default();
            for (index, marker) in markers.iter().enumerate() {
                let id = (marker.event.clone(), marker.key.clone());
                if state.keys.contains_key(&id) {
                    inserted.duplicates.push(index);
                }
                state.keys.entry(id).or_insert_with(|| marker.clone());
            }
            inserted
        })
        .await
    }

    async fn find_keyed_events(&self, ids: &[ObjectId]) -> Result<Vec<KeyedEvent>> {
        self.request(|state| {
            let event = |id: &ObjectId| {
                let document = state.events.get(id)?;
                Some(KeyedEvent {
                    id: *id,
                    day: Day::named(document.get_str("day").ok()?)?,
                    amount: document.get("amount").and_then(number_in),
                })
            };
            ids.iter().filter_map(event).collect()
        })
        .await
    }
}

/// Its clock shows `FAKE_NOW_MS` while samples are fresh.
pub const FAKE_NOW_MS: i64 = 1_795_392_000_000;

impl PresenceStore for FakeStore {
    async fn prepare_presence(&self) -> Result<()> {
        Ok(())
    }

    async fn write_sample(&self, sample: &Sample) -> Result<()> {
        if self.state().refuses_samples {
            return Err(StoreError::new(Fault::Collection, "refused"));
        }
        let state = &mut *self.sight().await;
        let known = state.samples.get(&sample.incarnation);
        if known.is_none_or(|(known, _)| known.seq < sample.seq) {
            let stored = (sample.clone(), Instant::now());
            state.samples.insert(sample.incarnation, stored);
        }
        Ok(())
    }

    async fn presence(&self) -> Result<Presence> {
        let state = self.sight().await;
        let seen = |(sample, at): &(Sample, Instant)| Seen {
            online: sample.online,
            at_ms: FAKE_NOW_MS - at.elapsed().as_millis() as i64,
            has_ended: sample.is_last,
            is_claimed: false,
            name: sample.health.get_str("instance").ok().map(str::to_owned),
        };
        Ok(Presence {
            now_ms: FAKE_NOW_MS,
            instances: state.samples.values().map(seen).collect(),
        })
    }

    async fn samples(&self, _: &Day) -> Result<Samples> {
        Ok(Samples::new())
    }

    async fn session_changes(&self, _: &Day) -> Result<Minutes> {
        Ok(Minutes::new())
    }
}

impl LegacyStore for FakeStore {
    async fn baselines(&self, days: &[Day]) -> Result<Vec<Baseline>> {
        self.request(|state| {
            let baseline = |day: &Day| state.baselines.get(day.as_str()).copied();
            let known = days
                .iter()
                .map(|day| baseline(day).unwrap_or(Baseline::EMPTY));
            known.collect()
        })
        .await
    }

    async fn insert_baselines(&self, cutoffs: &[(Day, ObjectId)]) -> Result<bool> {
        self.request(|state| {
            let before = state.baselines.len();
            for (day, cutoff) in cutoffs {
                let there = state.baselines.entry(day.as_str().to_owned());
                there.or_insert(Baseline::with_cutoff(*cutoff));
            }
            state.baselines.len() > before
        })
        .await
    }

    async fn legacy_users(&self, _: &Day, _: &[&str], _: ObjectId) -> Result<Vec<String>> {
        self.request(|_| Vec::new()).await
    }

    async fn claim_legacy(&self, _: &Day, builder: &str) -> Result<bool> {
        self.request(|state| {
            let now = Instant::now();
            let other = state.claim.as_ref().filter(|(by, _)| by != builder);
            let is_free = other.is_none_or(|(_, until)| *until <= now);
            if is_free {
                state.claim = Some((builder.to_owned(), now + CLAIM_TTL));
            }
            is_free
        })
        .await
    }

    async fn mark_baseline(&self, day: &Day, _: ObjectId) -> Result<()> {
        let takes = self.state().slow_mark;
        tokio::time::sleep(takes).await;
        if self.state().refuses_marks {
            return Err(StoreError::permanent("refused"));
        }
        self.request(|state| {
            state.marks += 1;
            let baseline = state.baselines.get_mut(day.as_str()).expect("a known day");
            baseline.marked = true;
        })
        .await
    }

    async fn sum_baselines(&self, days: &[Day]) -> Result<()> {
        self.request(|state| {
            for day in days {
                let baseline = state.baselines.get_mut(day.as_str()).expect("a known day");
                assert!(baseline.marked, "{day:?} is summed up before it is marked");
                baseline.sums = Some(state.old);
            }
            state.claim = None;
        })
        .await
    }
}

impl Lifecycle for FakeStore {
    async fn prepare(&self) -> Result<Prepared> {
        self.request(|state| match &state.blocked {
            Some(why) => Prepared::Blocked(why.clone()),
            None => Prepared::Ready(Vec::new()),
        })
        .await
    }

    async fn create_indexes(&self) -> Result<Vec<(Level, String)>> {
        let takes = self.state().slow_indexes;
        tokio::time::sleep(takes).await;
        self.request(|_| Vec::new()).await
    }

    async fn identities(&self) -> Result<Option<Identities>> {
        self.request(|_| None).await
    }

    async fn close(&self) {
        if !self.state().hangs {
            let _ = self.request(|_| ()).await;
        }
    }
}
