//! Flush on exit: the end of a thread or of the process waits up to 1.5 s for what its instances hold. It does not
//! wait for a database that is away once a spool holds all of it.
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
use crate::instance::spool_report::SpoolState;
use crate::pipeline::Pipeline;

const LIMIT: Duration = Duration::from_millis(1_500);
/// How long it waits at least until records are on disk, however little time is left: else they would be lost.
const SPOOL_LIMIT: Duration = Duration::from_millis(100);
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
#[derive(Default)]
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
    let spool_deadline = deadline.max(Instant::now() + SPOOL_LIMIT);
    let flushes: Vec<_> = live(all_threads).into_iter().map(Flush::begin).collect();
    let presence_deadline = deadline.min(Instant::now() + PRESENCE_LIMIT);
    let is_in_time = wait_while(deadline, || !flushes.iter().all(Flush::is_done));
    wait_while(spool_deadline, || flushes.iter().any(Flush::is_spooling));
    wait_while(presence_deadline, || flushes.iter().any(Flush::is_present));
    let mut left = Left::default();
    for flush in &flushes {
        flush.add_to(&mut left);
        flush.shared.exiting.store(false, Ordering::Release);
    }
    if !is_in_time {
        DEADLINE.was_missed(deadline);
    }
    left
}

/// Whether the condition has ended in time.
fn wait_while(deadline: Instant, condition: impl Fn() -> bool) -> bool {
    while condition() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

/// The flush of one instance.
struct Flush {
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    /// Records that were accepted when it began.
    accepted: u64,
    /// Records of the host among them.
    handed_over: u64,
}

impl Flush {
    fn begin((shared, destinations): (Arc<Shared>, Arc<Destinations>)) -> Self {
        shared.exiting.store(true, Ordering::Release);
        shared.wake.notify_one();
        Self {
            accepted: shared.health.counts().accepted,
            handed_over: shared.handed_over.load(Ordering::Acquire),
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

    /// Whether nothing is left that this process could do. Cursors count too: without them the next start forwards
    /// again what was sent.
    fn is_done(&self) -> bool {
        let records = self.records();
        let is_written = records == 0 || self.is_away() && self.spooled(records) == records;
        is_written && self.events() == 0 && self.destinations.are_persisted()
    }

    /// Whether records are on their way to the disk.
    fn is_spooling(&self) -> bool {
        let spool = self.shared.spool.get();
        let records = self.records();
        spool.is_some_and(|spool| spool.state == SpoolState::Ok) && self.spooled(records) < records
    }

    /// Whether writes to the database have failed, and none has succeeded since.
    fn is_away(&self) -> bool {
        let has_failed = self.shared.health.counts().retried > 0;
        has_failed && !self.shared.database.get().connected
    }

    /// How many of the records that are left the next start finds in the spool. What the worker has not taken, or
    /// the disk not synced, does not count.
    fn spooled(&self, records: u64) -> u64 {
        match self.shared.spool.get() {
            Some(spool) if spool.holds_records => {
                records.saturating_sub(self.handed_over.saturating_sub(spool.kept))
            }
            _ => 0,
        }
    }

    fn add_to(&self, left: &mut Left) {
        let (records, events) = (self.records(), self.events());
        let spooled = self.spooled(records);
        let holds_events = self.shared.spool.get().is_some_and(|one| one.holds_events);
        let spooled_events = match holds_events {
            true => events.saturating_sub(records - spooled),
            false => 0,
        };
        left.records += records as f64;
        left.spooled += spooled as f64;
        left.unforwarded += events as f64;
        left.spooled_events += spooled_events as f64;
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
