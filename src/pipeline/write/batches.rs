//! Batches: events, their documents ready to be sent; or logins; or logouts; or events with a dedupe key.

use super::keyed_batch::{Decided, KeyedBatch, Outcome};
use super::purchases::Recorded;
use super::write_queue::Records;
use crate::pipeline::totals::{Amount, Contribution};
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::document::Batch as Documents;
use crate::record::item::{Event, Item, SessionChange, SessionItem};
use crate::store::Purchase;

/// The result of a batch: all of its records are stored but these.
#[derive(Debug, Default)]
pub struct Written {
    /// Records that the server refuses for their content, by their place in the batch, in order, each with
    /// the server's reason.
    pub dropped: Vec<(usize, String)>,
    /// Logouts of sessions that are gone, or were closed by somebody else; in order.
    pub unmatched: Vec<usize>,
    /// Logouts that replaced an estimate, each with the seconds that the totals hold already; in order.
    pub replaced: Vec<(usize, f64)>,
    /// Logouts of sessions of which it is not known what the totals hold; in order. They are among the unmatched.
    pub uncertain: Vec<usize>,
    /// Documents that were stored already.
    pub duplicates: u64,
    /// What becomes of the events of a batch with keys, but for the dropped ones.
    pub keyed: Vec<Outcome>,
    pub purchases: Recorded,
    /// What is stored under a dedupe key cannot be read: the record's own day and amount count.
    pub is_unreadable: bool,
}

impl Written {
    /// The only record of the batch is refused.
    pub fn refused(message: String) -> Self {
        Self {
            dropped: vec![(0, message)],
            ..Self::default()
        }
    }
}

#[derive(Debug)]
pub enum Batch {
    Events(EventBatch),
    Sessions(SessionBatch),
    Keyed(KeyedBatch),
}

/// Logins, or logouts.
#[derive(Debug, Default)]
pub struct SessionBatch {
    items: Vec<SessionItem>,
    bytes: usize,
}

impl SessionBatch {
    fn add(&mut self, item: SessionItem) {
        self.bytes += item.cost;
        self.items.push(item);
    }

    fn halves(&self) -> (Self, Self) {
        let (first, second) = self.items.split_at(self.items.len() / 2);
        let half = |items: &[SessionItem]| {
            let mut half = Self::default();
            items.iter().for_each(|item| half.add(item.clone()));
            half
        };
        (half(first), half(second))
    }
}

/// Events.
#[derive(Debug, Default)]
pub struct EventBatch {
    pub documents: Documents,
    pub purchases: Vec<Purchase>,
    records: Vec<EventRecord>,
    /// Those of the records, in their order: nearly always one.
    days: Vec<Day>,
    bytes: usize,
}

/// An event without its document.
#[derive(Debug, Clone)]
struct EventRecord {
    seq: i64,
    amount: f64,
    counter: Option<Counter>,
    /// The place of its day among those of the batch.
    day: u32,
    /// False for an event that only counts.
    has_document: bool,
    is_purchase: bool,
}

impl EventBatch {
    /// An empty one, for about as many.
    fn next(&self) -> Self {
        Self {
            documents: self.documents.next(),
            ..Self::default()
        }
    }

    fn add(&mut self, event: Event<'_>) {
        let purchase = Purchase::of(&event);
        let is_purchase = purchase.is_some();
        self.purchases.extend(purchase);
        if let Some(id) = event.document {
            self.documents
                .add_event(id, event.elements, &event.day, event.time_ms);
        }
        if self.days.last() != Some(&event.day) {
            self.days.push(event.day);
        }
        self.records.push(EventRecord {
            seq: event.seq,
            amount: event.counted.map_or(0.0, |(_, amount)| amount),
            counter: event.counted.map(|(counter, _)| counter),
            day: self.days.len() as u32 - 1,
            has_document: event.document.is_some(),
            is_purchase,
        });
        self.bytes += event.cost;
    }

    /// The places of the records that have a document, in order.
    pub fn places(&self) -> Vec<usize> {
        let records = self.records.iter().enumerate();
        let with_document = records.filter(|(_, record)| record.has_document);
        with_document.map(|(place, _)| place).collect()
    }

    fn share(&self, place: usize) -> Option<Contribution> {
        let record = self.records.get(place)?;
        let amount = Amount::Counted(record.counter?, record.amount);
        Some(Contribution {
            seq: record.seq,
            day: self.days.get(record.day as usize)?.clone(),
            amount,
        })
    }

    fn halves(&self) -> (Self, Self) {
        let (first, second) = self.records.split_at(self.records.len() / 2);
        let documents = first.iter().filter(|record| record.has_document).count();
        let documents = self.documents.split(documents);
        let purchases = first.iter().filter(|record| record.is_purchase).count();
        let purchases = self.purchases.split_at(purchases);
        let bytes = self.bytes / self.records.len() * first.len();
        let half = |records: &[EventRecord], documents, purchases: &[Purchase], bytes| Self {
            documents,
            purchases: purchases.to_vec(),
            records: records.to_vec(),
            days: self.days.clone(),
            bytes,
        };
        (
            half(first, documents.0, purchases.0, bytes),
            half(second, documents.1, purchases.1, self.bytes - bytes),
        )
    }
}

impl Batch {
    pub fn add(&mut self, item: Item<'_>) {
        match (self, item) {
            (Batch::Events(batch), Item::Event(event)) => batch.add(event),
            (Batch::Keyed(batch), Item::Event(event)) => batch.add(&event),
            (Batch::Sessions(batch), Item::Session(item)) => batch.add(item),
            _ => {}
        }
    }

    /// The share of the totals of the record at this place, if it has one. Of the length of a session,
    /// `counted` seconds are in the totals already.
    pub fn share(&self, place: usize, counted: f64) -> Option<Contribution> {
        match self {
            Batch::Events(batch) => batch.share(place),
            Batch::Sessions(batch) => Some(share_of(batch.items.get(place)?, counted)),
            // Their markers tell.
            Batch::Keyed(_) => None,
        }
    }

    /// The event at this place, if nobody has found out yet whether it is a redelivery.
    pub fn undecided(&self, place: usize) -> Option<Decided> {
        let Batch::Keyed(batch) = self else {
            return None;
        };
        Some(Decided {
            seq: batch.items.get(place)?.seq,
            is_first: true,
        })
    }

    pub fn sessions(&self) -> &[SessionItem] {
        match self {
            Batch::Events(_) | Batch::Keyed(_) => &[],
            Batch::Sessions(batch) => &batch.items,
        }
    }

    /// The days of sessions.
    pub fn days(&self) -> impl Iterator<Item = &Day> + Send {
        self.sessions().iter().map(|item| &item.day)
    }
}

impl Records for Batch {
    fn numbers(&self) -> Option<(i64, i64)> {
        match self {
            Batch::Events(EventBatch { records, .. }) => {
                Some((records.first()?.seq, records.last()?.seq))
            }
            Batch::Sessions(SessionBatch { items, .. }) => {
                Some((items.first()?.seq, items.last()?.seq))
            }
            Batch::Keyed(batch) => batch.numbers(),
        }
    }

    fn count(&self) -> usize {
        match self {
            Batch::Events(batch) => batch.records.len(),
            Batch::Sessions(batch) => batch.items.len(),
            Batch::Keyed(batch) => batch.items.len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Batch::Events(batch) => batch.bytes,
            Batch::Sessions(batch) => batch.bytes,
            Batch::Keyed(batch) => batch.bytes,
        }
    }

    fn has_documents(&self) -> bool {
        match self {
            Batch::Events(batch) => !batch.documents.is_empty(),
            Batch::Sessions(_) | Batch::Keyed(_) => true,
        }
    }

    fn next(&self) -> Self {
        match self {
            Batch::Events(batch) => Batch::Events(batch.next()),
            Batch::Sessions(_) => Batch::Sessions(SessionBatch::default()),
            Batch::Keyed(_) => Batch::Keyed(KeyedBatch::default()),
        }
    }

    fn halves(&self) -> (Self, Self) {
        match self {
            Batch::Events(batch) => {
                let (first, second) = batch.halves();
                (Batch::Events(first), Batch::Events(second))
            }
            Batch::Sessions(batch) => {
                let (first, second) = batch.halves();
                (Batch::Sessions(first), Batch::Sessions(second))
            }
            Batch::Keyed(batch) => {
                let (first, second) = batch.halves();
                (Batch::Keyed(first), Batch::Keyed(second))
            }
        }
    }

    fn seal(&mut self) {
        if let Batch::Events(batch) = self {
            batch.documents.shrink();
            batch.records.shrink_to_fit();
        }
    }
}

fn share_of(item: &SessionItem, counted: f64) -> Contribution {
    let amount = match &item.change {
        SessionChange::Login { is_late: true, .. } => Amount::Counted(Counter::SessionCount, 1.0),
        SessionChange::Login { user, .. } => Amount::Login(user.clone()),
        SessionChange::Logout(close) => Amount::Closed {
            seconds: close.duration_s,
            counted,
        },
    };
    Contribution {
        seq: item.seq,
        day: item.day.clone(),
        amount,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: i64, day: &Day) -> Event<'static> {
        Event {
            seq,
            cost: 100,
            document: Some(bson::oid::ObjectId::new()),
            elements: b"",
            day: day.clone(),
            time_ms: 0,
            counted: Some((Counter::CreditsEarned, seq as f64)),
            price: None,
            webhook: None,
            session: None,
            key: None,
        }
    }

    #[test]
    fn the_share_of_a_record_is_of_its_own_day_also_in_halves() {
        let days = [Day::of(0), Day::of(crate::record::day::DAY_MS)];
        let day_of = |seq: i64| &days[usize::from(seq % 3 == 0)];
        let mut whole = EventBatch::default();
        for seq in 0..9 {
            whole.add(event(seq, day_of(seq)));
        }
        let (first, second) = whole.halves();
        let shares = |batch: &EventBatch| -> Vec<Contribution> {
            let places = 0..batch.records.len();
            places.filter_map(|place| batch.share(place)).collect()
        };
        let expected = (0..9).map(|seq| Contribution {
            seq,
            day: day_of(seq).clone(),
            amount: Amount::Counted(Counter::CreditsEarned, seq as f64),
        });
        assert_eq!(shares(&whole), expected.collect::<Vec<_>>());
        assert_eq!([shares(&first), shares(&second)].concat(), shares(&whole));
    }
}
