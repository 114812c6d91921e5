//! What is written together: groups of events, groups of logins and logouts.

use super::lane::Records;
use super::totals::{Contribution, What};
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::document::Batch;
use crate::record::item::{Event, SessionChange, SessionItem};

/// Events of one day, their documents ready to be sent.
#[derive(Debug, Default)]
pub struct EventGroup {
    pub batch: Batch,
    day: Option<Day>,
    records: Vec<EventRecord>,
    bytes: usize,
}

/// What is left to know of an event besides its document.
#[derive(Debug)]
pub struct EventRecord {
    seq: i64,
    amount: f64,
    counter: Option<Counter>,
    /// False for an event that only counts.
    pub has_document: bool,
}

impl EventGroup {
    /// Whether events of this day may be added.
    pub fn is_of(&self, day: &Day) -> bool {
        self.day.as_ref().is_none_or(|own| own == day)
    }

    pub fn add(&mut self, event: Event<'_>) {
        if let Some(id) = event.document {
            self.batch
                .add_event(id, event.elements, &event.day, event.time_ms);
        }
        self.records.push(EventRecord {
            seq: event.seq,
            amount: event.counted.map_or(0.0, |(_, amount)| amount),
            counter: event.counted.map(|(counter, _)| counter),
            has_document: event.document.is_some(),
        });
        self.bytes += event.cost;
        self.day = Some(event.day);
    }

    pub fn records(&self) -> &[EventRecord] {
        &self.records
    }

    /// What a record of this group adds to the totals.
    pub fn contribution(&self, record: &EventRecord) -> Option<Contribution> {
        Some(Contribution {
            seq: record.seq,
            day: self.day.clone()?,
            what: What::Amount(record.counter?, record.amount),
        })
    }
}

impl Records for EventGroup {
    fn numbers(&self) -> Option<(i64, i64)> {
        Some((self.records.first()?.seq, self.records.last()?.seq))
    }
    fn count(&self) -> usize {
        self.records.len()
    }
    fn bytes(&self) -> usize {
        self.bytes
    }
    fn complete(&mut self) {
        self.batch.shrink();
        self.records.shrink_to_fit();
    }
}

/// Logins and logouts.
#[derive(Debug, Default)]
pub struct SessionGroup {
    items: Vec<SessionItem>,
    bytes: usize,
    has_logout: bool,
}

impl SessionGroup {
    pub fn add(&mut self, item: SessionItem) {
        self.bytes += item.cost;
        self.has_logout |= matches!(item.change, SessionChange::Logout(_));
        self.items.push(item);
    }

    pub fn items(&self) -> &[SessionItem] {
        &self.items
    }
}

impl Records for SessionGroup {
    fn numbers(&self) -> Option<(i64, i64)> {
        Some((self.items.first()?.seq, self.items.last()?.seq))
    }
    fn count(&self) -> usize {
        self.items.len()
    }
    fn bytes(&self) -> usize {
        self.bytes
    }
    /// A session is there before it is closed.
    fn follows_all(&self) -> bool {
        self.has_logout
    }
}
