//! Fake store in memory, for tests. A test decides the fate of each request and reply.

mod claims;
mod keys;
mod legacy;
mod presence;
mod purchases;
mod records;
mod totals;
mod uniques;
pub mod unused;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bson::Document;
use bson::oid::ObjectId;
use tokio::time::Instant;

use super::Store;
use super::claims::LeftSession;
use super::error::{Fault, Result, StoreError};
use super::keys::KeyMarker;
use super::legacy::Baseline;
use super::lifecycle::{Identities, Lifecycle, Prepared};
use super::presence::Sample;
use super::purchases::Purchase;
use super::totals::Sums;
use super::uniques::Marker;
use crate::config::Collection;
use crate::instance::incarnation::Incarnation;
use crate::instance::listener::Level;
use crate::record::counters::Counter;
use crate::record::day::Day;

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
    /// Reads show no event that has a key, and no purchase.
    pub hides_keyed: bool,
    pub purchases: BTreeMap<ObjectId, Purchase>,
    /// What the server refuses purchases for.
    pub refuses_purchases: Option<Fault>,
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
    /// Why the server refuses to sum up.
    pub refuses_marks: Option<StoreError>,
    /// No addition matches, whatever is read; and how many were sent.
    pub always_misses: bool,
    pub adds: u64,
    /// The builder that sums up legacy sessions, and the end of its claim.
    claim: Option<(String, Instant)>,
    pub faults: u64,
    /// The newest sample of each instance, and when it was stored.
    pub samples: BTreeMap<Incarnation, (Sample, Instant)>,
    /// Instances that were claimed as dead.
    pub claimed: BTreeSet<Incarnation>,
    /// The sessions that each of them has left open, and those that were to be closed last.
    pub left_open: Vec<LeftSession>,
    pub to_close: Vec<ObjectId>,
    /// Those of which the sessions cannot be listed, and how long it takes to find that out.
    pub unlisted: BTreeSet<Incarnation>,
    /// How often sessions were to be listed.
    pub listings: u32,
    pub slow_listing: Duration,
    /// Why the server refuses what reports read, and how often it was looked what there is to report.
    pub refuses_reports: Option<StoreError>,
    pub report_looks: u64,
    /// Those at all days.
    pub whole_looks: u64,
    /// Days of which sessions were noted as late.
    pub late_days: Vec<Day>,
    /// How long it takes to make sure that samples expire, and how often that was wanted.
    pub slow_expiry: Duration,
    pub expiries: u64,
    pub slow_samples: Duration,
    /// Why the server refuses samples.
    pub refuses_samples: Option<StoreError>,
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

impl Store for FakeStore {}

impl Lifecycle for FakeStore {
    async fn prepare(&self) -> Result<Prepared> {
        self.request(|state| match &state.blocked {
            Some(why) => Prepared::Blocked(why.clone()),
            None => Prepared::Ready(Vec::new()),
        })
        .await
    }

    async fn create_indexes(&self, _: &BTreeSet<Collection>) -> Result<Vec<(Level, String)>> {
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
