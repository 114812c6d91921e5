//! What waits for one lane of a destination, oldest first. An event stays until it is acknowledged:
//! sent, set aside or given up.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::event::Event;

#[derive(Debug, Default)]
pub struct Queue {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    /// The number of the newest event that was let go of.
    through: i64,
}

impl Queue {
    pub fn push(&mut self, event: Arc<Event>) {
        self.bytes += event.bytes();
        self.events.push_back(event);
    }

    /// Puts what is older than everything here before it.
    pub fn precede(&mut self, mut older: Queue) {
        older.events.append(&mut self.events);
        self.events = older.events;
        self.bytes += older.bytes;
    }

    /// The number of the newest event that is through.
    pub fn through(&self) -> i64 {
        self.through
    }

    /// Whether an event waits whose number is above the one and not above the other.
    pub fn has_queued_between(&self, after: i64, up_to: i64) -> bool {
        let next = self.events.partition_point(|event| event.seq <= after);
        self.events
            .get(next)
            .is_some_and(|event| event.seq <= up_to)
    }

    pub fn oldest(&self) -> Option<&Event> {
        self.events.front().map(Arc::as_ref)
    }

    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The oldest events within both bounds, at least one if there is any. They stay.
    pub fn batch(&self, events: usize, bytes: usize) -> Vec<Arc<Event>> {
        let mut total = 0;
        let fits = |event: &&Arc<Event>| {
            let is_first = total == 0;
            total += event.body.len();
            is_first || total <= bytes
        };
        let within = self.events.iter().take(events).take_while(fits);
        within.map(Arc::clone).collect()
    }

    /// Lets go of everything up to this number; answers how many they were.
    pub fn acknowledge(&mut self, up_to: i64) -> usize {
        self.remove_while(|event| event.seq <= up_to)
    }

    /// Lets go of what was accepted at this moment or before it.
    pub fn expire(&mut self, before: Instant) -> usize {
        self.remove_while(|event| event.accepted <= before)
    }

    pub fn clear(&mut self) -> usize {
        self.remove_while(|_| true)
    }

    fn remove_while(&mut self, goes: impl Fn(&Event) -> bool) -> usize {
        let before = self.events.len();
        while self.events.front().is_some_and(|event| goes(event)) {
            if let Some(gone) = self.events.pop_front() {
                self.bytes -= gone.bytes();
                self.through = gone.seq;
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
    use super::super::event::testing::event;
    use super::*;

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
    fn what_is_older_goes_first() {
        let mut newer = Queue::default();
        newer.push(event(4, "u", "{}"));
        newer.precede(queue(3));
        assert_eq!((newer.len(), newer.bytes()), (4, queue(4).bytes()));
        let seqs: Vec<i64> = newer.batch(9, usize::MAX).iter().map(|e| e.seq).collect();
        assert_eq!(seqs, [1, 2, 3, 4]);
    }

    #[test]
    fn it_says_what_is_through_and_where_events_wait() {
        let mut queue = queue(5);
        assert_eq!((queue.acknowledge(2), queue.through()), (2, 2));
        assert!(queue.has_queued_between(2, 3) && queue.has_queued_between(0, 9));
        assert!(!queue.has_queued_between(0, 2) && !queue.has_queued_between(5, 9));
    }

    #[test]
    fn what_is_too_old_goes_and_what_is_younger_stays() {
        let mut queue = queue(2);
        let before = Instant::now();
        assert!(queue.oldest().is_some_and(|event| event.accepted <= before));
        assert_eq!(queue.expire(before - std::time::Duration::from_secs(60)), 0);
        assert_eq!(queue.expire(before), 2);
    }
}
