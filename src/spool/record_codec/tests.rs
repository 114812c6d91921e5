//! What is written is read as it was.

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
        price: None,
        webhook: None,
        session: None,
        key: None,
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

    for user in [None, Some("ann".into())] {
        let close = Close {
            session: ObjectId::from_bytes([4; 12]),
            user,
            logout_ms: 99,
            duration_s: -0.0,
            estimate_ms: None,
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
        assert_eq!((item.seq, item.ack), (6, 0), "its promise is gone");
        assert!(matches!(item.change, SessionChange::Logout(read) if read == close));
    }
}

#[test]
fn an_event_keeps_its_webhook_body_and_id() {
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
fn a_counter_of_the_hosts_own_is_kept_by_its_name() {
    let Item::Event(mut of_own) = event(b"elements") else {
        panic!("an event");
    };
    let own = Counter::named("bossKills").expect("a name");
    of_own.counted = Some((own, 3.5));
    let (id, body) = (ObjectId::from_bytes([3; 12]), &b"{}"[..]);
    of_own.webhook = Some(Webhook { id, body });
    let item = Item::Event(of_own);
    assert_eq!(version(&item), Version::Second);
    let body = written(&item);
    assert!(body.ends_with(b"elementsbossKills{}"));
    let Some(Item::Event(event)) = read(5, &body).map(|one| one.item) else {
        panic!("an event");
    };
    assert_eq!(event.counted, Some((own, 3.5)));
    assert_eq!(event.elements, b"elements");
    assert_eq!(event.webhook.map(|webhook| webhook.body), Some(&b"{}"[..]));
    assert!(
        read(5, &body[..body.len() - 5]).is_none(),
        "a name that is cut"
    );
}

#[test]
fn a_purchase_keeps_its_price() {
    let Item::Event(mut bought) = event(b"elements") else {
        panic!("an event");
    };
    let price = Price::read(b"\0\0\0\0\0\0\x59\x40EUR");
    bought.price = price;
    bought.webhook = Some(Webhook {
        id: ObjectId::from_bytes([3; 12]),
        body: b"{}",
    });
    let item = Item::Event(bought);
    assert_eq!(version(&item), Version::Second);
    let body = written(&item);
    let Some(Item::Event(event)) = read(5, &body).map(|one| one.item) else {
        panic!("an event");
    };
    assert_eq!(event.price, price);
    assert_eq!(event.elements, b"elements");
    assert_eq!(event.webhook.map(|webhook| webhook.body), Some(&b"{}"[..]));
    assert!(
        read(5, &body[..body.len() - 3]).is_none(),
        "a price that is cut"
    );
}

#[test]
fn a_record_of_the_first_version_is_read_and_written_as_it_was() {
    let item = event(b"elements");
    assert_eq!(version(&item), Version::First);
    let stored = [
        &[1, 1, 2, 0][..],
        &77_i64.to_le_bytes(),
        &12_i64.to_le_bytes(),
        &(-2.5_f64).to_le_bytes(),
        &[3; 12],
        b"1970-01-01",
        &8_u32.to_le_bytes(),
        b"elements",
    ]
    .concat();
    assert_eq!(written(&item), stored);
}

#[test]
fn an_event_keeps_its_dedupe_key_and_the_id_of_its_delivery() {
    let elements = b"\x02event\0\x02\0\0\0e\0\x02dedupeKey\0\x02\0\0\0k\0";
    let Item::Event(mut keyed) = event(elements) else {
        panic!("an event");
    };
    let id = document_id("e", "k");
    keyed.document = Some(id);
    keyed.webhook = Some(Webhook { id, body: b"{}" });
    keyed.key = Some(Keyed {
        event: "e",
        key: "k",
        delivery: ObjectId::from_bytes([9; 12]),
    });
    let expected = (keyed.document, keyed.webhook, keyed.key);
    let item = Item::Event(keyed);
    assert_eq!(version(&item), Version::Second);
    let body = written(&item);
    let Some(Item::Event(event)) = read(5, &body).map(|spooled| spooled.item) else {
        panic!("an event");
    };
    assert_eq!((event.document, event.webhook, event.key), expected);
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
    fn arbitrary_bodies_never_panic_and_records_are_written_as_they_were_read(
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
            panic!("a written record is readable");
        };
        let mut third = Vec::new();
        write(&mut third, &twice.item, twice.handed_over_ms);
        prop_assert_eq!(again, third);
    }
}
