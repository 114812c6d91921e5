//! Queue of one partition, oldest event first. An event stays until it is acknowledged (sent or refused),
//! expires or is dropped.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use crate::forward::event::ForwardedEvent;

#[derive(Debug, Default)]
pub struct Queue {
    events: VecDeque<Arc<ForwardedEvent>>,
    bytes: usize,
    /// The sequence number of the newest event that was removed.
    done: i64,
}

impl Queue {
    pub fn push(&mut self, event: Arc<ForwardedEvent>) {
        self.bytes += event.bytes();
        self.events.push_back(event);
    }

    /// Puts events that are older than all of these before them.
    pub fn prepend(&mut self, mut older: Queue) {
        older.events.append(&mut self.events);
        self.events = older.events;
        self.bytes += older.bytes;
    }

    /// Puts events among these, in the order of their numbers.
    pub fn merge(&mut self, other: Queue) {
        self.events.extend(other.events);
        self.bytes += other.bytes;
        let events = self.events.make_contiguous();
        events.sort_by_key(|event| event.seq);
    }

    /// Takes the events out that are chosen.
    pub fn extract(&mut self, is_chosen: impl Fn(&ForwardedEvent) -> bool) -> Queue {
        let all = std::mem::take(&mut self.events).into_iter();
        let (chosen, left): (VecDeque<_>, _) = all.partition(|event| is_chosen(event));
        self.events = left;
        let chosen = Queue {
            bytes: chosen.iter().map(|event| event.bytes()).sum(),
            events: chosen,
            done: 0,
        };
        self.bytes -= chosen.bytes;
        chosen
    }

    pub fn done(&self) -> i64 {
        self.done
    }

    /// Whether an event waits with a sequence number above `after` and up to `up_to`.
    pub fn has_between(&self, after: i64, up_to: i64) -> bool {
        let next = self.events.partition_point(|event| event.seq <= after);
        self.events
            .get(next)
            .is_some_and(|event| event.seq <= up_to)
    }

    pub fn oldest(&self) -> Option<&ForwardedEvent> {
        self.events.front().map(Arc::as_ref)
    }

    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The oldest events within both bounds, at least one if there is any, up to one that is held. They stay.
    pub fn batch(&self, events: usize, bytes: usize) -> Vec<Arc<ForwardedEvent>> {
        let mut total = 0;
        let fits = |event: &&Arc<ForwardedEvent>| {
            let is_first = total == 0;
            total += event.body.len();
            is_first || total <= bytes
        };
        let ready = self.events.iter().take_while(|event| !event.is_held());
        let within = ready.take(events).take_while(fits);
        within.map(Arc::clone).collect()
    }

    /// Releases the event with this number, or removes it; returns whether it was held here. One that is held is
    /// in no request.
    pub fn decide(&mut self, seq: i64, is_first: bool) -> bool {
        let Ok(at) = self.events.binary_search_by_key(&seq, |event| event.seq) else {
            return false;
        };
        let is_held = self.events[at].is_held();
        if is_first {
            self.events[at].release();
        } else if is_held {
            self.remove(seq);
        }
        is_held
    }

    /// Releases the events up to this number that are held; returns their count.
    pub fn release_up_to(&mut self, seq: i64) -> usize {
        let end = self.events.partition_point(|event| event.seq <= seq);
        let held = self.events.range(..end).filter(|event| event.is_held());
        held.inspect(|event| event.release()).count()
    }

    /// Removes the event with this number; returns whether it was there.
    pub fn remove(&mut self, seq: i64) -> bool {
        let at = self.events.binary_search_by_key(&seq, |event| event.seq);
        let removed = at.ok().and_then(|at| self.events.remove(at));
        self.bytes -= removed.as_ref().map_or(0, |event| event.bytes());
        removed.is_some()
    }

    /// Removes the events up to this number; returns their count.
    pub fn acknowledge(&mut self, up_to: i64) -> usize {
        self.remove_while(|event| event.seq <= up_to)
    }

    /// Removes the events that were accepted at this moment or before; returns their count.
    pub fn expire(&mut self, before: Instant) -> usize {
        self.remove_while(|event| event.accepted <= before)
    }

    pub fn clear(&mut self) -> usize {
        self.remove_while(|_| true)
    }

    fn remove_while(&mut self, is_done: impl Fn(&ForwardedEvent) -> bool) -> usize {
        let before = self.events.len();
        while self.events.front().is_some_and(|event| is_done(event)) {
            if let Some(event) = self.events.pop_front() {
                self.bytes -= event.bytes();
                self.done = event.seq;
            }
        }
        // A backlog must not keep its memory for ever.
        if self.events.is_empty() {
            self.events = VecDeque::new();
        }
        before - self.events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::event::testing::{event, held};

    fn queue(count: i64) -> Queue {
        let mut queue = Queue::default();
        (1..=count).for_each(|seq| queue.push(event(seq, "u", "{}")));
        queue
    }

    #[test]
    fn a_batch_keeps_both_bounds_and_stays_until_it_is_acknowledged() {
        let mut queue = queue(10);
        let bytes = queue.oldest().map_or(0, |event| event.body.len());
        let seqs = |events: usize, bytes: usize| -> Vec<i64> {
            queue.batch(events, bytes).iter().map(|e| e.seq).collect()
        };
        assert_eq!(seqs(3, usize::MAX), [1, 2, 3]);
        assert_eq!(seqs(9, 2 * bytes), [1, 2]);
        assert_eq!(seqs(9, 0), [1]);
        assert_eq!(queue.acknowledge(3), 3);
        assert_eq!(queue.oldest().map(|event| event.seq), Some(4));
        assert_eq!((queue.acknowledge(3), queue.len()), (0, 7));
        assert_eq!((queue.clear(), queue.bytes()), (7, 0));
    }

    #[test]
    fn an_event_that_is_held_is_sent_once_it_is_released_and_never_if_it_is_a_redelivery() {
        let mut queue = queue(4);
        held(&queue.events[1]);
        held(&queue.events[3]);
        let seqs = |queue: &Queue| -> Vec<i64> {
            let batch = queue.batch(9, usize::MAX);
            batch.iter().map(|event| event.seq).collect()
        };
        assert_eq!(seqs(&queue), [1]);
        assert!(queue.decide(2, true) && !queue.decide(9, true));
        assert_eq!(seqs(&queue), [1, 2, 3]);
        assert!(queue.decide(4, false));
        assert_eq!((seqs(&queue).len(), queue.len()), (3, 3));
        queue.acknowledge(3);
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn events_that_are_held_are_released_up_to_a_number() {
        let mut queue = queue(4);
        for at in [0, 1, 3] {
            held(&queue.events[at]);
        }
        assert_eq!((queue.release_up_to(3), queue.release_up_to(3)), (2, 0));
        assert_eq!(queue.batch(9, usize::MAX).len(), 3);
    }

    #[test]
    fn one_event_is_removed_wherever_it_stands() {
        let mut queue = queue(3);
        assert!(queue.remove(2) && !queue.remove(2) && queue.remove(1));
        assert_eq!((queue.len(), queue.acknowledge(3)), (1, 1));
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn events_that_are_prepended_go_first() {
        let mut newer = Queue::default();
        newer.push(event(4, "u", "{}"));
        newer.prepend(queue(3));
        assert_eq!((newer.len(), newer.bytes()), (4, queue(4).bytes()));
        let seqs: Vec<i64> = newer.batch(9, usize::MAX).iter().map(|e| e.seq).collect();
        assert_eq!(seqs, [1, 2, 3, 4]);
    }

    #[test]
    fn events_that_are_extracted_come_back_in_their_order() {
        let mut queue = queue(6);
        let bytes = queue.bytes();
        let even = queue.extract(|event| event.seq % 2 == 0);
        assert_eq!((queue.len(), even.len()), (3, 3));
        assert_eq!((queue.bytes(), even.bytes()), (bytes / 2, bytes / 2));
        queue.push(event(7, "u", "{}"));
        queue.merge(even);
        let seqs: Vec<i64> = queue.batch(9, usize::MAX).iter().map(|e| e.seq).collect();
        assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(queue.bytes(), bytes / 6 * 7);
    }

    #[test]
    fn it_knows_the_last_removed_event_and_ranges_with_events() {
        let mut queue = queue(5);
        assert_eq!((queue.acknowledge(2), queue.done()), (2, 2));
        assert!(queue.has_between(2, 3) && queue.has_between(0, 9));
        assert!(!queue.has_between(0, 2) && !queue.has_between(5, 9));
    }

    #[test]
    fn events_that_are_too_old_expire_and_younger_ones_stay() {
        let mut queue = queue(2);
        let before = Instant::now();
        assert!(queue.oldest().is_some_and(|event| event.accepted <= before));
        assert_eq!(queue.expire(before - std::time::Duration::from_secs(60)), 0);
        assert_eq!(queue.expire(before), 2);
    }
}
