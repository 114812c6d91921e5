//! A batch of events with a dedupe key, and what is found out of them.

use std::sync::atomic::AtomicU32;

use bson::oid::ObjectId;

use crate::pipeline::totals::Contribution;
use crate::record::counters::Counter;
use crate::record::item::Event;
use crate::store::{KeyMarker, Purchase};

/// In the order of their records.
#[derive(Debug, Default)]
pub struct KeyedBatch {
    pub items: Vec<KeyedItem>,
    pub bytes: usize,
    /// Attempts to which the database did not show what is there.
    pub unseen: AtomicU32,
}

#[derive(Debug, Clone)]
pub struct KeyedItem {
    pub seq: i64,
    cost: usize,
    pub time_ms: i64,
    pub counter: Option<Counter>,
    pub elements: Box<[u8]>,
    pub document: ObjectId,
    /// As this delivery would make it.
    pub marker: KeyMarker,
    pub purchase: Option<Purchase>,
}

/// What becomes of an event.
#[derive(Debug)]
pub struct Outcome {
    pub place: usize,
    pub seq: i64,
    /// False for a redelivery.
    pub is_first: bool,
    /// The event counts with another amount than that of this delivery.
    pub differs: bool,
    pub share: Option<Contribution>,
}

impl KeyedBatch {
    pub fn add(&mut self, event: &Event<'_>) {
        let Some((keyed, document)) = event.key.zip(event.document) else {
            return;
        };
        let (counter, amount) = event.counted.unzip();
        self.push(KeyedItem {
            seq: event.seq,
            cost: event.cost,
            time_ms: event.time_ms,
            counter,
            elements: event.elements.into(),
            document,
            marker: KeyMarker {
                event: keyed.event.to_owned(),
                key: keyed.key.to_owned(),
                delivery: keyed.delivery,
                day: event.day.clone(),
                amount,
            },
            purchase: Purchase::of(event),
        });
    }

    fn push(&mut self, item: KeyedItem) {
        self.bytes += item.cost;
        self.items.push(item);
    }

    pub fn numbers(&self) -> Option<(i64, i64)> {
        Some((self.items.first()?.seq, self.items.last()?.seq))
    }

    pub fn halves(&self) -> (Self, Self) {
        let (first, second) = self.items.split_at(self.items.len() / 2);
        let half = |items: &[KeyedItem]| {
            let mut half = Self::default();
            items.iter().for_each(|item| half.push(item.clone()));
            half
        };
        (half(first), half(second))
    }
}

/// What was found out of an event with a dedupe key.
pub struct Decided {
    pub seq: i64,
    /// False for a redelivery, which is not forwarded.
    pub is_first: bool,
}
