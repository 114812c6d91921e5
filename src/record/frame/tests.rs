//! Tests of frames.

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
            price: None,
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
fn a_price_stands_between_the_elements_and_the_webhook_body() {
    let price = Price::read(b"\0\0\0\0\0\0\x59\xc0EUR").expect("a price");
    let mut bytes = testing::priced(testing::event("u", None, 1), price);
    bytes[5] |= WEBHOOK;
    bytes.extend(b"{}");
    bytes[0] += 2;
    let records: Vec<_> = Frames::new(&bytes).flatten().collect();
    assert_eq!(
        records[0].kind,
        Kind::Event {
            stored: true,
            counted: None,
            price: Some(price),
            webhook: Some(b"{}"),
        }
    );
    let bare = testing::priced(testing::event("u", None, 1), price);
    let mut cut = bare[..bare.len() - 1].to_vec();
    cut[0] -= 1;
    assert_eq!(Frames::new(&cut).next(), Some(Err(Malformed)));
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
            price: None,
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
        Kind::Event { .. } | Kind::Malformed { .. } => false,
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
