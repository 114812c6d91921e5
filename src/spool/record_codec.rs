//! Codec of records: the body of a frame holds a record with the decisions that were made at its hand-over. Little
//! endian.
//!
//! | offset | type | meaning |
//! |---|---|---|
//! | 0 | u8 | kind: 1 event, 2 login, 3 logout |
//! | 1 | u8 | flags of an event: 1 it has a document, 2 a webhook body follows, 4 it has a price |
//! | 2 | u8 | counter index of an event, 0 for none, 255 for one of the host's own, which is named |
//! | 3 | u8 | length of that counter's field in bytes, else 0 |
//! | 4 | i64 | the system clock at the hand-over, ms since 1970 |
//! | 12 | i64 | the host's clock at the call, ms since 1970 |
//! | 20 | f64 | event: the amount; logout: the duration in seconds |
//! | 28 | 12 bytes | `_id` of the event or the session; of an event with a dedupe key, the id of the delivery |
//! | 40 | 10 bytes | the day it counts on, `YYYY-MM-DD` |
//! | 50 | u32 | length of the elements in bytes |
//! | 54 | … | BSON elements of an event or a login, see [`crate::record`] |
//! | … | … | field of a counter of the host's own, so that it is read right under other counters |
//! | … | 11 bytes | price of a purchase, see [`crate::record::purchase`] |
//! | … | … | webhook body, UTF-8, to the end |
//!
//! A record with such a field, with a dedupe key or with a price needs [`Version::Second`].

#[cfg(test)]
mod tests;

use bson::oid::ObjectId;

use super::segment_format::Version;
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::elements::{key_of, user_element, user_of};
use crate::record::item::{
    Close, Event, Item, Keyed, RECORD_OVERHEAD, SessionChange, SessionItem, Webhook,
};
use crate::record::key::document_id;
use crate::record::purchase::Price;
use crate::util::bytes::{array_at, f64_at, i64_at, u32_at};

const FIXED: usize = 54;
/// Of an event that only counts.
const NO_ID: ObjectId = ObjectId::from_bytes([0; 12]);
const DOCUMENT: u8 = 1;
const WEBHOOK: u8 = 2;
const PRICED: u8 = 4;
/// In place of the index of a built-in counter.
const OWN_COUNTER: u8 = 255;

/// The version that a record needs.
pub fn version(item: &Item<'_>) -> Version {
    match item {
        Item::Event(Event {
            counted: Some((Counter::Own(_), _)),
            ..
        })
        | Item::Event(Event { key: Some(_), .. })
        | Item::Event(Event { price: Some(_), .. }) => Version::Second,
        _ => Version::First,
    }
}

/// Writes a record that is to be written to the database.
pub fn write(body: &mut Vec<u8>, item: &Item<'_>, handed_over_ms: i64) {
    let session = |kind| [kind, DOCUMENT, 0, 0];
    match item {
        Item::Event(event) => {
            let (counter, amount) = event.counted.unzip();
            let flags = u8::from(event.document.is_some()) * DOCUMENT
                + u8::from(event.webhook.is_some()) * WEBHOOK
                + u8::from(event.price.is_some()) * PRICED;
            let (index, field) = counter.map_or((0, ""), place_of);
            let kind = [1, flags, index, field.len() as u8];
            let times = [handed_over_ms, event.time_ms];
            let delivery = event.key.map(|keyed| keyed.delivery);
            let webhook = event.webhook.map(|webhook| webhook.id);
            let id = delivery.or(webhook).or(event.document);
            let (number, id) = (amount.unwrap_or(0.0), id.unwrap_or(NO_ID));
            put(body, kind, times, number, id, &event.day, event.elements);
            body.extend(field.as_bytes());
            body.extend(event.price.into_iter().flat_map(Price::to_bytes));
            body.extend(event.webhook.map_or(&[][..], |webhook| webhook.body));
        }
        Item::Session(SessionItem { change, day, .. }) => match change {
            SessionChange::Login {
                id,
                login_ms,
                elements,
                ..
            } => {
                let times = [handed_over_ms, *login_ms];
                put(body, session(2), times, 0.0, *id, day, elements);
            }
            SessionChange::Logout(close) => {
                let times = [handed_over_ms, close.logout_ms];
                let (number, id) = (close.duration_s, close.session);
                let user = close.user.as_deref().map(user_element);
                let elements = user.unwrap_or_default();
                put(body, session(3), times, number, id, day, &elements);
            }
        },
        Item::Nothing { .. } => {}
    }
}

/// What a record says of the counter: the index of a built-in one, or the field of one of the host's own.
fn place_of(counter: Counter) -> (u8, &'static str) {
    let own = (OWN_COUNTER, counter.field());
    counter.index().map_or(own, |index| (index, ""))
}

/// The fields of every record, in their order.
fn put(
    body: &mut Vec<u8>,
    kind: [u8; 4],
    times_ms: [i64; 2],
    number: f64,
    id: ObjectId,
    day: &Day,
    elements: &[u8],
) {
    body.extend(kind);
    body.extend(times_ms.map(i64::to_le_bytes).as_flattened());
    body.extend(number.to_le_bytes());
    body.extend(id.bytes());
    body.extend(day.as_str().as_bytes());
    body.extend((elements.len() as u32).to_le_bytes());
    body.extend(elements);
}

/// A record that was read back.
pub struct Spooled<'a> {
    pub item: Item<'a>,
    /// The system clock at the hand-over, ms since 1970.
    pub handed_over_ms: i64,
}

/// Reads a body; `None` for one that no version has written.
pub fn read(seq: i64, body: &[u8]) -> Option<Spooled<'_>> {
    let elements_length = u32_at(body, 50)? as usize;
    let elements_end = FIXED.checked_add(elements_length)?;
    let elements = body.get(FIXED..elements_end)?;
    let time_ms = i64_at(body, 12)?;
    let number = f64_at(body, 20)?;
    let id = ObjectId::from_bytes(array_at(body, 28)?);
    let day = day(body)?;
    let cost = body.len() + RECORD_OVERHEAD;
    let session = |change| SessionItem {
        seq,
        cost,
        ack: 0,
        day: day.clone(),
        change,
    };
    let item = match body[0] {
        1 => {
            let (counter, rest) = counter(body, elements_end)?;
            let (price, rest) = price(body[1], rest)?;
            let keyed = key_of(elements);
            let document = keyed.map_or(id, |(event, key)| document_id(event, key));
            Item::Event(Event {
                seq,
                cost,
                document: (body[1] & DOCUMENT != 0).then_some(document),
                elements,
                day,
                time_ms,
                counted: counter.map(|counter| (counter, number)),
                price,
                webhook: (body[1] & WEBHOOK != 0).then_some(Webhook {
                    id: document,
                    body: rest,
                }),
                session: None,
                key: keyed.map(|(event, key)| Keyed {
                    event,
                    key,
                    delivery: id,
                }),
            })
        }
        2 => Item::Session(session(SessionChange::Login {
            id,
            user: user_of(elements)?.into(),
            login_ms: time_ms,
            elements: elements.into(),
            is_late: false,
        })),
        3 => Item::Session(session(SessionChange::Logout(Close {
            session: id,
            user: user_of(elements).map(Into::into),
            logout_ms: time_ms,
            duration_s: number,
            estimate_ms: None,
        }))),
        _ => return None,
    };
    Some(Spooled {
        item,
        handed_over_ms: i64_at(body, 4)?,
    })
}

/// The counter of an event, and what follows it, which is behind the elements.
fn counter(body: &[u8], elements_end: usize) -> Option<(Option<Counter>, &[u8])> {
    let rest = &body[elements_end..];
    if body[2] != OWN_COUNTER {
        return Some((Counter::from_index(body[2]), rest));
    }
    let (field, rest) = rest.split_at_checked(usize::from(body[3]))?;
    let counter = Counter::named(std::str::from_utf8(field).ok()?)?;
    Some((Some(counter), rest))
}

/// The price of an event with these flags, and what follows it.
fn price(flags: u8, rest: &[u8]) -> Option<(Option<Price>, &[u8])> {
    if flags & PRICED == 0 {
        return Some((None, rest));
    }
    Some((Some(Price::read(rest)?), &rest[Price::BYTES..]))
}

/// The day a body counts on.
pub fn day(body: &[u8]) -> Option<Day> {
    Day::named(std::str::from_utf8(body.get(40..50)?).ok()?)
}
