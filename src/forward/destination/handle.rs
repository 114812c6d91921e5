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
use crate::config::DestinationSettings;
use crate::forward::event::ForwardedEvent;
use crate::forward::transport::Response;
use crate::forward::warning::Warning;

pub struct Destination {
    profile: Arc<Profile>,
    state: Mutex<State>,
    /// One per partition: its sender should look at the state again.
    wakes: Vec<Notify>,
}

impl Destination {
    pub fn new(settings: &DestinationSettings) -> Self {
        let profile = Arc::new(Profile::new(settings));
        let state = State::new(&profile);
        Self {
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

    pub fn partitions(&self) -> usize {
        self.wakes.len()
    }

    /// Takes an event over, if it is wanted and there is room.
    pub fn enqueue(&self, event: &Arc<ForwardedEvent>) -> Option<Warning> {
        if !self.profile.wants(event.name.as_deref()) {
            return None;
        }
        let enqueued = self.state().enqueue(event);
        if let Ok(Some(partition)) = enqueued {
            self.wakes[partition].notify_one();
        }
        enqueued.err().flatten()
    }

    /// Events come back from disk that an earlier process had not done, up to `after`.
    pub fn begin_replay(&self, after: PartitionOffsets) {
        self.state().partitions.begin_replay(after);
    }

    /// Takes an event back, the oldest first.
    pub fn replay(&self, event: &Arc<ForwardedEvent>, now: Instant) -> Option<Warning> {
        match self.profile.wants(event.name.as_deref()) {
            true => self.state().replay(event, now),
            false => None,
        }
    }

    /// All events that were to come back are there.
    pub fn end_replay(&self) -> Option<Warning> {
        let warning = self.state().end_replay();
        self.wake_all();
        warning
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

    pub(super) fn poll(&self, partition: usize) -> (Step, Option<Warning>) {
        self.state().poll(partition, Instant::now())
    }

    pub(super) fn complete(
        &self,
        request: &Request,
        outcome: Result<Response, String>,
    ) -> Vec<Warning> {
        let mut state = self.state();
        let warnings = state.complete(request, outcome, Instant::now());
        drop(state);
        self.wake_all();
        warnings
    }

    /// Resolves when the sender of a partition should look again.
    pub(super) async fn woken(&self, partition: usize) {
        self.wakes[partition].notified().await;
    }

    /// Whether somebody waits until the queue is empty.
    pub fn expedite(&self, is_awaited: bool) {
        let is_news = self.state().expedite(is_awaited);
        if is_news {
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
