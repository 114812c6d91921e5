//! A store in memory whose requests and replies get lost when a test says so.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Document, RawDocumentBuf};

use super::{
    Added, Base, Close, Closed, Delta, Marker, MonthView, Result, SetAside, Standing, Step, Store,
    StoreError, Sums,
};
use crate::calendar::Day;
use crate::counters::Counter;
use crate::document::Batch;
use crate::host::Level;

/// What happens to one request.
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
    /// Events of these users are refused for their content.
    pub refused_users: BTreeSet<String>,
    /// How long an addition to the totals takes.
    pub slow_add: Duration,
    /// Requests are neither answered nor refused.
    pub hangs: bool,
    /// How long the indexes take that totals do not rely on.
    pub slow_indexes: Duration,
    /// How long it takes to open the store.
    pub slow_open: Duration,
    pub faults: u64,
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

    async fn request<T>(&self, run: impl FnOnce(&mut State) -> T) -> Result<T> {
        tokio::task::yield_now().await;
        while self.state().hangs {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let fate = (self.chance.lock().unwrap_or_else(PoisonError::into_inner))();
        let mut state = self.state();
        let lost = |state: &mut State, what: &str| {
            state.faults += 1;
            Err(StoreError {
                message: format!("{what} lost"),
                transient: true,
            })
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

fn insert(into: &mut BTreeMap<ObjectId, Document>, document: Document) {
    let id = document.get_object_id("_id").expect("an _id");
    into.entry(id).or_insert(document);
}

impl Store for FakeStore {
    async fn prepare(&self) -> Result<Vec<(Level, String)>> {
        self.request(|_| Vec::new()).await
    }

    async fn create_indexes(&self) -> Result<Vec<(Level, String)>> {
        let takes = self.state().slow_indexes;
        tokio::time::sleep(takes).await;
        self.request(|_| Vec::new()).await
    }

    async fn insert_events(&self, batch: &Batch) -> Result<Vec<SetAside>> {
        self.request(|state| {
            let mut set_aside = Vec::new();
            for (index, document) in batch.documents().into_iter().enumerate() {
                let user = document.get_str("userId").unwrap_or_default();
                if state.refused_users.contains(user) {
                    let message = "refused".to_owned();
                    set_aside.push(SetAside { index, message });
                } else {
                    insert(&mut state.events, document);
                }
            }
            set_aside
        })
        .await
    }

    async fn insert_sessions(&self, batch: &Batch) -> Result<Vec<SetAside>> {
        self.request(|state| {
            for document in batch.documents() {
                insert(&mut state.sessions, document);
            }
            Vec::new()
        })
        .await
    }

    async fn close_sessions(&self, closes: &[Close]) -> Result<Vec<Closed>> {
        self.request(|state| {
            let close = |close: &Close| {
                let Some(session) = state.sessions.get_mut(&close.session) else {
                    return Closed::NotByThis;
                };
                let logout = bson::DateTime::from_millis(close.logout_ms);
                let known = session.get_datetime("logoutAt").ok().copied();
                let matches = known.is_none_or(|known| known == logout);
                if matches {
                    session.insert("logoutAt", logout);
                    session.insert("durationS", close.duration_s);
                }
                if matches {
                    Closed::ByThis
                } else {
                    Closed::NotByThis
                }
            };
            closes.iter().map(close).collect()
        })
        .await
    }

    async fn ensure_day(&self, day: &Day) -> Result<()> {
        self.request(|state| {
            state.days.entry(day.as_str().to_owned()).or_default();
        })
        .await
    }

    async fn add(&self, day: &Day, step: Step<'_>, delta: &Delta) -> Result<Added> {
        let slow_add = self.state().slow_add;
        tokio::time::sleep(slow_add).await;
        self.request(|state| {
            let Some(daily) = state.days.get_mut(day.as_str()) else {
                return Added::Missed;
            };
            if daily.writers.get(step.writer).copied() != step.previous {
                return Added::Missed;
            }
            for (counter, amount) in delta.amounts() {
                *daily.totals.entry(counter).or_default() += amount;
            }
            daily.mau += delta.mau;
            daily.session_seconds += delta.session_seconds;
            daily.sessions_closed += delta.sessions_closed;
            daily.writers.insert(step.writer.to_owned(), step.last);
            Added::Applied {
                left_out: Vec::new(),
            }
        })
        .await
    }

    async fn standing(&self, day: &Day, writer: &str) -> Result<Standing> {
        self.request(|state| {
            state.reads += 1;
            // Every other read is as old as the one before it.
            if state.reads % 2 == 0 {
                state.committed = state.days.clone();
            }
            match state.committed.get(day.as_str()) {
                None => Standing::NoDocument,
                Some(daily) => Standing::At(daily.writers.get(writer).copied()),
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

    async fn find_markers(&self, period: &str, users: &[&str]) -> Result<Vec<Marker>> {
        self.request(|state| {
            let id = |user: &&str| (period.to_owned(), (*user).to_owned());
            let found = users.iter().filter_map(|user| state.markers.get(&id(user)));
            found.cloned().collect()
        })
        .await
    }

    async fn insert_markers(&self, markers: &[Marker]) -> Result<()> {
        self.request(|state| {
            for marker in markers {
                let id = (marker.period.clone(), marker.user.clone());
                state.markers.entry(id).or_insert_with(|| marker.clone());
            }
        })
        .await
    }

    async fn users_up_to(&self, _: &Day, _: &[&str], _: ObjectId) -> Result<Vec<String>> {
        self.request(|_| Vec::new()).await
    }

    async fn bases(&self, days: &[Day]) -> Result<Vec<Base>> {
        let none = Base {
            cut: ObjectId::from_bytes([0; 12]),
            sums: Some(Sums::default()),
        };
        self.request(|_| vec![none; days.len()]).await
    }

    async fn sum_base(&self, _: &Day, _: ObjectId) -> Result<Sums> {
        self.request(|_| Sums::default()).await
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

    async fn close(&self) {}
}
