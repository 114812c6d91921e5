//! The destinations of one instance, in the order of its settings.

use std::slice::Iter;
use std::sync::Arc;

use tokio::time::Instant;

use super::destination::{Destination, Probe, probe, start_senders};
use super::event::ForwardedEvent;
use super::transport::{Http, Tls};
use crate::instance::shared::Shared;
use crate::record::item::Item;

pub struct Destinations(Vec<Arc<Destination>>);

impl Destinations {
    pub fn new(shared: &Arc<Shared>) -> Arc<Self> {
        let all = 0..shared.config.destinations.len();
        let all = all.map(|index| Arc::new(Destination::new(index, shared)));
        Arc::new(Self(all.collect()))
    }

    /// Starts the senders, which trust these authorities.
    pub fn start(&self, authorities: Option<&Arc<str>>) {
        for destination in self.iter() {
            let transport = transport_to(destination, authorities);
            start_senders(destination, &Arc::new(transport));
        }
    }

    /// Sends this event by itself to the first destination; `None` if there is none.
    pub async fn probe(
        &self,
        event: &ForwardedEvent,
        authorities: Option<&Arc<str>>,
    ) -> Option<Probe> {
        let destination = self.0.first()?;
        let transport = transport_to(destination, authorities);
        Some(probe(destination.profile(), &transport, event).await)
    }

    pub fn iter(&self) -> Iter<'_, Arc<Destination>> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Events that wait for a destination, summed over the destinations.
    pub fn queued(&self) -> u64 {
        self.iter().map(|destination| destination.queued()).sum()
    }

    /// The record up to which every destination is done with all events, when `last` is the newest; `None`
    /// while recovered events are replayed.
    pub fn forwarded_up_to(&self, last: i64) -> Option<i64> {
        let lowest = |one: &Arc<Destination>| one.offsets(last)?.into_iter().min();
        let mut offsets = self.iter().map(lowest);
        offsets.try_fold(i64::MAX, |low, one| Some(low.min(one?)))
    }

    /// Whether an event waits with a sequence number above `after` and up to `up_to`.
    pub fn has_queued_between(&self, after: i64, up_to: i64) -> bool {
        self.iter().any(|one| one.has_queued_between(after, up_to))
    }

    /// Whether the offsets of every destination are on disk, where offsets are persisted.
    pub fn are_persisted(&self) -> bool {
        self.iter().all(|destination| destination.is_persisted())
    }

    /// Enqueues a record for every destination that wants it.
    pub fn forward(&self, item: &Item<'_>) {
        // The clock is read only for what somebody wants.
        if self.is_of_interest(item)
            && let Some(event) = ForwardedEvent::of(item, Instant::now(), true)
        {
            self.iter().for_each(|one| one.enqueue(&event));
        }
    }

    fn is_of_interest(&self, item: &Item<'_>) -> bool {
        match item {
            Item::Event(event) => event.webhook.is_some() && !self.is_empty(),
            Item::Session(_) => self.iter().any(|one| one.profile().settings.sessions),
            Item::Nothing { .. } => false,
        }
    }

    /// Releases an event that was held until it is known whether it is a redelivery, or removes it as one.
    pub fn decide(&self, seq: i64, is_first: bool) {
        self.iter()
            .for_each(|destination| destination.decide(seq, is_first));
    }

    /// Releases all events up to this number that are held: nobody will find out whether they are redeliveries.
    /// Returns their count.
    pub fn release_up_to(&self, seq: i64) -> usize {
        self.iter().map(|one| one.release_up_to(seq)).sum()
    }

    /// Enqueues a record that was read back from disk, see [`Destination::begin_replay`].
    pub fn replay(&self, item: &Item<'_>, accepted: Instant) {
        // Nothing is held: a process before this one may have found out, and nobody would say it again.
        if self.is_of_interest(item)
            && let Some(event) = ForwardedEvent::of(item, accepted, false)
        {
            let now = Instant::now();
            self.iter().for_each(|one| one.replay(&event, now));
        }
    }

    /// All events of the replay were given to [`Self::replay`].
    pub fn end_replay(&self) {
        self.iter().for_each(|destination| destination.end_replay());
    }

    /// Whether somebody waits until the queues are empty. If so, no batch waits to fill up, and long
    /// back-offs start again from a short one.
    pub fn expedite(&self, is_awaited: bool) {
        let all = self.iter();
        all.for_each(|destination| destination.expedite(is_awaited));
    }

    /// No event follows; those in the queues are still sent.
    pub fn close(&self) {
        self.iter().for_each(|destination| destination.close());
    }
}

fn transport_to(destination: &Destination, authorities: Option<&Arc<str>>) -> Http {
    let profile = destination.profile();
    let tls = match profile.settings.is_https() {
        true => Tls::Trusting(authorities.cloned()),
        false => Tls::Unused,
    };
    let timeout = profile.settings.request_timeout;
    Http::new(
        profile.endpoint.clone(),
        timeout,
        tls,
        destination.threads(),
    )
}
