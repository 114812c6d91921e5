//! Flush on exit: the end of a thread or of the process waits up to 1.5 s for what its instances hold.
//!
//! Blocks the thread that ends. The instances themselves go on; only what they held at the begin counts.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use napi::bindgen_prelude::{Env, Result};
use napi_derive::napi;

use crate::forward::Destinations;
use crate::instance::shared::Shared;
use crate::pipeline::Pipeline;

const LIMIT: Duration = Duration::from_millis(1_500);
/// How long it waits, while it has nothing else to wait for, for what says that an instance has ended.
const PRESENCE_LIMIT: Duration = Duration::from_millis(300);

/// Every instance, with the JavaScript thread that made it and flushes it when it ends.
static INSTANCES: Mutex<Vec<Instance>> = Mutex::new(Vec::new());

static DEADLINE: Deadline = Deadline(Mutex::new(None));

struct Instance {
    thread: ThreadId,
    shared: Weak<Shared>,
    destinations: Weak<Destinations>,
}

/// What is left when the process ends.
#[napi(object, object_from_js = false)]
pub struct Left {
    /// Records that are not written.
    pub records: f64,
    /// Those of them that are in the spool, where the next process finds them.
    pub spooled: f64,
    /// Events that are not forwarded.
    pub unforwarded: f64,
    /// Those of them that are in the spool.
    pub spooled_events: f64,
}

/// Blocks until every instance of this thread, or of all threads, has written and forwarded what it
/// holds now, at most this long and 1.5 s. Returns what is left.
#[napi]
pub fn flush_on_exit(all_threads: bool, limit_ms: f64) -> Left {
    let limit = Duration::from_millis(limit_ms as u64).min(LIMIT);
    let deadline = DEADLINE.begin(all_threads).min(Instant::now() + limit);
    let flushes: Vec<_> = live(all_threads).into_iter().map(Flush::begin).collect();
    let presence_deadline = deadline.min(Instant::now() + PRESENCE_LIMIT);
    let left = || {
        let records: u64 = flushes.iter().map(Flush::records).sum();
        let events: u64 = flushes.iter().map(Flush::events).sum();
        (records, events)
    };
    // Cursors count too: without them the next start forwards again what was sent.
    let is_done = || {
        left() == (0, 0)
            && flushes
                .iter()
                .all(|flush| flush.destinations.are_persisted())
    };
    while !is_done() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    let is_present = || flushes.iter().any(Flush::is_present);
    while is_present() && Instant::now() < presence_deadline {
        thread::sleep(Duration::from_millis(1));
    }
    let (records, unforwarded) = left();
    if (records, unforwarded) != (0, 0) {
        DEADLINE.was_missed(deadline);
    }
    let spooled: u64 = flushes.iter().map(Flush::spooled_records).sum();
    let spooled_events: u64 = flushes.iter().map(Flush::spooled_events).sum();
    for flush in &flushes {
        flush.shared.exiting.store(false, Ordering::Release);
    }
    Left {
        records: records as f64,
        spooled: spooled.min(records) as f64,
        unforwarded: unforwarded as f64,
        spooled_events: spooled_events.min(unforwarded) as f64,
    }
}

/// The flush of one instance.
struct Flush {
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    /// Records that were accepted when it began.
    accepted: u64,
}

impl Flush {
    fn begin((shared, destinations): (Arc<Shared>, Arc<Destinations>)) -> Self {
        shared.exiting.store(true, Ordering::Release);
        shared.wake.notify_one();
        Self {
            accepted: shared.health.counts().accepted,
            shared,
            destinations,
        }
    }

    fn records(&self) -> u64 {
        // Other threads may go on tracking.
        let counts = self.shared.health.counts();
        self.accepted.saturating_sub(counts.done())
    }

    /// Whether what is stored says that it is here, and the database may be told that it is not.
    fn is_present(&self) -> bool {
        let is_present = self.shared.is_present.load(Ordering::Acquire);
        is_present && self.shared.database.get().connected
    }

    fn events(&self) -> u64 {
        self.destinations.queued()
    }

    fn spooled_records(&self) -> u64 {
        let spool = self.shared.spool.get();
        spool.map_or(0, |spool| {
            if spool.holds_records {
                self.records()
            } else {
                0
            }
        })
    }

    fn spooled_events(&self) -> u64 {
        let spool = self.shared.spool.get();
        spool.map_or(
            0,
            |spool| if spool.holds_events { self.events() } else { 0 },
        )
    }
}

/// When a flush ends at the latest. The end of the process has its own time. Threads that end one after
/// the other share theirs as soon as one of them has missed it.
struct Deadline(Mutex<Option<Instant>>);

impl Deadline {
    fn begin(&self, all_threads: bool) -> Instant {
        let now = Instant::now();
        let missed = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match missed {
            Some(end) if !all_threads && now < end + LIMIT => end,
            _ => now + LIMIT,
        }
    }

    fn was_missed(&self, end: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }
}

/// Flushes the instance when this thread or the process ends.
pub fn register(pipeline: &Pipeline, env: &Env) -> Result<()> {
    let mut instances = INSTANCES.lock().unwrap_or_else(PoisonError::into_inner);
    instances.retain(|one| one.shared.strong_count() > 0);
    instances.push(Instance {
        thread: thread::current().id(),
        shared: Arc::downgrade(pipeline.shared()),
        destinations: Arc::downgrade(pipeline.destinations()),
    });
    drop(instances);
    hook_clean_up(env)
}

/// Threads that the end of the process or `terminate()` ends have no `exit` event.
fn hook_clean_up(env: &Env) -> Result<()> {
    thread_local!(static IS_HOOKED: Cell<bool> = const { Cell::new(false) });
    if !IS_HOOKED.replace(true) {
        env.add_env_cleanup_hook((), |()| {
            flush_on_exit(false, LIMIT.as_millis() as f64);
        })?;
    }
    Ok(())
}

/// The instances that were made by this thread, or by any.
fn live(all_threads: bool) -> Vec<(Arc<Shared>, Arc<Destinations>)> {
    let here = thread::current().id();
    let instances = INSTANCES.lock().unwrap_or_else(PoisonError::into_inner);
    instances
        .iter()
        .filter(|one| all_threads || one.thread == here)
        .filter_map(|one| Some((one.shared.upgrade()?, one.destinations.upgrade()?)))
        .collect()
}
