//! Partitions of a destination: one queue each, with one request under way at a time, so that events of
//! one partition keep their order. The user decides which partition an event belongs to.
//!
//! During a replay events of an earlier process come back from disk. They are older than everything in the
//! queues, so nothing is sent until all of them are there.

use std::sync::Arc;

use tokio::time::Instant;

use super::batch_size::BatchSize;
use super::queue::Queue;
use super::throttled::Throttled;
use crate::forward::event::ForwardedEvent;
use crate::forward::formats::Limits;

/// Partitions of a destination that takes one event per request. One that takes batches has one.
const PARTITIONS: usize = 4;

/// For each partition the sequence number up to which its events are done: sent, refused, expired or
/// dropped. A destination with one partition repeats its number.
pub type PartitionOffsets = [i64; PARTITIONS];

#[derive(Default)]
pub struct Partition {
    pub queue: Queue,
    pub batch_size: BatchSize,
    /// Events of users who are sent too much wait here instead.
    throttled: Option<Throttled>,
    /// Configuration errors since the oldest event is the oldest one.
    pub config_errors: u32,
    /// Events that came back in the replay.
    replayed: Queue,
    /// Events up to this one were done before this process.
    replay_after: i64,
}

impl Partition {
    pub fn is_full(&self, limits: Limits) -> bool {
        self.queue.len() >= limits.events || self.queue.bytes() >= limits.bytes
    }

    pub fn push(&mut self, event: Arc<ForwardedEvent>) {
        let throttled = self.throttled.as_mut();
        match throttled.filter(|throttled| throttled.takes(&event)) {
            Some(throttled) => throttled.queue.push(event),
            None => self.queue.push(event),
        }
    }

    /// The queue whose turn it is.
    pub fn lane(&self, now: Instant) -> Lane {
        let is_due = |throttled: &Throttled| throttled.until <= now;
        match self.throttled.as_ref().is_some_and(is_due) {
            true => Lane::Throttled,
            false => Lane::Common,
        }
    }

    /// When the events of throttled users are due, if any wait.
    pub fn throttled_until(&self) -> Option<Instant> {
        Some(self.throttled.as_ref()?.until)
    }

    pub fn batch(&mut self, lane: Lane, limits: Limits) -> Vec<Arc<ForwardedEvent>> {
        let (queue, batch_size) = self.of(lane);
        queue.batch(batch_size.within(limits.events), limits.bytes)
    }

    pub fn of(&mut self, lane: Lane) -> (&mut Queue, &mut BatchSize) {
        match (&mut self.throttled, lane) {
            (Some(throttled), Lane::Throttled) => (&mut throttled.queue, &mut throttled.batch_size),
            _ => (&mut self.queue, &mut self.batch_size),
        }
    }

    /// A request of this lane is sent too much of the users of these events, which were in it.
    pub fn throttle(&mut self, lane: Lane, events: &[Arc<ForwardedEvent>], now: Instant) {
        let throttled = self.throttled.get_or_insert_with(|| Throttled::new(now));
        match lane {
            Lane::Common => throttled.move_from(&mut self.queue, events, now),
            Lane::Throttled => throttled.refused(events.len(), now),
        }
    }

    /// A request of this lane was taken.
    pub fn succeed(&mut self, lane: Lane, now: Instant) {
        if let (Some(throttled), Lane::Throttled) = (&mut self.throttled, lane) {
            throttled.taken(now);
        }
        self.tidy();
    }

    /// Removes the events that were accepted at this moment or before; returns their count.
    pub fn expire(&mut self, before: Instant) -> usize {
        let throttled = self.throttled.as_mut();
        let expired = throttled.map_or(0, |throttled| throttled.queue.expire(before));
        self.tidy();
        expired + self.queue.expire(before)
    }

    /// Nobody is throttled of whom nothing waits.
    fn tidy(&mut self) {
        self.throttled = self.throttled.take().filter(|one| one.queue.len() > 0);
    }

    fn clear(&mut self) -> usize {
        let throttled = self.throttled.take();
        self.queue.clear() + throttled.map_or(0, |throttled| throttled.queue.len())
    }

    /// The queues but for that of the replay.
    fn queues(&self) -> impl Iterator<Item = &Queue> {
        let throttled = self.throttled.iter().map(|throttled| &throttled.queue);
        throttled.chain([&self.queue])
    }

    fn release_up_to(&mut self, seq: i64) -> usize {
        let throttled = self.throttled.iter_mut().map(|one| &mut one.queue);
        let queues = throttled.chain([&mut self.queue]);
        queues.map(|queue| queue.release_up_to(seq)).sum()
    }

    fn decide(&mut self, seq: i64, is_first: bool) -> bool {
        let throttled = self.throttled.iter_mut().map(|one| &mut one.queue);
        let mut queues = throttled.chain([&mut self.queue]);
        queues.any(|queue| queue.decide(seq, is_first))
    }

    fn bytes(&self) -> usize {
        let queued: usize = self.queues().map(Queue::bytes).sum();
        self.replayed.bytes() + queued
    }

    fn len(&self) -> usize {
        let queued: usize = self.queues().map(Queue::len).sum();
        self.replayed.len() + queued
    }
}

/// A queue of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Common,
    /// That of throttled users.
    Throttled,
}

pub struct Partitions {
    all: Vec<Partition>,
    is_replaying: bool,
    /// The offsets on disk, if they are persisted.
    persisted: Option<PartitionOffsets>,
}

impl Partitions {
    pub fn new(limits: Limits) -> Self {
        let partitions = if limits.events == 1 { PARTITIONS } else { 1 };
        Self {
            all: (0..partitions).map(|_| Partition::default()).collect(),
            is_replaying: false,
            persisted: None,
        }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn at(&mut self, number: usize) -> &mut Partition {
        &mut self.all[number]
    }

    pub fn number_of(&self, event: &ForwardedEvent) -> usize {
        (event.user_hash() % self.all.len() as u64) as usize
    }

    pub fn is_replaying(&self) -> bool {
        self.is_replaying
    }

    pub fn begin_replay(&mut self, after: PartitionOffsets) {
        self.is_replaying = true;
        let partitions = self.all.len();
        for (number, partition) in self.all.iter_mut().enumerate() {
            let own = after.into_iter().skip(number).step_by(partitions);
            partition.replay_after = own.min().unwrap_or_default();
        }
    }

    /// Whether the replay is to bring this event back.
    pub fn lacks(&self, event: &ForwardedEvent) -> bool {
        let partition = &self.all[self.number_of(event)];
        self.is_replaying && event.seq > partition.replay_after
    }

    pub fn replay(&mut self, event: &Arc<ForwardedEvent>) {
        let number = self.number_of(event);
        self.all[number].replayed.push(Arc::clone(event));
    }

    pub fn end_replay(&mut self) {
        self.is_replaying = false;
        for partition in &mut self.all {
            let replayed = std::mem::take(&mut partition.replayed);
            partition.queue.prepend(replayed);
        }
    }

    /// Removes all events; returns their count.
    pub fn clear(&mut self) -> u64 {
        let all = self.all.iter_mut();
        all.map(|partition| partition.clear() as u64).sum()
    }

    /// No event is here any more, but none is done: the next process replays them.
    pub fn discard(&mut self) {
        self.is_replaying = false;
        for partition in &mut self.all {
            (partition.replayed, partition.queue) = (Queue::default(), Queue::default());
            partition.throttled = None;
        }
    }

    /// The offsets when `last` is the sequence number of the newest event; `None` during a replay.
    pub fn offsets(&self, last: i64) -> Option<PartitionOffsets> {
        let done = |queue: &Queue| queue.oldest().map_or(last, |event| event.seq - 1);
        let of = |number: usize| {
            let queues = self.all[number % self.all.len()].queues();
            queues.map(done).min().unwrap_or(last)
        };
        (!self.is_replaying).then(|| std::array::from_fn(of))
    }

    pub fn set_persisted(&mut self, offsets: PartitionOffsets) {
        self.persisted = Some(offsets);
    }

    pub fn is_persisted(&self) -> bool {
        let done = self.all.iter().map(|partition| partition.queue.done());
        let covers =
            |offsets: PartitionOffsets| done.zip(offsets).all(|(done, offset)| done <= offset);
        self.persisted.is_none_or(covers)
    }

    pub fn has_queued_between(&self, after: i64, up_to: i64) -> bool {
        let mut queues = self.all.iter().flat_map(Partition::queues);
        self.is_replaying || queues.any(|queue| queue.has_between(after, up_to))
    }

    /// Releases the event with this number, or removes it as a redelivery; returns whether it was held here.
    pub fn decide(&mut self, seq: i64, is_first: bool) -> bool {
        let mut all = self.all.iter_mut();
        all.any(|partition| partition.decide(seq, is_first))
    }

    pub fn have_config_errors(&self) -> bool {
        self.all.iter().any(|partition| partition.config_errors > 0)
    }

    /// Releases the events up to this number that are held; returns their count.
    pub fn release_up_to(&mut self, seq: i64) -> usize {
        let all = self.all.iter_mut();
        all.map(|partition| partition.release_up_to(seq)).sum()
    }

    pub fn queued(&self) -> u64 {
        self.all.iter().map(Partition::len).sum::<usize>() as u64
    }

    pub fn queued_bytes(&self) -> usize {
        self.all.iter().map(Partition::bytes).sum()
    }

    /// The time at which the oldest event was accepted.
    pub fn oldest(&self) -> Option<Instant> {
        let queues = self
            .all
            .iter()
            .flat_map(|one| one.queues().chain([&one.replayed]));
        let oldest = queues.filter_map(Queue::oldest);
        oldest.map(|event| event.accepted).min()
    }
}
