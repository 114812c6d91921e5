//! The destinations of one instance, in the order of its settings.

use std::slice::Iter;
use std::sync::Arc;

use tokio::time::Instant;

use super::event::Event;
use super::http::Http;
use super::lane;
use super::messages;
use super::receiver::{Receiver, Remark};
use crate::instance::shared::Shared;
use crate::record::item;

pub struct Destinations {
    shared: Arc<Shared>,
    all: Vec<Arc<Receiver>>,
}

impl Destinations {
    pub fn new(shared: &Arc<Shared>) -> Arc<Self> {
        let all = shared.config.destinations.iter().map(Receiver::new);
        Arc::new(Self {
            shared: Arc::clone(shared),
            all: all.map(Arc::new).collect(),
        })
    }

    /// Starts sending; must be called on the runtime.
    pub fn start(&self) {
        for destination in self.iter() {
            let deadline = destination.settings.request_timeout;
            let transport = Arc::new(Http::new(destination.endpoint.clone(), deadline));
            lane::start(destination, &transport, &self.shared);
        }
    }

    pub fn iter(&self) -> Iter<'_, Arc<Receiver>> {
        self.all.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Events that wait for a destination, summed over the destinations.
    pub fn queued(&self) -> u64 {
        self.iter().map(|destination| destination.queued()).sum()
    }

    /// Whether the offsets of every destination are on disk, where offsets are persisted.
    pub fn are_persisted(&self) -> bool {
        self.iter().all(|destination| destination.is_persisted())
    }

    /// Enqueues an event for every destination that wants it, if it has a body for them.
    pub fn forward(&self, event: &item::Event<'_>) {
        self.offer(event, Instant::now(), Receiver::push);
    }

    /// Enqueues an event that was read back from disk, see [`Receiver::begin_replay`].
    pub fn replay(&self, event: &item::Event<'_>, accepted: Instant) {
        let now = Instant::now();
        self.offer(event, accepted, |destination, event| {
            destination.replay(event, now)
        });
    }

    pub fn end_replay(&self) {
        for destination in self.iter() {
            self.tell(destination, destination.end_replay());
        }
    }

    fn offer(
        &self,
        event: &item::Event<'_>,
        accepted: Instant,
        enqueue: impl Fn(&Receiver, &Arc<Event>) -> Option<Remark>,
    ) {
        let Some(webhook) = event.webhook.filter(|_| !self.is_empty()) else {
            return;
        };
        let event = Event::new(event, webhook, accepted);
        for destination in self.iter() {
            self.tell(destination, enqueue(destination, &event));
        }
    }

    fn tell(&self, destination: &Receiver, remark: Option<Remark>) {
        if let Some(remark) = remark {
            messages::tell(&self.shared, &destination.settings.name, remark);
        }
    }

    /// Whether somebody waits until the queues are empty. If so, nothing lingers for a fuller batch, and
    /// long back-offs start again from a short one.
    pub fn expedite(&self, is_awaited: bool) {
        self.iter()
            .for_each(|destination| destination.expedite(is_awaited));
    }

    /// No event follows. Those that wait are still sent.
    pub fn close(&self) {
        self.iter().for_each(|destination| destination.close());
    }
}
