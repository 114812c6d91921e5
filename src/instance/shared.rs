//! The state of one instance that the JavaScript thread and the worker share: settings, the loss report,
//! gauges, and the state of database and spool.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::context::Context;
use crate::config::Config;
use crate::instance::health::{Health, History, SpoolReport};
use crate::instance::listener::{Level, Listener, Message};

/// Bytes read back from disk in one go, at the most.
const LONGEST_READ: usize = 4 << 20;

pub struct Shared {
    pub config: Config,
    pub context: Context,
    pub health: Health,
    listener: Arc<dyn Listener>,
    /// The instance that this one recovers a slot for: the operator hears of a problem once from both.
    recovers_for: Option<Arc<Shared>>,
    /// Bytes of accepted records that are neither committed nor dropped.
    queued_bytes: AtomicUsize,
    /// Accepted records that are neither committed nor dropped.
    queued: AtomicU64,
    active_sessions: AtomicUsize,
    connected: AtomicBool,
    known: Mutex<Known>,
    spool: Mutex<Option<SpoolReport>>,
    stopped: AtomicBool,
    /// Set while the process exits: totals do not wait for their interval any more.
    exiting: AtomicBool,
    wake: Notify,
}

/// What is known of the database that is written to.
#[derive(Default)]
struct Known {
    /// Why totals cannot be added.
    blocked: Option<String>,
    history: History,
}

/// A reading of the gauges, for `getHealth()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauges {
    pub queued: u64,
    pub queued_bytes: u64,
    pub active_sessions: u64,
    pub connected: bool,
}

impl Shared {
    pub fn new(config: Config, listener: Arc<dyn Listener>) -> Arc<Shared> {
        Self::within(Context::default(), config, listener)
    }

    pub fn within(context: Context, config: Config, listener: Arc<dyn Listener>) -> Arc<Shared> {
        Arc::new(Self::made(config, context, listener))
    }

    /// That of a recovery worker, which works for `main`.
    pub fn of_recovery(
        config: Config,
        listener: Arc<dyn Listener>,
        main: Arc<Shared>,
    ) -> Arc<Shared> {
        let context = main.context.clone();
        Arc::new(Shared {
            recovers_for: Some(main),
            ..Self::made(config, context, listener)
        })
    }

    fn made(config: Config, context: Context, listener: Arc<dyn Listener>) -> Shared {
        Shared {
            recovers_for: None,
            context,
            config,
            health: Health::default(),
            listener,
            queued_bytes: AtomicUsize::new(0),
            queued: AtomicU64::new(0),
            active_sessions: AtomicUsize::new(0),
            connected: AtomicBool::new(false),
            known: Mutex::default(),
            spool: Mutex::default(),
            stopped: AtomicBool::new(false),
            exiting: AtomicBool::new(false),
            wake: Notify::new(),
        }
    }

    /// Whether it recovers a slot for another instance.
    pub fn is_recovery(&self) -> bool {
        self.recovers_for.is_some()
    }

    pub fn deliver(&self, message: Message) {
        self.listener.deliver(message);
    }

    pub fn log(&self, level: Level, text: String) {
        self.deliver(Message::Log { level, text });
    }

    /// Warns unless this reason's episode has been warned about.
    pub fn warn_once(&self, reason: &str, text: impl FnOnce() -> String) {
        let health = self
            .recovers_for
            .as_ref()
            .map_or(&self.health, |main| &main.health);
        if health.begins_episode(reason, Instant::now()) {
            self.log(Level::Warn, text());
        }
    }

    pub fn gauges(&self) -> Gauges {
        Gauges {
            queued: self.queued.load(Ordering::Acquire),
            queued_bytes: self.queued_bytes.load(Ordering::Acquire) as u64,
            active_sessions: self.active_sessions.load(Ordering::Acquire) as u64,
            connected: self.connected.load(Ordering::Acquire),
        }
    }

    fn used(&self) -> usize {
        self.queued_bytes.load(Ordering::Acquire)
    }

    /// Bytes of new records that may still be accepted. Memory for records that are read back from disk is
    /// reserved, else an outage would never end.
    pub fn room(&self) -> usize {
        let reserved = match self.config.spool_dir {
            Some(_) => self.context.limits.reserved_reads * self.read_back_bytes(),
            None => 0,
        };
        let bound = self.config.max_queue_bytes - reserved;
        bound.saturating_sub(self.used())
    }

    /// Bytes on disk that are read back in one go.
    pub fn read_back_bytes(&self) -> usize {
        (self.config.max_queue_bytes / 64).clamp(self.context.limits.read_bytes, LONGEST_READ)
    }

    /// Accepts records, before they are passed on, so that nobody who waits for them misses them.
    pub fn take_over(&self, records: u64, bytes: usize) {
        self.health.accept(records);
        self.queued.fetch_add(records, Ordering::AcqRel);
        self.queued_bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Counts records whose document and share of the totals are stored.
    pub fn complete(&self, records: u64) {
        self.health.write(records);
        self.queued.fetch_sub(records, Ordering::AcqRel);
    }

    /// Counts records that are lost.
    pub fn drop_records(&self, reason: &'static str, records: u64) {
        if records == 0 {
            return;
        }
        self.health.drop_records(reason, records);
        self.queued.fetch_sub(records, Ordering::AcqRel);
    }

    /// Whether memory is so full that further records should wait on disk only.
    pub fn is_half_full(&self) -> bool {
        self.used() > self.config.max_queue_bytes / 2
    }

    pub fn is_quarter_full_at_most(&self) -> bool {
        self.used() <= self.config.max_queue_bytes / 4
    }

    /// Records that were on disk only take so many bytes of memory now.
    pub fn occupy(&self, bytes: usize) {
        self.queued_bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    /// So many bytes of memory are free again.
    pub fn release(&self, bytes: usize) {
        self.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Makes the worker look at this state again.
    pub fn wake_worker(&self) {
        self.wake.notify_one();
    }

    /// The worker has ended by a defect of this package. No record is accepted any more, and every open
    /// promise is rejected.
    pub fn die(&self, problem: &str) {
        self.set_stopped(true);
        let queued = self.queued.swap(0, Ordering::AcqRel);
        self.health.drop_records("internal", queued);
        self.health.error(format!("internal: {problem}"));
        self.warn_once("internal", || {
            format!("this instance has failed and stores nothing any more: {problem}")
        });
        self.deliver(Message::Died);
    }

    pub fn set_active_sessions(&self, count: usize) {
        self.active_sessions.store(count, Ordering::Release);
    }

    pub fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Release);
    }

    /// Sets why totals cannot be added, if they cannot; returns whether they could not before.
    pub fn set_blocked(&self, why: Option<String>) -> bool {
        std::mem::replace(&mut self.known().blocked, why).is_some()
    }

    pub fn blocked(&self) -> Option<String> {
        self.known().blocked.clone()
    }

    /// Changes the report of the spool; from now on there is one.
    pub fn note_spool(&self, change: impl FnOnce(&mut SpoolReport)) {
        change(self.lock_spool().get_or_insert_default());
    }

    pub fn spool(&self) -> Option<SpoolReport> {
        *self.lock_spool()
    }

    fn lock_spool(&self) -> MutexGuard<'_, Option<SpoolReport>> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_history(&self, history: History) {
        self.known().history = history;
    }

    pub fn history(&self) -> History {
        self.known().history
    }

    /// The database is left: nothing is known of the next.
    pub fn forget_database(&self) {
        *self.known() = Known::default();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub fn set_stopped(&self, stopped: bool) {
        self.stopped.store(stopped, Ordering::Release);
    }

    pub fn is_exit_flush(&self) -> bool {
        self.exiting.load(Ordering::Acquire)
    }

    /// Resolves when the worker should look at this state again.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Begins the flush at exit, in which nothing waits for an interval; returns the number of records that
    /// have been accepted so far.
    pub fn begin_exit_flush(&self) -> u64 {
        self.exiting.store(true, Ordering::Release);
        self.wake.notify_one();
        self.health.counts().accepted
    }

    /// How many of the first `accepted` records are left. Other threads may go on tracking.
    pub fn left_of(&self, accepted: u64) -> u64 {
        let queued = self.queued.load(Ordering::Acquire);
        let done = self.health.counts().accepted.saturating_sub(queued);
        accepted.saturating_sub(done).min(queued)
    }

    pub fn end_exit_flush(&self) {
        self.exiting.store(false, Ordering::Release);
    }
}
