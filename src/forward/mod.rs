//! Events to other services, each with a queue, bounds and failures of its own, so that a dead receiver
//! delays neither the database nor another receiver, nor the other way round.
//!
//! ```text
//!  intake ──► Receiver: queue ─► batch ─► format ─► transport ──► answer
//!   (one per    (bounded by                (body)    (HTTP)         │ verdict
//!  destination)  bytes and age)                                     ▼
//!                  ▲───────────── acknowledge, wait, halve, set aside
//! ```
//!
//! Each event is delivered at least once: it leaves the queue when the receiver has taken it, when it
//! is set aside because the receiver never takes it, or when a bound gives it up; each is counted. It
//! keeps its id and time through every attempt, so that receivers that look at ids take it once.

mod event;
mod formats;
mod http;
mod lane;
mod messages;
mod pace;
mod queue;
mod receiver;
mod report;
mod retry_after;
mod settle;
#[cfg(test)]
mod tests;
mod verdict;
mod width;

use std::sync::Arc;

use tokio::time::Instant;

use crate::config::Config;
use crate::instance::shared::Shared;

use event::Event;
pub use event::Source;
pub use receiver::Receiver;
use receiver::Remark;
pub use report::Report;

/// The destinations of one instance, in the order of its settings.
pub struct Destinations(Vec<Arc<Receiver>>);

impl Destinations {
    pub fn new(config: &Config) -> Arc<Self> {
        let destinations = config.destinations.iter().map(Receiver::new);
        Arc::new(Self(destinations.map(Arc::new).collect()))
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Arc<Receiver>> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Events that wait for a destination, for each of them.
    pub fn queued(&self) -> u64 {
        self.iter().map(|destination| destination.queued()).sum()
    }

    /// Whether the cursor of every destination is on disk, if cursors are kept.
    pub fn is_kept(&self) -> bool {
        self.iter().all(|destination| destination.is_kept())
    }
}

/// The pipeline's end of the forwarder.
pub struct Forwarding {
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    is_hurried: bool,
}

impl Forwarding {
    /// Starts the lanes of all destinations; must be called on the runtime.
    pub fn start(shared: &Arc<Shared>, destinations: &Arc<Destinations>) -> Forwarding {
        for receiver in destinations.iter() {
            let deadline = receiver.settings.request_timeout;
            let transport = Arc::new(http::Http::new(receiver.endpoint.clone(), deadline));
            start_lanes(receiver, &transport, shared);
        }
        Forwarding {
            shared: Arc::clone(shared),
            destinations: Arc::clone(destinations),
            is_hurried: false,
        }
    }

    /// Queues an event for every destination that wants it.
    pub fn forward(&self, source: &Source<'_>) {
        let push = |receiver: &Receiver, event: &_| receiver.push(event);
        offer(
            &self.shared,
            &self.destinations,
            source,
            Instant::now(),
            push,
        );
    }

    /// While somebody waits for what is left, nothing waits for company or for a long back-off.
    pub fn hurry(&mut self, is_hurried: bool) {
        if std::mem::replace(&mut self.is_hurried, is_hurried) != is_hurried {
            let receivers = self.destinations.iter();
            receivers.for_each(|receiver| receiver.hurry(is_hurried));
        }
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        let receivers = self.destinations.iter();
        receivers.for_each(|receiver| receiver.close());
    }
}

/// Puts an event that has come back from disk before all that are queued, see [`Receiver::begin_refill`].
pub fn refill(
    shared: &Shared,
    destinations: &Destinations,
    source: &Source<'_>,
    accepted: Instant,
) {
    let now = Instant::now();
    let refill = |receiver: &Receiver, event: &_| receiver.refill(event, now);
    offer(shared, destinations, source, accepted, refill);
}

/// All events are back that were to come.
pub fn end_refill(shared: &Shared, destinations: &Destinations) {
    for receiver in destinations.iter() {
        if let Some(remark) = receiver.end_refill() {
            messages::tell(shared, &receiver.settings.name, remark);
        }
    }
}

fn offer(
    shared: &Shared,
    destinations: &Destinations,
    source: &Source<'_>,
    accepted: Instant,
    take: impl Fn(&Receiver, &Arc<Event>) -> Option<Remark>,
) {
    if destinations.is_empty() {
        return;
    }
    let event = Event::new(source, accepted);
    for receiver in destinations.iter() {
        if let Some(remark) = take(receiver, &event) {
            messages::tell(shared, &receiver.settings.name, remark);
        }
    }
}

fn start_lanes<T: lane::Transport>(
    receiver: &Arc<Receiver>,
    transport: &Arc<T>,
    shared: &Arc<Shared>,
) {
    for number in 0..receiver.lanes() {
        let (receiver, transport) = (Arc::clone(receiver), Arc::clone(transport));
        tokio::spawn(lane::run(receiver, transport, number, Arc::clone(shared)));
    }
}
