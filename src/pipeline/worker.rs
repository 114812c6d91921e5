//! The worker: the one owner of an instance's queues, timers and retries.
//!
//! It never waits for the database itself. What takes time runs in tasks that it starts and whose
//! outcome comes back to it; a task is never cancelled, since the driver's futures must run to their
//! end. Time limits are kept beside the tasks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::adding::Adding;
use super::attempt::attempt;
use super::backlog;
use super::cursors::LaneKind;
use super::delivery::Delivery;
use super::groups::{EventGroup, SessionGroup};
use super::history::History;
use super::intake::Intake;
use super::lane::{GroupLimit, Lane};
use super::link::{Link, Opener};
use super::numbering::Numbering;
use super::operations::{Acknowledgements, Operation};
use super::orphans::Orphans;
use super::place::Move;
use super::preparation::{Indexing, Preparation};
use super::protocol::{Attempted, Ledger};
use super::reading::Answer;
use super::sessions::{self, Baselines};
use super::spooling::Spooling;
use super::totals::Totals;
use super::{Command, Pipeline, frames_cost};
use crate::forward::Destinations;
use crate::instance::shared::Shared;
use crate::record::day::Day;
use crate::record::frame::Frames;
use crate::record::item::Item;
use crate::spool::Segments;
use crate::store::{Inserted, Prepared, Result, Store};
use crate::util::failpoint::failpoint;

/// Groups are small in tests, so that small runs meet the bounds.
const EVENT_GROUP: GroupLimit = GroupLimit {
    records: if cfg!(test) { 3 } else { 5_000 },
    bytes: 4 << 20,
};
/// Groups of each lane in flight, each on a connection of its own.
const GROUPS_IN_FLIGHT: usize = 2;
const SESSION_GROUP: GroupLimit = GroupLimit {
    records: if cfg!(test) { 4 } else { 1_000 },
    bytes: 4 << 20,
};
/// Commands taken in one go.
const COMMANDS: usize = 256;
/// How long an instance that its host has left goes on forwarding what is on disk, as at the end of a
/// process.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Longest sleep when nothing is due.
const IDLE: Duration = Duration::from_secs(3_600);

/// Starts the worker of one instance; must be called on the runtime.
pub fn spawn<S: Store>(
    shared: Arc<Shared>,
    opener: Opener<S>,
    spool: Option<Segments>,
) -> Pipeline {
    let destinations = Destinations::new(&shared);
    let worker = Worker::new(Arc::clone(&shared), &destinations, opener, spool);
    start(shared, destinations, worker)
}

/// Starts a worker that writes and forwards what is in a slot, and then ends; and ends before that when
/// the pipeline is dropped. It tells when everything is written.
pub(super) fn spawn_drain<S: Store>(
    shared: Arc<Shared>,
    opener: Opener<S>,
    slot: Segments,
    written: oneshot::Sender<()>,
) -> Pipeline {
    let destinations = Destinations::new(&shared);
    let mut worker = Worker::new(Arc::clone(&shared), &destinations, opener, Some(slot));
    worker.is_drain = true;
    worker.on_written = Some(written);
    // It keeps no connection beyond that.
    worker.stopping = true;
    start(shared, destinations, worker)
}

fn start<S: Store>(
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    worker: Worker<S>,
) -> Pipeline {
    let (sender, receiver) = mpsc::unbounded_channel();
    let worker = tokio::spawn(worker.run(receiver));
    #[cfg(test)]
    let abort = worker.abort_handle();
    let supervised = Arc::clone(&shared);
    tokio::spawn(async move {
        if let Err(error) = worker.await {
            supervised.die(&error.to_string());
        }
    });
    Pipeline {
        shared,
        destinations,
        commands: sender,
        #[cfg(test)]
        worker: abort,
    }
}

pub(super) struct Worker<S: Store> {
    pub(super) shared: Arc<Shared>,
    pub(super) opener: Opener<S>,
    pub(super) link: Link<S>,
    pub(super) preparation: Preparation,
    pub(super) indexing: Indexing,
    pub(super) history: History,
    pub(super) intake: Intake,
    pub(super) delivery: Delivery,
    pub(super) events: Lane<EventGroup, Inserted>,
    pub(super) sessions: Lane<SessionGroup, sessions::Written>,
    pub(super) totals: Totals,
    pub(super) adding: Adding,
    pub(super) baselines: Arc<Baselines>,
    pub(super) operations: Vec<Operation>,
    pub(super) acks: Acknowledgements,
    pub(super) tasks: JoinSet<Outcome<S>>,
    /// `start()` was called, and `stop()` was not.
    pub(super) started: bool,
    /// `stop()` was called: the store is closed once everything is settled.
    pub(super) stopping: bool,
    /// The host has gone to another place, and what was accepted before it is still written here.
    pub(super) moving: Option<Move>,
    /// The host's end is gone.
    pub(super) orphaned: bool,
    orphaned_at: Option<Instant>,
    pub(super) numbering: Numbering,
    pub(super) spool: Option<Spooling>,
    pub(super) orphans: Orphans,
    /// It only writes and forwards what is in its slot.
    pub(super) is_drain: bool,
    /// Told once that is written.
    on_written: Option<oneshot::Sender<()>>,
}

/// What a task brought back.
pub(super) enum Outcome<S> {
    Opened(Result<S>),
    Prepared(Result<Prepared>),
    /// Of the group with this number.
    Events(u64, Result<Inserted>),
    Sessions(u64, Result<sessions::Written>),
    Totals(Result<Attempted>),
    Read(Answer),
    /// Where the writer stands on days of records that were left.
    Standings(Result<Vec<(Day, Option<i64>)>>),
}

impl<S: Store> Worker<S> {
    fn new(
        shared: Arc<Shared>,
        destinations: &Arc<Destinations>,
        opener: Opener<S>,
        spool: Option<Segments>,
    ) -> Self {
        let baselines = Arc::new(Baselines::default());
        let numbering = match &spool {
            Some(segments) => Numbering::of(segments.slot()),
            None => Numbering::fresh(),
        };
        Self {
            link: Link::new(&shared.config),
            preparation: Preparation::default(),
            indexing: Indexing::default(),
            history: History::default(),
            delivery: Delivery::start(&shared, destinations, spool.as_ref()),
            intake: Intake::new(numbering.first),
            events: Lane::new(EVENT_GROUP, GROUPS_IN_FLIGHT),
            sessions: Lane::new(SESSION_GROUP, GROUPS_IN_FLIGHT),
            totals: Totals::default(),
            adding: Adding::new(Ledger::new(numbering.clone(), Arc::clone(&baselines))),
            baselines,
            operations: Vec::new(),
            acks: Acknowledgements::default(),
            tasks: JoinSet::new(),
            started: false,
            stopping: false,
            moving: None,
            orphaned: false,
            orphaned_at: None,
            numbering,
            spool: spool.map(Spooling::new),
            orphans: Orphans::default(),
            is_drain: false,
            on_written: None,
            shared,
            opener,
        }
    }

    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        self.report_spool();
        let shared = Arc::clone(&self.shared);
        let mut received = Vec::with_capacity(COMMANDS);
        while !self.is_finished() {
            let now = Instant::now();
            self.advance(now);
            let wake = self.next_wake(now);
            tokio::select! {
                count = commands.recv_many(&mut received, COMMANDS), if !self.orphaned => {
                    self.orphaned = count == 0;
                    for command in received.drain(..) {
                        self.obey(command);
                    }
                }
                Some(outcome) = self.tasks.join_next() => match outcome {
                    Ok(outcome) => self.absorb(outcome, Instant::now()),
                    Err(error) => self.shared.health.error(format!("internal: {error}")),
                },
                outcome = self.indexing.outcome() => self.indexed(outcome, Instant::now()),
                report = self.history.report() => self.history_reported(report, Instant::now()),
                done = backlog::done(&mut self.spool) => self.spool_done(done, Instant::now()),
                seen = self.orphans.seen() => self.orphan_seen(seen),
                () = sleep_until(wake) => {}
                () = shared.woken() => {}
            }
        }
        // What is left is on disk, for whoever takes the slot next.
        self.delivery.abandon();
        self.tasks.detach_all();
        self.indexing = Indexing::default();
        if let Some(store) = self.link.close() {
            store.close().await;
        }
    }

    /// The host is gone, and nothing it left is pending, or nobody is left who could say where to.
    fn is_finished(&mut self) -> bool {
        if self.is_drain {
            return self.orphaned || self.is_drained();
        }
        if !self.orphaned || !self.spool.as_ref().is_none_or(Spooling::is_appended) {
            return false;
        }
        let is_forwarded = self.delivery.destinations().queued() == 0 || self.leaves_events();
        is_forwarded && (!self.has_records() || !self.has_place())
    }

    /// Whether events that wait are left to whoever takes the slot next.
    fn leaves_events(&mut self) -> bool {
        let since = *self.orphaned_at.get_or_insert_with(Instant::now);
        let are_kept = self.shared.spool().is_some_and(|spool| spool.holds_events);
        are_kept && since + PATIENCE <= Instant::now()
    }

    /// Whether everything in the slot is written and forwarded.
    fn is_drained(&mut self) -> bool {
        let is_written = !self.has_records();
        if is_written && let Some(written) = self.on_written.take() {
            // Nobody listens when the place was left.
            let _ = written.send(());
        }
        let Some(spool) = self.spool.as_ref() else {
            return true;
        };
        let is_drained = is_written && spool.is_empty();
        if is_drained {
            spool.leave();
        }
        is_drained
    }

    /// In memory or on disk.
    fn has_records(&self) -> bool {
        self.shared.gauges().queued > 0
            || self
                .spool
                .as_ref()
                .is_some_and(|spool| spool.cursors.is_any_behind())
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Frames { bytes, records } => self.take_frames(&bytes, records),
            Command::Connect(connection) => self.link.connect(connection),
            Command::Relocate(connection) => self.relocate(connection),
            Command::NothingFound(found) => self.look_elsewhere(found),
            Command::TotalsDue => self.adding.due_up_to = self.intake.last_seq(),
            Command::Start { anew } => self.start(anew),
            Command::Request { request, what } => self.accept_request(request, &what),
        }
    }

    fn take_frames(&mut self, bytes: &[u8], records: u32) {
        let deadline = Instant::now() + self.shared.config.ack_timeout;
        let mut acknowledged = Vec::new();
        let (mut taken, mut cost) = (0, 0);
        for record in Frames::new(bytes).flatten() {
            taken += 1;
            let item = self.intake.take(&record);
            cost += item.cost();
            match &item {
                Item::Event(event) => self.delivery.forward(event),
                Item::Session(item) => self.acks.expect(item.ack, deadline),
                Item::Nothing { ack, cost } => {
                    acknowledged.extend((*ack != 0).then_some(*ack));
                    self.shared.release(*cost);
                    self.shared.settle_written(1);
                }
            }
            if self.spool(&item) {
                self.add_to_lane(item);
            }
        }
        // A frame that cannot be read ends its hand-over; only a defect of this package makes one.
        self.shared
            .release(frames_cost(bytes.len(), records).saturating_sub(cost));
        self.shared
            .settle_dropped("internal", u64::from(records.saturating_sub(taken)));
        self.shared.set_active_sessions(self.intake.active.len());
        self.acknowledge(acknowledged);
    }

    /// Starts whatever can be started now, and answers whoever has waited long enough.
    fn advance(&mut self, now: Instant) {
        let expired = self.acks.expire(now);
        self.acknowledge(expired);
        // What it changes may be what the rest waits for.
        self.step_spool(now);
        self.finish_operations(now);
        self.leave_if_moving(now);
        let is_awaited = self.is_stop_awaited() || self.shared.is_draining();
        self.delivery.hurry(is_awaited);
        self.look_for_orphans(now);
        if let Some(store) = self.link.store().cloned() {
            self.prepare(&store, now);
            self.index(&store, now);
            self.write_events(&store, now);
            self.write_sessions(&store, now);
            self.write_totals(&store, now);
            self.ask_standings(&store, now);
            if self.moving.is_none() {
                self.build_history(&store, now);
                self.start_reads(&store, now);
            }
            self.close_if_stopped();
        } else if self.needs_store() {
            self.step_link(now);
        }
    }

    pub(super) fn needs_store(&self) -> bool {
        self.started || self.has_records() || !self.operations.is_empty()
    }

    fn write_events(&mut self, store: &Arc<S>, now: Instant) {
        while let Some((number, group)) = self.events.take_group(now, self.sendable()) {
            let store = Arc::clone(store);
            let write = attempt(async move {
                failpoint!("events:before");
                let inserted = match group.batch.is_empty() {
                    true => Ok(Inserted::default()),
                    false => store.insert_events(&group.batch).await,
                };
                failpoint!("events:after");
                inserted
            });
            self.tasks
                .spawn(async move { Outcome::Events(number, write.await) });
        }
    }

    fn write_sessions(&mut self, store: &Arc<S>, now: Instant) {
        while let Some((number, group)) = self.sessions.take_group(now, self.sendable()) {
            self.history
                .meet(group.items().iter().map(|item| &item.day).max());
            let (store, baselines) = (Arc::clone(store), Arc::clone(&self.baselines));
            let write =
                attempt(
                    async move { sessions::write(store.as_ref(), &baselines, group.items()).await },
                );
            self.tasks
                .spawn(async move { Outcome::Sessions(number, write.await) });
        }
    }

    /// The newest record that may be written now.
    fn sendable(&self) -> i64 {
        let here = self.newest_of_here();
        let spool = self.spool.as_ref();
        spool.map_or(here, |spool| here.min(spool.sendable()))
    }

    /// The number up to which every record is written.
    pub(super) fn written_up_to(&self) -> i64 {
        let unread = |kind| Some(self.spool.as_ref()?.cursors.behind(kind)?.next);
        let events = self.events.first_unwritten();
        let sessions = self.sessions.first_unwritten();
        let oldest = [
            events.or_else(|| unread(LaneKind::Events)),
            sessions.or_else(|| unread(LaneKind::Sessions)),
        ];
        let oldest = oldest.into_iter().flatten().min();
        oldest.map_or(self.intake.last_seq(), |first| first - 1)
    }

    /// Whether every record up to this one is written and totalled. What is settled stays so.
    pub(super) fn is_settled(&self, target: i64) -> bool {
        let totalled = self.adding.group.is_none() || self.adding.totalled_up_to >= target;
        totalled && self.written_up_to() >= target && !self.totals.is_ready(target)
    }

    /// When something is due next. Only what would be acted upon counts, so that the loop rests.
    fn next_wake(&self, now: Instant) -> Instant {
        let mut wakes = vec![
            self.acks.next_deadline(),
            self.next_operation(now),
            self.leaving_at(now),
            self.orphaned_at
                .map(|since| since + PATIENCE)
                .filter(|at| *at > now),
        ];
        wakes.push(self.spool.as_ref().and_then(|spool| spool.wake_at(now)));
        wakes.push(self.delivery.wake_at(now));
        wakes.push(self.looks_for_orphans_at());
        if self.link.store().is_some() {
            wakes.extend([self.events.retry_at(), self.sessions.retry_at()]);
            wakes.push(self.indexing.retry_at());
            wakes.push(self.preparation.retry_at());
            wakes.push(self.history.retry_at().filter(|_| self.moving.is_none()));
            let is_prepared = matches!(self.preparation, Preparation::Done);
            wakes.push(self.adding.wake_at().filter(|_| is_prepared));
        } else if self.needs_store() {
            wakes.push(self.link.wake_at());
        }
        let wake = wakes.into_iter().flatten().min().unwrap_or(now + IDLE);
        wake.max(now + Duration::from_millis(1))
    }
}
