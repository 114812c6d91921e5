//! Frames, which JavaScript hands over, and the records they hold.
//!
//! A frame carries ready BSON elements, so that a payload is encoded once, on the JavaScript side,
//! and spliced into its document here as it is, once it is known to be well-formed. Layout, little endian:
//!
//! | offset | type | meaning |
//! |---|---|---|
//! | 0 | u32 | length of the frame in bytes, itself included |
//! | 4 | u8 | kind: 1 event, 2 login, 3 logout |
//! | 5 | u8 | flags: 1 store the document, 2 a webhook body follows, 4 the time is not the call's, 8 a price follows |
//! | 6 | u8 | what it counts, by its index in the counters of the instance; 0 for nothing |
//! | 7 | u8 | 0 |
//! | 8 | f64 | the JavaScript clock at the call, or the moment that the host names; ms since 1970 |
//! | 16 | f64 | event: the amount to count; login and logout: the number of its promise, 0 for none |
//! | 24 | u32 | length of the elements in bytes |
//! | 28 | … | BSON elements: event `userId, event, dedupeKey, data`; login `userId, username`; logout `userId` |
//! | … | 11 bytes | price of a purchase, see [`super::purchase`] |
//! | … | … | webhook body, UTF-8, to the end of the frame |

use super::elements::user_of;
use super::item::RECORD_OVERHEAD;
use super::purchase::Price;
use super::well_formed::are_elements;
use crate::util::bytes::{f64_at, u32_at};

const EVENT: u8 = 1;
const HEADER: usize = 28;
/// JavaScript's clock goes no further, in ms from 1970.
const LATEST_MS: i64 = 8_640_000_000_000_000;
const STORE: u8 = 1;
const WEBHOOK: u8 = 2;
const DATED: u8 = 4;
const PRICED: u8 = 8;

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
        /// Of a purchase.
        price: Option<Price>,
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
        self.rest = rest;
        decode(frame).ok_or(Malformed)
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
        EVENT if are_elements(elements) => {
            let rest = &frame[elements_end..];
            let (price, body) = match flags & PRICED {
                0 => (None, rest),
                _ => (Some(Price::read(rest)?), &rest[Price::BYTES..]),
            };
            Kind::Event {
                stored: flags & STORE != 0,
                counted: (frame[6] != 0).then_some((frame[6], number)),
                price,
                webhook: (flags & WEBHOOK != 0).then_some(body),
            }
        }
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
    pub use crate::record::elements::user_element;

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

    /// The frame of an event with a body for destinations.
    pub fn with_body(mut event: Vec<u8>, body: &str) -> Vec<u8> {
        event.extend(body.as_bytes());
        let length = event.len() as u32;
        event[..4].copy_from_slice(&length.to_le_bytes());
        event[5] |= WEBHOOK;
        event
    }

    /// The frame of an event as that of a purchase.
    pub fn priced(mut frame: Vec<u8>, price: Price) -> Vec<u8> {
        let length = (frame.len() + Price::BYTES) as u32;
        frame[..4].copy_from_slice(&length.to_le_bytes());
        frame[5] |= PRICED;
        frame.extend(price.to_bytes());
        frame
    }

    pub fn login(user: &str, ack: u32, time_ms: i64) -> Vec<u8> {
        frame(2, STORE, 0, time_ms, ack.into(), &user_element(user))
    }

    pub fn logout(user: &str, ack: u32, time_ms: i64) -> Vec<u8> {
        frame(3, STORE, 0, time_ms, ack.into(), &user_element(user))
    }
}

#[cfg(test)]
mod tests;
