//! Handle of one destination, shared by the threads of the host and the runtime: locks its state and wakes
//! its senders.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::partitions::PartitionOffsets;
use super::profile::Profile;
use super::request::Request;
use super::state::{State, Step};
use super::stats::{Counts, Report};
use crate::forward::event::ForwardedEvent;
use crate::forward::transport::Response;
use crate::instance::shared::Shared;
use crate::util::panics::Panicked;
use crate::util::threads::Threads;

pub struct Destination {
    shared: Arc<Shared>,
    threads: Threads,
    profile: Arc<Profile>,
    state: Mutex<State>,
    /// One per partition: its sender should look at the state again.
    wakes: Vec<Notify>,
}

impl Destination {
    /// The one with this index in the settings.
    pub fn new(index: usize, shared: &Arc<Shared>) -> Self {
        let profile = Arc::new(Profile::new(index, &shared.config));
        let state = State::new(&profile);
        Self {
            threads: shared.context.forwarders.threads_of(index),
            shared: Arc::clone(shared),
            profile,
            wakes: (0..state.partitions.len()).map(|_| Notify::new()).collect(),
            state: Mutex::new(state),
        }
    }

    pub fn name(&self) -> &str {
        &self.profile.settings.name
    }

    pub fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// For what blocks.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.shared.context.forwarders.spawn(task);
    }

    pub fn partitions(&self) -> usize {
        self.wakes.len()
    }

    /// Takes an event over, if it is wanted and there is room.
    pub fn enqueue(&self, event: &Arc<ForwardedEvent>) {
        if self.profile.wants(event)
            && let Some(partition) = self.update(|state| state.enqueue(event))
        {
            self.wakes[partition].notify_one();
        }
    }

    /// An event that was held is no redelivery, or is removed as one.
    pub fn decide(&self, seq: i64, is_first: bool) {
        if self.state().partitions.decide(seq, is_first) {
            self.wake_all();
        }
    }

    /// Events up to this number that are held are sent, since nobody will find out whether they are redeliveries.
    /// Returns their count.
    pub fn release_up_to(&self, seq: i64) -> usize {
        let released = self.state().partitions.release_up_to(seq);
        if released > 0 {
            self.wake_all();
        }
        released
    }

    /// Events come back from disk that an earlier process had not done, up to `after`.
    pub fn begin_replay(&self, after: PartitionOffsets) {
        self.state().partitions.begin_replay(after);
    }

    /// Takes an event back, the oldest first.
    pub fn replay(&self, event: &Arc<ForwardedEvent>, now: Instant) {
        if self.profile.wants(event) {
            self.update(|state| state.replay(event, now));
        }
    }

    /// All events that were to come back are there.
    pub fn end_replay(&self) {
        self.update(State::end_replay);
        self.wake_all();
    }

    /// The offsets when `last` is the sequence number of the newest event; `None` during a replay.
    pub fn offsets(&self, last: i64) -> Option<PartitionOffsets> {
        self.state().partitions.offsets(last)
    }

    /// These offsets are on disk now.
    pub fn set_persisted(&self, offsets: PartitionOffsets) {
        self.state().partitions.set_persisted(offsets);
    }

    /// Whether every event that is done is so on disk, if offsets are persisted.
    pub fn is_persisted(&self) -> bool {
        self.state().partitions.is_persisted()
    }

    /// Whether an event waits with a sequence number above `after` and up to `up_to`.
    pub fn has_queued_between(&self, after: i64, up_to: i64) -> bool {
        self.state().partitions.has_queued_between(after, up_to)
    }

    pub(super) fn poll(&self, partition: usize) -> Step {
        self.update(|state| state.poll(partition, Instant::now()))
    }

    pub(super) fn complete(&self, request: &Request, outcome: Result<Response, String>) {
        self.update(|state| state.complete(request, outcome, Instant::now()));
        self.wake_all();
        self.shared.wake.notify_one();
    }

    /// A sender has met a defect, perhaps during a request, which has no response.
    pub(super) fn interrupted(&self, panicked: &Panicked) {
        self.update(|state| state.interrupted(panicked.to_string()));
        self.wake_all();
    }

    /// Resolves when the sender of a partition should look again.
    pub(super) async fn woken(&self, partition: usize) {
        self.wakes[partition].notified().await;
    }

    /// Whether somebody waits until the queue is empty.
    pub fn expedite(&self, is_awaited: bool) {
        if self.state().expedite(is_awaited) {
            self.wake_all();
        }
    }

    /// No event follows; those in the queue are still sent.
    pub fn close(&self) {
        self.state().close();
        self.wake_all();
    }

    /// Nothing more is sent, and nothing is counted as lost: the events are on disk for the next process.
    pub fn discard(&self) {
        self.state().discard();
        self.wake_all();
    }

    /// Adds the counts of a destination of the same name that served for this one.
    pub fn add_counts(&self, other: Counts) {
        self.state().counts.add(other);
    }

    pub fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    /// Whether it answers as to wrong settings.
    pub fn is_misconfigured(&self) -> bool {
        self.state().partitions.have_config_errors()
    }

    /// Events that wait or are under way.
    pub fn queued(&self) -> u64 {
        self.state().partitions.queued()
    }

    pub fn report(&self) -> Report {
        self.state().report(Instant::now())
    }

    fn wake_all(&self) {
        self.wakes.iter().for_each(Notify::notify_one);
    }

    /// Changes the state, and logs the warnings of the change without the lock.
    fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let result = change(&mut state);
        let warnings = std::mem::take(&mut state.warnings);
        drop(state);
        if !warnings.is_empty() {
            self.shared.wake.notify_one();
        }
        for warning in warnings {
            warning.log(&self.shared, self.name());
        }
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
