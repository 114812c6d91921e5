//! Frames, which JavaScript hands over, and the records they hold.
//!
//! A frame carries ready BSON elements, so that a payload is encoded once, on the JavaScript side,
//! and spliced into its document here as it is, once it is known to be well-formed. Layout, little endian:
//!
//! | offset | type | meaning |
//! |---|---|---|
//! | 0 | u32 | length of the frame in bytes, itself included |
//! | 4 | u8 | kind: 1 event, 2 login, 3 logout |
//! | 5 | u8 | flags: 1 store the document, 2 a webhook body follows the elements, 4 the time is not that of the call |
//! | 6 | u8 | what it counts, by its index in the counters of the instance; 0 for nothing |
//! | 7 | u8 | 0 |
//! | 8 | f64 | the JavaScript clock at the call, or the moment that the host names; ms since 1970 |
//! | 16 | f64 | event: the amount to count; login and logout: the number of its promise, 0 for none |
//! | 24 | u32 | length of the elements in bytes |
//! | 28 | … | BSON elements: event `userId, event, data`; login `userId, username`; logout `userId` |
//! | … | … | webhook body, UTF-8, to the end of the frame |

use super::elements::user_of;
use super::item::RECORD_OVERHEAD;
use super::well_formed::are_elements;
use crate::util::bytes::{f64_at, u32_at};

const EVENT: u8 = 1;
const HEADER: usize = 28;
/// JavaScript's clock goes no further, in ms from 1970.
const LATEST_MS: i64 = 8_640_000_000_000_000;
const STORE: u8 = 1;
const WEBHOOK: u8 = 2;
const DATED: u8 = 4;

/// One call of `track`, `onLogin` or `onLogout`, as it was handed over.
#[derive(Debug, PartialEq)]
pub struct Record<'a> {
    /// The JavaScript clock at the call, or the moment that the host names; ms since 1970.
    pub time_ms: i64,
    /// Whether the time is that of the call.
    pub is_of_call: bool,
    /// Ready BSON elements of the document, without `_id` and what depends on the time.
    pub elements: &'a [u8],
    /// Bytes of the whole frame.
    pub frame_length: usize,
    pub kind: Kind<'a>,
}

#[derive(Debug, PartialEq)]
pub enum Kind<'a> {
    Event {
        /// False when an id could not be cast: the event counts, but has no document.
        stored: bool,
        /// The index of the counter, and the amount.
        counted: Option<(u8, f64)>,
        webhook: Option<&'a [u8]>,
    },
    Login {
        user: &'a str,
        ack: u32,
    },
    Logout {
        user: &'a str,
        ack: u32,
    },
    /// The elements cannot be stored: they are no BSON, or name no user.
    Malformed {
        ack: u32,
    },
}

impl Record<'_> {
    /// The number of the promise that waits for this record.
    pub fn ack(&self) -> Option<u32> {
        match self.kind {
            Kind::Login { ack, .. } | Kind::Logout { ack, .. } | Kind::Malformed { ack }
                if ack != 0 =>
            {
                Some(ack)
            }
            _ => None,
        }
    }
}

/// The frames of one hand-over, in call order. A malformed frame ends the iteration with `Err`.
pub struct Frames<'a> {
    rest: &'a [u8],
}

/// The bytes after a frame that cannot be read; only a defect of this package produces one.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

impl<'a> Frames<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self) -> Result<Record<'a>, Malformed> {
        let length = u32_at(self.rest, 0).ok_or(Malformed)? as usize;
        if length < HEADER || length > self.rest.len() {
            return Err(Malformed);
        }
        let (frame, rest) = self.rest.split_at(length);
        let record = decode(frame).ok_or(Malformed)?;
        self.rest = rest;
        Ok(record)
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Record<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.take();
        if record.is_err() {
            self.rest = &[];
        }
        Some(record)
    }
}

/// Memory that records take while they are queued.
pub fn frames_cost(bytes: usize, records: u32) -> usize {
    bytes + records as usize * RECORD_OVERHEAD
}

/// Whole frames that are taken, and those that are not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    pub taken: Vec<u8>,
    pub records: u32,
    pub rejected: Vec<u8>,
}

/// Sorts frames into those that fit into `room`, when each takes `overhead` bytes more than its length, and
/// the others. Events leave `reserve` bytes of the room to logins and logouts.
pub fn sort_frames(bytes: &[u8], room: usize, reserve: usize, overhead: usize) -> Sorted {
    let (mut sorted, mut used, mut at) = (Sorted::default(), 0, 0);
    while let Some(length) = u32_at(bytes, at) {
        let end = at + length as usize;
        if end > bytes.len() || (length as usize) < HEADER {
            break;
        }
        let frame = &bytes[at..end];
        let cost = frame.len() + overhead;
        let kept = if frame[4] == EVENT { reserve } else { 0 };
        match used + cost + kept <= room {
            true => {
                sorted.taken.extend(frame);
                (sorted.records, used) = (sorted.records + 1, used + cost);
            }
            false => sorted.rejected.extend(frame),
        }
        at = end;
    }
    sorted
}

fn decode(frame: &[u8]) -> Option<Record<'_>> {
    let flags = frame[5];
    let number = f64_at(frame, 16)?;
    let elements_end = HEADER.checked_add(u32_at(frame, 24)? as usize)?;
    let elements = frame.get(HEADER..elements_end)?;
    let ack = number as u32;
    let user = || user_of(elements).filter(|_| are_elements(elements));
    let kind = match frame[4] {
        EVENT if are_elements(elements) => Kind::Event {
            stored: flags & STORE != 0,
            counted: (frame[6] != 0).then_some((frame[6], number)),
            webhook: (flags & WEBHOOK != 0).then_some(&frame[elements_end..]),
        },
        EVENT => Kind::Malformed { ack: 0 },
        2 => user().map_or(Kind::Malformed { ack }, |user| Kind::Login { user, ack }),
        3 => user().map_or(Kind::Malformed { ack }, |user| Kind::Logout { user, ack }),
        _ => return None,
    };
    Some(Record {
        time_ms: (f64_at(frame, 8)? as i64).clamp(-LATEST_MS, LATEST_MS),
        is_of_call: flags & DATED == 0,
        elements,
        frame_length: frame.len(),
        kind,
    })
}

#[cfg(test)]
pub(crate) mod testing {
    //! Frames as the JavaScript side writes them.

    use super::*;
    use crate::record::counters::Counter;

    pub fn frame(
        kind: u8,
        flags: u8,
        counter: u8,
        time_ms: i64,
        number: f64,
        el: &[u8],
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(((HEADER + el.len()) as u32).to_le_bytes());
        bytes.extend([kind, flags, counter, 0]);
        bytes.extend((time_ms as f64).to_le_bytes());
        bytes.extend(number.to_le_bytes());
        bytes.extend((el.len() as u32).to_le_bytes());
        bytes.extend(el);
        bytes
    }

    pub fn user_element(user: &str) -> Vec<u8> {
        let mut bytes = b"\x02userId\0".to_vec();
        bytes.extend((user.len() as u32 + 1).to_le_bytes());
        bytes.extend(user.as_bytes());
        bytes.push(0);
        bytes
    }

    /// An element that may hold any bytes.
    pub fn binary_element(bytes: &[u8]) -> Vec<u8> {
        let length = (bytes.len() as u32).to_le_bytes();
        [b"\x05data\0", &length[..], b"\0", bytes].concat()
    }

    pub fn event(user: &str, counted: Option<(Counter, f64)>, time_ms: i64) -> Vec<u8> {
        let index = |counter: Counter| counter.index().expect("built in");
        let (index, amount) = counted.map_or((0, 0.0), |(c, amount)| (index(c), amount));
        frame(1, STORE, index, time_ms, amount, &user_element(user))
    }

    pub fn login(user: &str, ack: u32, time_ms: i64) -> Vec<u8> {
        frame(2, STORE, 0, time_ms, ack.into(), &user_element(user))
    }

    pub fn logout(user: &str, ack: u32, time_ms: i64) -> Vec<u8> {
        frame(3, STORE, 0, time_ms, ack.into(), &user_element(user))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::record::counters::Counter;
    use crate::util::proptest_config::config;

    #[test]
    fn frames_come_back_in_call_order_as_they_were_staged() {
        let mut bytes = testing::event("u1", Some((Counter::CreditsEarned, 2.5)), 17);
        bytes.extend(testing::login("u2", 9, 18));
        bytes.extend(testing::logout("u2", 0, 19));
        let records: Result<Vec<_>, _> = Frames::new(&bytes).collect();
        let records = records.expect("well-formed frames");
        assert_eq!(
            records[0].kind,
            Kind::Event {
                stored: true,
                counted: Some((2, 2.5)),
                webhook: None
            }
        );
        assert_eq!(records[1].kind, Kind::Login { user: "u2", ack: 9 });
        assert_eq!(records[2].kind, Kind::Logout { user: "u2", ack: 0 });
        assert_eq!(records[2].time_ms, 19);
    }

    #[test]
    fn a_frame_cut_at_any_byte_is_malformed_and_never_panics() {
        let bytes = testing::login("someone", 1, 5);
        for cut in 1..bytes.len() {
            let outcome: Result<Vec<_>, _> = Frames::new(&bytes[..cut]).collect();
            assert_eq!(outcome.err(), Some(Malformed), "cut at {cut}");
        }
    }

    #[test]
    fn elements_that_are_no_bson_cost_their_own_record() {
        let bad = [testing::user_element("u"), b"\x0bv\0a\0\x02zz\0\0".to_vec()].concat();
        let nobody = b"\x02username\0\x02\0\0\0n\0";
        let bytes = [
            testing::frame(1, STORE, 4, 5, 1.0, &bad),
            testing::frame(2, STORE, 0, 5, 8.0, &bad),
            testing::frame(3, STORE, 0, 5, 9.0, nobody),
            testing::login("someone", 1, 5),
        ]
        .concat();
        let records = Frames::new(&bytes).flatten();
        let kinds: Vec<Kind<'_>> = records.map(|one| one.kind).collect();
        let malformed = |ack| Kind::Malformed { ack };
        let user = "someone";
        let good = Kind::Login { user, ack: 1 };
        assert_eq!(kinds, [malformed(0), malformed(8), malformed(9), good]);
    }

    #[test]
    fn a_frame_with_any_byte_changed_never_panics() {
        let bytes = testing::event("someone", Some((Counter::Dau, 1.0)), 5);
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                Frames::new(&damaged).for_each(drop);
                sort_frames(&damaged, usize::MAX, 0, 1);
            }
        }
    }

    #[test]
    fn frames_that_fit_are_taken_and_the_others_are_rejected_whole() {
        let one = testing::login("a", 1, 5);
        let two = [one.clone(), one.clone()].concat();
        let both = two.len() + 2 * 10;
        let sorted = |room| sort_frames(&two, room, 0, 10);
        assert_eq!(
            (sorted(both).taken.len(), sorted(both).records),
            (two.len(), 2)
        );
        assert_eq!(sorted(both - 1).taken, one);
        assert_eq!(sorted(both - 1).rejected, one);
        assert_eq!(sorted(one.len() + 9).rejected, two);
    }

    #[test]
    fn events_leave_room_for_logins() {
        let event = testing::frame(EVENT, 1, 0, 0, 0.0, &[]);
        let login = testing::login("a", 1, 5);
        let all = [&event[..], &event, &login, &event].concat();
        let room = 2 * event.len() + login.len();
        let sorted = sort_frames(&all, room, login.len() + event.len(), 0);
        assert_eq!(sorted.taken, [&event[..], &login].concat());
        assert_eq!(
            (sorted.records, sorted.rejected.len()),
            (2, 2 * event.len())
        );
    }

    /// A call of the public API.
    #[derive(Debug, Clone)]
    struct Call {
        kind: u8,
        counter: u8,
        is_stored: bool,
        time_ms: i64,
        number: f64,
        user: String,
        rest: Vec<u8>,
        webhook: Option<Vec<u8>>,
    }

    fn calls() -> impl Strategy<Value = Call> {
        let numbers = (1..4_u8, 0..20_u8, any::<bool>(), -LATEST_MS..=LATEST_MS);
        let rest = vec(any::<u8>(), 0..40).prop_map(|bytes| testing::binary_element(&bytes));
        let webhook = proptest::option::of(vec(any::<u8>(), 0..40));
        let values = (any::<f64>(), ".{0,20}", rest, webhook);
        (numbers, values).prop_map(|(numbers, (number, user, rest, webhook))| {
            let (kind, counter, is_stored, time_ms) = numbers;
            let is_event = kind == 1;
            Call {
                kind,
                counter,
                is_stored,
                time_ms,
                // The number of a promise.
                number: if is_event {
                    number
                } else {
                    f64::from(counter) * 1e6
                },
                user,
                rest,
                webhook: webhook.filter(|_| is_event),
            }
        })
    }

    fn frame_of(call: &Call) -> Vec<u8> {
        let has_webhook = call.webhook.is_some();
        let flags = u8::from(call.is_stored) * STORE + u8::from(has_webhook) * WEBHOOK;
        let elements = [testing::user_element(&call.user), call.rest.clone()].concat();
        let mut bytes = testing::frame(
            call.kind,
            flags,
            call.counter,
            call.time_ms,
            call.number,
            &elements,
        );
        bytes.extend(call.webhook.iter().flatten());
        let length = bytes.len() as u32;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes
    }

    fn is_as_called(record: &Record<'_>, call: &Call) -> bool {
        let elements = [testing::user_element(&call.user), call.rest.clone()].concat();
        let (user, ack) = (call.user.as_str(), call.number as u32);
        let is_right = match &record.kind {
            Kind::Event {
                stored,
                counted,
                webhook,
            } => {
                // Equal to the bit, or none at all.
                let same = |(counter, amount): &(u8, f64)| {
                    *counter == call.counter && amount.to_bits() == call.number.to_bits()
                };
                let is_counted = counted.as_ref().map_or(call.counter == 0, same);
                call.kind == 1
                    && *stored == call.is_stored
                    && is_counted
                    && *webhook == call.webhook.as_deref()
            }
            Kind::Login { user: read, ack: a } => call.kind == 2 && (*read, *a) == (user, ack),
            Kind::Logout { user: read, ack: a } => call.kind == 3 && (*read, *a) == (user, ack),
            Kind::Malformed { .. } => false,
        };
        let (time, parts) = (record.time_ms, record.elements);
        is_right && (time, parts) == (call.time_ms, &elements[..])
    }

    proptest! {
        #![proptest_config(config(1_000))]

        #[test]
        fn frames_are_read_as_they_were_written(calls in vec(calls(), 0..20)) {
            let bytes = calls.iter().flat_map(frame_of).collect::<Vec<_>>();
            let records: Result<Vec<_>, _> = Frames::new(&bytes).collect();
            let records = records.expect("well-formed frames");
            prop_assert_eq!(records.len(), calls.len());
            for (record, call) in records.iter().zip(&calls) {
                prop_assert!(is_as_called(record, call), "{:?}", record);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_no_record_is_longer_than_they_are(
            start in vec(calls(), 0..3),
            bytes in vec(any::<u8>(), 0..200),
            room in any::<u16>(),
            overhead in any::<u8>(),
        ) {
            let bytes = [start.iter().flat_map(frame_of).collect(), bytes].concat();
            let records = Frames::new(&bytes).flatten();
            let length: usize = records.map(|record| record.frame_length).sum();
            prop_assert!(length <= bytes.len());
            let (room, overhead) = (usize::from(room), usize::from(overhead));
            let sorted = sort_frames(&bytes, room, 0, overhead);
            prop_assert!(sorted.taken.len() + sorted.records as usize * overhead <= room);
            prop_assert!(sorted.taken.len() + sorted.rejected.len() <= bytes.len());
        }
    }
}
