//! Batches: the events of one day, their documents ready to be sent; and logins and logouts.

use super::write_queue::Records;
use crate::pipeline::totals::{Amount, Contribution};
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::document::Batch;
use crate::record::item::{Event, SessionChange, SessionItem};

/// Events of one day.
#[derive(Debug, Default)]
pub struct EventBatch {
    pub documents: Batch,
    day: Option<Day>,
    records: Vec<EventRecord>,
    bytes: usize,
}

/// An event without its document.
#[derive(Debug)]
pub struct EventRecord {
    seq: i64,
    amount: f64,
    counter: Option<Counter>,
    /// False for an event that only counts.
    pub has_document: bool,
}

impl EventBatch {
    /// Whether events of this day may be added.
    pub fn is_of(&self, day: &Day) -> bool {
        self.day.as_ref().is_none_or(|own| own == day)
    }

    pub fn add(&mut self, event: Event<'_>) {
        if let Some(id) = event.document {
            self.documents
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

    /// The share of the totals of a record of this batch, if it has one.
    pub fn contribution(&self, record: &EventRecord) -> Option<Contribution> {
        Some(Contribution {
            seq: record.seq,
            day: self.day.clone()?,
            amount: Amount::Counted(record.counter?, record.amount),
        })
    }
}

impl Records for EventBatch {
    fn numbers(&self) -> Option<(i64, i64)> {
        Some((self.records.first()?.seq, self.records.last()?.seq))
    }
    fn count(&self) -> usize {
        self.records.len()
    }
    fn bytes(&self) -> usize {
        self.bytes
    }
    fn seal(&mut self) {
        self.documents.shrink();
        self.records.shrink_to_fit();
    }
}

/// Logins and logouts.
#[derive(Debug, Default)]
pub struct SessionBatch {
    items: Vec<SessionItem>,
    bytes: usize,
    has_logout: bool,
}

impl SessionBatch {
    pub fn add(&mut self, item: SessionItem) {
        self.bytes += item.cost;
        self.has_logout |= matches!(item.change, SessionChange::Logout(_));
        self.items.push(item);
    }

    pub fn items(&self) -> &[SessionItem] {
        &self.items
    }

    pub fn newest_day(&self) -> Option<&Day> {
        self.items.iter().map(|item| &item.day).max()
    }
}

impl Records for SessionBatch {
    fn numbers(&self) -> Option<(i64, i64)> {
        Some((self.items.first()?.seq, self.items.last()?.seq))
    }
    fn count(&self) -> usize {
        self.items.len()
    }
    fn bytes(&self) -> usize {
        self.bytes
    }
    /// A session is stored before it is closed.
    fn follows_all(&self) -> bool {
        self.has_logout
    }
}
