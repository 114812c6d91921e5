//! Recovery of abandoned slots: the records of processes that crashed and were not replaced are written and
//! forwarded beside our own, one slot after the other, under the crashed process's writer id.
//!
//! Each slot gets a worker of its own. One slot at a time is written, unless it takes long, as one does whose
//! records are refused; slots whose events wait for a destination hold up no other for longer than their turn.
//! What is refused is so in every slot alike, and nobody knows for how long: where all that are recovered at once
//! are stuck, the one that is so for longest is left on disk, for another to have its place, and comes round again.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::handle::Pipeline;
use super::messages;
use super::task::Tasks;
use crate::forward::Destinations;
use crate::instance::shared::Shared;
use crate::spool::{SEGMENT_BYTES, Segments, Slot, claim_abandoned};
use crate::store::{self, Connection};

/// How often abandoned slots are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// The part of the memory bound that the recovery of a slot may take.
const MEMORY_SHARE: usize = 4;
/// How long a slot has its turn at least, when there are more of them.
const TURN: Duration = Duration::from_secs(3);
/// How long a slot is written before the next is begun beside it.
const PATIENCE: Duration = Duration::from_secs(20);
/// After so long without a record that is done, a slot is stuck, and makes room for another.
const STUCK: Duration = Duration::from_secs(60);
/// Slots that are recovered at once, which wait for a destination or for the database.
const MOST_SLOTS: usize = 4;

pub struct Recovery {
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    launch: Launch,
    next_look: Instant,
    is_looking: bool,
    running: Vec<Running>,
    /// Slots so far.
    begun: u64,
    /// The slot that was taken last, and those that were logged.
    last_slot: u64,
    logged: HashSet<u64>,
    tasks: Tasks<RecoveryResult>,
}

/// A slot that is being recovered, until this is dropped.
struct Running {
    number: u64,
    since: Instant,
    pipeline: Pipeline,
    /// Only events wait, for destinations that do not take them.
    is_written: bool,
    /// How many records were done when it was looked last, and since when.
    done: u64,
    done_at: Instant,
}

/// Starts the worker of a slot, which reports when every record of it is written.
pub type Launch = Arc<dyn Fn(Arc<Shared>, Segments, watch::Sender<bool>) -> Pipeline + Send + Sync>;

pub enum RecoveryResult {
    Looked(io::Result<Option<Slot>>),
    /// Every record of the slot with this number in the order of recoveries is written.
    Written(u64, watch::Receiver<bool>),
    /// Its worker has ended.
    Ended(u64),
}

impl Recovery {
    pub fn new(shared: &Arc<Shared>, destinations: &Arc<Destinations>, launch: Launch) -> Self {
        Self {
            launch,
            shared: Arc::clone(shared),
            destinations: Arc::clone(destinations),
            next_look: Instant::now(),
            is_looking: false,
            running: Vec::new(),
            begun: 0,
            last_slot: 0,
            logged: HashSet::new(),
            tasks: Tasks::new(),
        }
    }

    pub fn has_destinations(&self) -> bool {
        !self.destinations.is_empty()
    }

    /// Looks for an abandoned slot, if there is room for another one.
    pub fn poll(&mut self, now: Instant) {
        let Some(folder) = self.shared.config.spool_dir.clone() else {
            return;
        };
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if !is_due(self.wake_at()) {
            return;
        }
        self.note_progress(now);
        if !is_due(self.wake_at()) {
            return;
        }
        self.is_looking = true;
        self.next_look = now + LOOK_EVERY;
        let target = store::target(&self.shared.config);
        let after = self.last_slot;
        let disk = &self.shared.context.disk;
        let look = disk.run(move || claim_abandoned(&folder, target, after));
        self.tasks.spawn(async {
            let found = look.await.unwrap_or_else(|panicked| Err(panicked.into()));
            RecoveryResult::Looked(found)
        });
    }

    /// When there is room for another slot.
    pub fn wake_at(&self) -> Option<Instant> {
        if self.is_looking {
            return None;
        }
        let has_database = self.shared.database.get().connected;
        let is_writing = |slot: &&Running| has_database && !slot.is_written;
        let writing = self.running.iter().filter(is_writing);
        let patient_until = writing.map(|slot| slot.since + PATIENCE).max();
        let room_at = if self.running.len() < MOST_SLOTS {
            self.next_look
        } else {
            let written = self.running.iter().find(|slot| slot.is_written);
            let is_over = written.map(|slot| slot.since + TURN);
            self.next_look.max(is_over.or_else(|| self.stuck_at())?)
        };
        Some(room_at.max(patient_until.unwrap_or(room_at)))
    }

    /// When the first of the slots that are not written is stuck. While the database is away none is.
    fn stuck_at(&self) -> Option<Instant> {
        let has_database = self.shared.database.get().connected;
        let unwritten = self.running.iter().filter(|slot| !slot.is_written);
        let stuck_at = unwritten.map(|slot| slot.done_at + STUCK).min();
        stuck_at.filter(|_| has_database)
    }

    fn note_progress(&mut self, now: Instant) {
        for slot in &mut self.running {
            let done = slot.pipeline.shared().health.counts().done();
            if std::mem::replace(&mut slot.done, done) != done {
                slot.done_at = now;
            }
        }
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> RecoveryResult {
        self.tasks.next().await
    }

    pub fn handle(&mut self, result: RecoveryResult, connection: Option<&Connection>) {
        match result {
            RecoveryResult::Looked(found) => {
                self.is_looking = false;
                match (found, connection) {
                    (Ok(Some(slot)), Some(connection)) => self.recover(slot, connection),
                    (Ok(_), _) => {}
                    (Err(error), _) => self.shared.health.error(format!("spool: {error}")),
                }
            }
            RecoveryResult::Written(number, written) => {
                self.tasks.spawn(follow(number, written));
                let mut running = self.running.iter_mut();
                if let Some(slot) = running.find(|slot| slot.number == number) {
                    slot.count_written(&self.shared);
                }
            }
            RecoveryResult::Ended(number) => {
                let at = self.running.iter().position(|slot| slot.number == number);
                if let Some(slot) = at.map(|at| self.running.remove(at)) {
                    slot.end(&self.shared, &self.destinations);
                }
            }
        }
    }

    fn recover(&mut self, slot: Slot, connection: &Connection) {
        if !self.make_room(Instant::now()) {
            return;
        }
        self.last_slot = slot.number();
        // It comes round again while its events wait for a destination.
        if self.logged.insert(slot.number()) {
            // There may be more.
            self.next_look = Instant::now();
            let line = messages::slot_recovery(slot.path());
            self.shared.log.info(line);
        }
        let mut config = self.shared.config.clone();
        config.max_queue_bytes /= MEMORY_SHARE;
        let shared = self.shared.for_slot(config);
        // Nothing is appended, so that no space need be freed.
        let segments = Segments::new(slot, u64::MAX, SEGMENT_BYTES);
        let (on_written, written) = watch::channel(false);
        let pipeline = (self.launch)(shared, segments, on_written);
        pipeline.connect(connection.clone());
        self.begun += 1;
        self.tasks.spawn(follow(self.begun, written));
        self.running.push(Running {
            number: self.begun,
            since: Instant::now(),
            pipeline,
            is_written: false,
            done: 0,
            done_at: Instant::now(),
        });
    }

    /// Whether there is room for another slot. What waits in a slot that makes room, events for a destination or
    /// records that are refused, is left on disk, for whoever takes the slot next.
    fn make_room(&mut self, now: Instant) -> bool {
        if self.running.len() < MOST_SLOTS {
            return true;
        }
        let written = self.running.iter().position(|slot| slot.is_written);
        if let Some(slot) = written.map(|at| self.running.remove(at)) {
            slot.end(&self.shared, &self.destinations);
            return true;
        }
        self.note_progress(now);
        let is_stuck = self.stuck_at().is_some_and(|at| at <= now);
        let slots = self.running.iter().enumerate();
        let longest = slots.min_by_key(|(_, slot)| slot.done_at);
        let stuck = longest.filter(|_| is_stuck).map(|(at, _)| at);
        if let Some(slot) = stuck.map(|at| self.running.remove(at)) {
            slot.leave(&self.destinations);
        }
        is_stuck
    }

    /// The database is left. Slots that are being recovered are left to others, or to us in the next one.
    pub fn leave_database(&mut self) {
        for slot in std::mem::take(&mut self.running) {
            slot.end(&self.shared, &self.destinations);
        }
        let logged = std::mem::take(&mut self.logged);
        *self = Self {
            logged,
            ..Self::new(&self.shared, &self.destinations, Arc::clone(&self.launch))
        };
    }
}

impl Running {
    fn count_written(&mut self, shared: &Shared) {
        let is_counted = std::mem::replace(&mut self.is_written, true);
        let counts = self.pipeline.shared().health.counts();
        if is_counted || counts.written == 0 && counts.dropped.is_empty() {
            return;
        }
        shared.note_spool(|spool| spool.recovered_from_others += counts.written);
        let dropped = counts.dropped.values().sum();
        let line = messages::slot_recovered(counts.written, dropped);
        shared.log.info(line);
    }

    /// It ends, or has ended.
    fn end(mut self, shared: &Shared, destinations: &Destinations) {
        self.count_written(shared);
        self.leave(destinations);
    }

    /// It is left as it is. What it has written is not counted: most of it is read and written again.
    fn leave(self, destinations: &Destinations) {
        let its = self.pipeline.destinations().iter();
        for (own, its) in destinations.iter().zip(its) {
            own.add_counts(its.counts());
        }
    }
}

/// The next report of a worker, whose end closes the channel.
async fn follow(number: u64, mut written: watch::Receiver<bool>) -> RecoveryResult {
    match written.changed().await {
        Ok(()) => RecoveryResult::Written(number, written),
        Err(_) => RecoveryResult::Ended(number),
    }
}
