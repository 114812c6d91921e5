//! Ingest: frames become items. Each record gets its number, its `_id`, its day and its share of the totals
//! here, and keeps them through every retry.

mod acknowledgements;
mod active_sessions;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use bson::oid::ObjectId;
use tokio::time::Instant;

use crate::instance::shared::Shared;
use crate::pipeline::messages;
use crate::record::day::Day;
use crate::record::elements::{key_of, names_of};
use crate::record::frame::{Frames, Kind, Record, frames_cost};
use crate::record::item::{
    Close, Event, Item, Keyed, RECORD_OVERHEAD, SessionChange, SessionItem, Webhook,
};
use crate::record::key::document_id;
use crate::util::panics::catch;
pub use acknowledgements::Acknowledgements;
use active_sessions::{ActiveSessions, Session};

pub struct Ingest {
    shared: Arc<Shared>,
    active: ActiveSessions,
    /// The number of the newest record.
    last_seq: i64,
    /// The newest day that was asked for, by its number since 1970.
    today: (i64, Day),
}

impl Ingest {
    /// Numbers records from this one on.
    pub fn new(shared: &Arc<Shared>, first_seq: i64) -> Self {
        Self {
            shared: Arc::clone(shared),
            active: ActiveSessions::default(),
            last_seq: first_seq - 1,
            today: (0, Day::of(0)),
        }
    }

    /// The sessions whose players are logged in, each with its day.
    pub fn connected(&self) -> Vec<(ObjectId, Day)> {
        let all = self.active.all();
        all.map(|one| (one.id, one.day.clone())).collect()
    }

    /// The number of the newest record.
    pub fn last_seq(&self) -> i64 {
        self.last_seq
    }

    /// Passes the items of frames on, in their order.
    pub fn take_frames<'a>(
        &mut self,
        bytes: &'a [u8],
        records: u32,
        acks: &mut Acknowledgements,
        mut pass_on: impl FnMut(Item<'a>),
    ) {
        let now = Instant::now();
        let mut unneeded = Vec::new();
        let (mut taken, mut cost) = (0, 0);
        let mut frames = Frames::new(bytes).flatten();
        let mut current = None;
        // A defect that one record meets costs no other: the next step goes on behind it.
        loop {
            let passed = catch(|| {
                for record in frames.by_ref() {
                    current = record.ack();
                    let item = self.take(&record);
                    let item_cost = item.cost();
                    match &item {
                        Item::Event(_) => {}
                        Item::Session(session) => acks.expect(session.ack, now),
                        Item::Nothing { ack, cost } => {
                            unneeded.extend((*ack != 0).then_some(*ack));
                            self.shared.memory.release(*cost);
                            self.account_for_nothing(&record);
                        }
                    }
                    pass_on(item);
                    (taken, cost) = (taken + 1, cost + item_cost);
                }
            });
            if passed.is_ok() {
                break;
            }
            unneeded.extend(current.take());
        }
        // A frame that cannot be read ends its hand-over; only a defect of this package makes one.
        self.shared
            .memory
            .release(frames_cost(bytes.len(), records).saturating_sub(cost));
        self.shared
            .health
            .drop_records("internal", u64::from(records.saturating_sub(taken)));
        self.shared
            .active_sessions
            .store(self.active.len(), Ordering::Release);
        acks.resolve(unneeded);
    }

    fn take<'a>(&mut self, record: &Record<'a>) -> Item<'a> {
        let cost = record.frame_length + RECORD_OVERHEAD;
        let day = self.day_of(record.time_ms);
        match record.kind {
            Kind::Event {
                stored,
                counted,
                price,
                webhook,
            } => {
                let seq = self.next_seq();
                let counters = &self.shared.config.counters;
                let counted =
                    counted.and_then(|(index, amount)| Some((counters.at(index)?, amount)));
                let is_named = stored || webhook.is_some();
                let own_id = is_named.then(|| self.event_id(record));
                let keyed = key_of(record.elements).filter(|_| stored);
                let id = keyed.map(|(event, key)| document_id(event, key)).or(own_id);
                let key = keyed.zip(own_id).map(|((event, key), delivery)| Keyed {
                    event,
                    key,
                    delivery,
                });
                let session = webhook.and_then(|_| self.open_session(record));
                Item::Event(Event {
                    seq,
                    cost,
                    document: id.filter(|_| stored),
                    elements: record.elements,
                    day,
                    time_ms: record.time_ms,
                    counted,
                    price: price.filter(|_| stored),
                    webhook: webhook.zip(id).map(|(body, id)| Webhook { id, body }),
                    session,
                    key,
                })
            }
            Kind::Malformed { ack } => Item::Nothing { ack, cost },
            Kind::Login { user, ack } => self.login(user, ack, cost, day, record),
            Kind::Logout { user, ack } => match self.active.logout(user, record.time_ms) {
                None => Item::Nothing { ack, cost },
                Some((day, close)) => self.logout(user, ack, cost, day, close),
            },
        }
    }

    /// Counts a record that makes no item: it is done, or lost.
    fn account_for_nothing(&self, record: &Record<'_>) {
        if !matches!(record.kind, Kind::Malformed { .. }) {
            return self.shared.health.complete(1);
        }
        self.shared.health.drop_records("malformed", 1);
        let log = &self.shared.log;
        log.warn_once("malformed", || messages::MALFORMED.to_owned());
    }

    fn login<'a>(
        &mut self,
        user: &str,
        ack: u32,
        cost: usize,
        day: Day,
        record: &Record<'_>,
    ) -> Item<'a> {
        let id = new_id(record.time_ms, self.shared.incarnation.get().bytes());
        let session = Session {
            id,
            login_ms: record.time_ms,
            day: day.clone(),
        };
        self.active.login(user, session);
        Item::Session(SessionItem {
            seq: self.next_seq(),
            cost,
            ack,
            day,
            change: SessionChange::Login {
                id,
                user: user.into(),
                login_ms: record.time_ms,
                elements: record.elements.into(),
                is_late: false,
            },
        })
    }

    fn logout<'a>(
        &mut self,
        user: &str,
        ack: u32,
        cost: usize,
        day: Day,
        mut close: Close,
    ) -> Item<'a> {
        close.user = self.shared.config.forwards_sessions().then(|| user.into());
        Item::Session(SessionItem {
            seq: self.next_seq(),
            cost,
            ack,
            day,
            change: SessionChange::Logout(close),
        })
    }

    /// That of the user of an event, where a destination wants to know.
    fn open_session(&self, record: &Record<'_>) -> Option<ObjectId> {
        if !self.shared.config.forwards_sessions() {
            return None;
        }
        self.active.of(names_of(record.elements).0?)
    }

    /// An id repeats after 16 million in one second, which many events may name as theirs.
    fn event_id(&self, record: &Record<'_>) -> ObjectId {
        let time_ms = match record.is_of_call {
            true => record.time_ms,
            false => self.shared.context.clock.now_ms(),
        };
        new_id(time_ms, *process())
    }

    fn next_seq(&mut self) -> i64 {
        self.last_seq += 1;
        self.last_seq
    }

    fn day_of(&mut self, time_ms: i64) -> Day {
        let number = time_ms.div_euclid(86_400_000);
        if self.today.0 != number {
            self.today = (number, Day::of(time_ms));
        }
        self.today.1.clone()
    }
}

/// The five bytes of this process in the ids of its events, as its own driver makes them.
fn process() -> &'static [u8; 5] {
    static PROCESS: OnceLock<[u8; 5]> = OnceLock::new();
    PROCESS.get_or_init(|| {
        let [_, _, _, _, process @ .., _, _, _] = ObjectId::new().bytes();
        process
    })
}

/// An ObjectId whose time is the host's clock, of this process or this incarnation.
fn new_id(time_ms: i64, maker: [u8; 5]) -> ObjectId {
    static COUNTER: OnceLock<AtomicU32> = OnceLock::new();
    let counter = COUNTER.get_or_init(|| {
        let [.., first, second, third] = ObjectId::new().bytes();
        // Below the half: the first eight million keep their order within a second.
        AtomicU32::new(u32::from_be_bytes([0, first & 0x7f, second, third]))
    });
    let count = counter.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&(time_ms.div_euclid(1000) as u32).to_be_bytes());
    bytes[4..9].copy_from_slice(&maker);
    bytes[9..].copy_from_slice(&count.to_be_bytes()[1..]);
    ObjectId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_the_hosts_time_and_are_unique() {
        let maker = [1, 2, 3, 4, 5];
        let [a, b] = [0, 1].map(|_| new_id(1_795_392_000_999, maker));
        assert!(a < b);
        assert_eq!(a.bytes()[4..9], maker);
        assert_eq!(a.timestamp().timestamp_millis(), 1_795_392_000_000);
    }
}
