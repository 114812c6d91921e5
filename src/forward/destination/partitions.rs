//! Partitions of a destination: one queue each, with one request under way at a time, so that events of
//! one partition keep their order. The user decides which partition an event belongs to.
//!
//! During a replay events of an earlier process come back from disk. They are older than everything in the
//! queues, so nothing is sent until all of them are there.

use std::sync::Arc;

use tokio::time::Instant;

use super::batch_size::BatchSize;
use super::queue::Queue;
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

    pub fn batch(&self, limits: Limits) -> Vec<Arc<ForwardedEvent>> {
        let events = self.batch_size.within(limits.events);
        self.queue.batch(events, limits.bytes)
    }

    fn bytes(&self) -> usize {
        self.replayed.bytes() + self.queue.bytes()
    }
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
        let queues = self.all.iter_mut().map(|partition| &mut partition.queue);
        queues.map(|queue| queue.clear() as u64).sum()
    }

    /// No event is here any more, but none is done: the next process replays them.
    pub fn discard(&mut self) {
        self.is_replaying = false;
        for partition in &mut self.all {
            (partition.replayed, partition.queue) = (Queue::default(), Queue::default());
        }
    }

    /// The offsets when `last` is the sequence number of the newest event; `None` during a replay.
    pub fn offsets(&self, last: i64) -> Option<PartitionOffsets> {
        let done = |queue: &Queue| queue.oldest().map_or(last, |event| event.seq - 1);
        let of = |number: usize| done(&self.all[number % self.all.len()].queue);
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
        let has = |partition: &Partition| partition.queue.has_between(after, up_to);
        self.is_replaying || self.all.iter().any(has)
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
        all.map(|partition| partition.queue.release_up_to(seq))
            .sum()
    }

    pub fn queued(&self) -> u64 {
        let events = |partition: &Partition| partition.replayed.len() + partition.queue.len();
        self.all.iter().map(events).sum::<usize>() as u64
    }

    pub fn queued_bytes(&self) -> usize {
        self.all.iter().map(Partition::bytes).sum()
    }

    /// The time at which the oldest event was accepted.
    pub fn oldest(&self) -> Option<Instant> {
        let queues = self.all.iter().flat_map(|one| [&one.replayed, &one.queue]);
        let oldest = queues.filter_map(Queue::oldest);
        oldest.map(|event| event.accepted).min()
    }
}
