//! Throttled users: the service takes no more of them for a while. Their events leave the queue, so that those of
//! others go on, and follow by themselves, in requests that grow smaller until the service takes them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::batch_size::BatchSize;
use super::queue::Queue;
use crate::forward::event::ForwardedEvent;

/// How long the service is sent nothing of these users.
const THROTTLED: Duration = Duration::from_secs(30);
/// Between two requests that it takes: it counts events per second.
const BETWEEN: Duration = Duration::from_secs(1);

/// Those of one partition, all together. It ends when no event of them waits.
#[derive(Debug)]
pub struct Throttled {
    users: BTreeSet<Box<str>>,
    pub queue: Queue,
    pub batch_size: BatchSize,
    /// Nothing is sent before.
    pub until: Instant,
}

impl Throttled {
    pub fn new(now: Instant) -> Self {
        Self {
            users: BTreeSet::new(),
            queue: Queue::default(),
            batch_size: BatchSize::default(),
            until: now + THROTTLED,
        }
    }

    /// Whether an event waits here.
    pub fn takes(&self, event: &ForwardedEvent) -> bool {
        let user = event.user.as_deref();
        user.is_some_and(|user| self.users.contains(user))
    }

    /// Moves these events and all others of their users out of the queue of all. They were in a request that was
    /// too much.
    pub fn move_from(&mut self, queue: &mut Queue, events: &[Arc<ForwardedEvent>], now: Instant) {
        let users = events.iter().filter_map(|event| event.user.clone());
        self.users.extend(users);
        let seqs: BTreeSet<i64> = events.iter().map(|event| event.seq).collect();
        let moved = queue.extract(|event| self.takes(event) || seqs.contains(&event.seq));
        self.queue.merge(moved);
        self.refused(events.len(), now);
    }

    /// A request with so many of them was too much.
    pub fn refused(&mut self, sent: usize, now: Instant) {
        self.until = now + THROTTLED;
        self.batch_size.shrink(sent);
    }

    /// A request with them was taken.
    pub fn taken(&mut self, now: Instant) {
        self.until = now + BETWEEN;
    }
}
