//! Codec of records: the body of a frame holds a record with all that was decided about it when it was
//! handed over. Version 1, little endian.
//!
//! | offset | type | meaning |
//! |---|---|---|
//! | 0 | u8 | kind: 1 event, 2 login, 3 logout |
//! | 1 | u8 | flags of an event: 1 it has a document, 2 a webhook body follows the elements |
//! | 2 | u8 | counter index of an event, 0 for none |
//! | 3 | u8 | 0 |
//! | 4 | i64 | the system clock at the hand-over, ms since 1970 |
//! | 12 | i64 | the host's clock at the call, ms since 1970 |
//! | 20 | f64 | event: the amount; logout: the duration in seconds |
//! | 28 | 12 bytes | `_id` of the event or the session |
//! | 40 | 10 bytes | the day it counts on, `YYYY-MM-DD` |
//! | 50 | u32 | length of the elements in bytes |
//! | 54 | … | BSON elements of an event or a login, see [`crate::record`] |
//! | … | … | webhook body, UTF-8, to the end |

use bson::oid::ObjectId;

use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::frame::user_of;
use crate::record::item::{
    Close, Event, Item, RECORD_OVERHEAD, SessionChange, SessionItem, Webhook,
};

const FIXED: usize = 54;
/// Of an event that only counts.
const NO_ID: ObjectId = ObjectId::from_bytes([0; 12]);
const DOCUMENT: u8 = 1;
const WEBHOOK: u8 = 2;

struct Fixed<'a> {
    kind: u8,
    flags: u8,
    counter: u8,
    time_ms: i64,
    number: f64,
    id: ObjectId,
    day: &'a Day,
}

/// Writes a record that is to be written to the database.
pub fn write(body: &mut Vec<u8>, item: &Item<'_>, handed_over_ms: i64) {
    let (fixed, elements, webhook): (Fixed<'_>, &[u8], &[u8]) = match item {
        Item::Event(event) => (
            Fixed {
                kind: 1,
                flags: flags_of(event),
                counter: event.counted.map_or(0, |(counter, _)| counter.index()),
                time_ms: event.time_ms,
                number: event.counted.map_or(0.0, |(_, amount)| amount),
                id: event
                    .webhook
                    .map(|webhook| webhook.id)
                    .or(event.document)
                    .unwrap_or(NO_ID),
                day: &event.day,
            },
            event.elements,
            event.webhook.map_or(&[], |webhook| webhook.body),
        ),
        Item::Session(item) => match &item.change {
            SessionChange::Login {
                id,
                login_ms,
                elements,
                ..
            } => (
                Fixed::of_session(2, *id, *login_ms, 0.0, &item.day),
                elements,
                &[],
            ),
            SessionChange::Logout(close) => {
                let (at, duration) = (close.logout_ms, close.duration_s);
                let fixed = Fixed::of_session(3, close.session, at, duration, &item.day);
                (fixed, &[], &[])
            }
        },
        Item::Nothing { .. } => return,
    };
    body.extend([fixed.kind, fixed.flags, fixed.counter, 0]);
    body.extend(handed_over_ms.to_le_bytes());
    body.extend(fixed.time_ms.to_le_bytes());
    body.extend(fixed.number.to_le_bytes());
    body.extend(fixed.id.bytes());
    body.extend(fixed.day.as_str().as_bytes());
    body.extend((elements.len() as u32).to_le_bytes());
    body.extend(elements);
    body.extend(webhook);
}

fn flags_of(event: &Event<'_>) -> u8 {
    let document = if event.document.is_some() {
        DOCUMENT
    } else {
        0
    };
    let webhook = if event.webhook.is_some() { WEBHOOK } else { 0 };
    document | webhook
}

impl<'a> Fixed<'a> {
    fn of_session(kind: u8, id: ObjectId, time_ms: i64, number: f64, day: &'a Day) -> Self {
        Fixed {
            kind,
            flags: DOCUMENT,
            counter: 0,
            time_ms,
            number,
            id,
            day,
        }
    }
}

/// A record that was read back.
pub struct Spooled<'a> {
    pub item: Item<'a>,
    /// The system clock at the hand-over, ms since 1970.
    pub handed_over_ms: i64,
}

/// Reads a body; `None` for one that no version has written.
pub fn read(seq: i64, body: &[u8]) -> Option<Spooled<'_>> {
    let elements_length = u32::from_le_bytes(array(body, 50)?) as usize;
    let elements_end = FIXED.checked_add(elements_length)?;
    let elements = body.get(FIXED..elements_end)?;
    let time_ms = i64::from_le_bytes(array(body, 12)?);
    let number = f64::from_le_bytes(array(body, 20)?);
    let id = ObjectId::from_bytes(array(body, 28)?);
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
        1 => Item::Event(Event {
            seq,
            cost,
            document: (body[1] & DOCUMENT != 0).then_some(id),
            elements,
            day,
            time_ms,
            counted: Counter::from_index(body[2]).map(|counter| (counter, number)),
            webhook: (body[1] & WEBHOOK != 0).then_some(Webhook {
                id,
                body: &body[elements_end..],
            }),
        }),
        2 => Item::Session(session(SessionChange::Login {
            id,
            user: user_of(elements)?.into(),
            login_ms: time_ms,
            elements: elements.into(),
            is_late: false,
        })),
        3 => Item::Session(session(SessionChange::Logout(Close {
            session: id,
            logout_ms: time_ms,
            duration_s: number,
        }))),
        _ => return None,
    };
    Some(Spooled {
        item,
        handed_over_ms: i64::from_le_bytes(array(body, 4)?),
    })
}

/// The day a body counts on.
pub fn day(body: &[u8]) -> Option<Day> {
    Day::named(std::str::from_utf8(body.get(40..50)?).ok()?)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::util::proptest_config::config;

    fn written(item: &Item<'_>) -> Vec<u8> {
        let mut body = Vec::new();
        write(&mut body, item, 77);
        body
    }

    fn event(elements: &[u8]) -> Item<'_> {
        Item::Event(Event {
            seq: 5,
            cost: 0,
            document: Some(ObjectId::from_bytes([3; 12])),
            elements,
            day: Day::of(0),
            time_ms: 12,
            counted: Some((Counter::CreditsEarned, -2.5)),
            webhook: None,
        })
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let body = written(&event(b"elements"));
        let spooled = read(5, &body).expect("readable");
        assert_eq!(spooled.handed_over_ms, 77);
        let Item::Event(event) = spooled.item else {
            panic!("an event");
        };
        assert_eq!((event.seq, event.elements), (5, &b"elements"[..]));
        assert_eq!(event.document, Some(ObjectId::from_bytes([3; 12])));
        assert_eq!(event.counted, Some((Counter::CreditsEarned, -2.5)));
        assert_eq!((event.day.as_str(), event.time_ms), ("1970-01-01", 12));
        assert_eq!(event.webhook, None);

        let close = Close {
            session: ObjectId::from_bytes([4; 12]),
            logout_ms: 99,
            duration_s: -0.0,
        };
        let logout = Item::Session(SessionItem {
            seq: 6,
            cost: 0,
            ack: 9,
            day: Day::of(0),
            change: SessionChange::Logout(close.clone()),
        });
        let body = written(&logout);
        let Item::Session(item) = read(6, &body).expect("readable").item else {
            panic!("a logout");
        };
        assert_eq!((item.seq, item.ack), (6, 0), "nobody waits for it any more");
        assert!(matches!(item.change, SessionChange::Logout(read) if read == close));
    }

    #[test]
    fn an_event_keeps_what_is_forwarded_of_it_under_its_id() {
        let webhook = Some(Webhook {
            id: ObjectId::from_bytes([3; 12]),
            body: b"{}",
        });
        for document in [webhook.map(|webhook| webhook.id), None] {
            let Item::Event(mut written_event) = event(b"elements") else {
                panic!("an event");
            };
            (written_event.document, written_event.webhook) = (document, webhook);
            let body = written(&Item::Event(written_event));
            let Some(Spooled {
                item: Item::Event(event),
                ..
            }) = read(5, &body)
            else {
                panic!("an event");
            };
            assert_eq!((event.document, event.webhook), (document, webhook));
            assert_eq!(event.elements, b"elements");
        }
    }

    #[test]
    fn a_body_cut_at_any_byte_is_not_read() {
        let body = written(&event(b"elements"));
        for cut in 0..body.len() {
            assert!(read(1, &body[..cut]).is_none(), "cut at {cut}");
        }
    }

    proptest! {
        #![proptest_config(config(2_000))]

        #[test]
        fn arbitrary_bodies_never_panic_and_what_is_read_is_written_the_same(
            kind in 0..5_u8,
            bytes in vec(any::<u8>(), 0..120),
            day in "[0-9]{4}-[0-9]{2}-[0-9]{2}",
            length in proptest::option::of(0..80_u32),
        ) {
            let mut body = [vec![kind], bytes].concat();
            // Else hardly any has the length that it says, and a day.
            if let (Some(length), true) = (length, body.len() >= FIXED) {
                body[40..50].copy_from_slice(day.as_bytes());
                body[50..54].copy_from_slice(&length.to_le_bytes());
            }
            let Some(spooled) = read(9, &body) else {
                return Ok(());
            };
            let mut again = Vec::new();
            write(&mut again, &spooled.item, spooled.handed_over_ms);
            let Some(twice) = read(9, &again) else {
                panic!("what is written is read");
            };
            let mut third = Vec::new();
            write(&mut third, &twice.item, twice.handed_over_ms);
            prop_assert_eq!(again, third);
        }
    }
}
