//! Purchases: stored beside their events, and in the way of nothing.

use bson::rawdoc;

use super::*;
use crate::record::frame::testing::{frame, priced};
use crate::record::key::document_id;
use crate::record::purchase::Price;
use crate::store::{Fault, Purchase};

const EVENT: &str = "stripe.payment";
const DAY_MS: i64 = 86_400_000;

fn price(cents: f64) -> Price {
    Price {
        cents,
        currency: None,
    }
}

/// A purchase at noon, with a dedupe key if there is one.
fn bought(cents: f64, key: Option<&str>) -> Vec<u8> {
    let document = match key {
        Some(key) => rawdoc! { "userId": "a", "event": EVENT, "dedupeKey": key },
        None => rawdoc! { "userId": "a", "event": EVENT },
    };
    let bytes = document.as_bytes();
    let elements = &bytes[4..bytes.len() - 1];
    let counter = Counter::StripeRevenue.index().expect("built in");
    let frame = frame(1, 1, counter, MORNING_MS, cents, elements);
    priced(frame, price(cents))
}

async fn buy(pipeline: &Pipeline, host: &TestHost, request: u32, frames: &[Vec<u8>]) {
    pipeline.push(&frames.concat(), frames.len() as u32);
    pipeline.request(request, Request::Flush);
    assert_eq!(host.outcome(request).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn refused_ones_are_told_and_hold_up_no_event_or_total() {
    let store = reliable();
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    store.state().refuses_purchases = Some(Fault::Collection);
    let frames = [bought(5.0, None), bought(7.0, Some("k"))];
    buy(&pipeline, &host, 1, &frames).await;
    let shared = pipeline.shared();
    assert_eq!(shared.health.counts().warnings["purchase_lost"], 2);
    let refused = || shared.database.get().refused;
    assert!(refused().contains_key(&Collection::Purchases));
    store.state().refuses_purchases = None;
    buy(&pipeline, &host, 2, &[bought(1.0, None)]).await;
    assert!(refused().is_empty());
    let state = store.state();
    assert_eq!((state.events.len(), state.purchases.len()), (3, 1));
    assert_eq!(state.days[DAY].totals[&Counter::StripeRevenue], 13.0);
    assert_eq!(shared.health.counts().retried, 0);
}

#[tokio::test(start_paused = true)]
async fn one_whose_answer_says_nothing_is_stored_once_that_is_over_or_lost_in_the_end() {
    let store = reliable();
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    store.state().refuses_purchases = Some(Fault::Unknown);
    let recovers = store.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        recovers.state().refuses_purchases = None;
    });
    buy(&pipeline, &host, 1, &[bought(5.0, None)]).await;
    let shared = pipeline.shared();
    assert!(
        !shared
            .health
            .counts()
            .warnings
            .contains_key("purchase_lost")
    );
    assert_eq!(store.state().purchases.len(), 1);
    store.state().refuses_purchases = Some(Fault::Unknown);
    buy(&pipeline, &host, 2, &[bought(7.0, None)]).await;
    assert_eq!(shared.health.counts().warnings["purchase_lost"], 1);
    let state = store.state();
    assert_eq!((state.events.len(), state.purchases.len()), (2, 1));
    assert_eq!(state.days[DAY].totals[&Counter::StripeRevenue], 12.0);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_there_without_its_marker_counts_as_it_is_stored() {
    let store = reliable();
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    for (key, days) in [("recent", 8), ("old", 91)] {
        let time_ms = MORNING_MS - days * DAY_MS;
        let purchase = Purchase {
            document: document_id(EVENT, key),
            event: EVENT.to_owned(),
            key: Some(key.to_owned()),
            user: None,
            price: price(3.0),
            day: Day::of(time_ms),
            time_ms,
            amount: Some(3.0),
        };
        let purchases = &mut store.state().purchases;
        purchases.insert(purchase.document, purchase);
    }
    let frames = ["recent", "old"].map(|key| bought(5.0, Some(key)));
    buy(&pipeline, &host, 1, &frames).await;
    let state = store.state();
    let days: Vec<(&str, f64)> = state
        .days
        .iter()
        .map(|(day, daily)| (day.as_str(), daily.totals[&Counter::StripeRevenue]))
        .collect();
    assert_eq!(days, [("2026-11-15", 3.0)]);
    assert_eq!((state.events.len(), state.purchases.len()), (1, 2));
    let counts = pipeline.shared().health.counts();
    assert_eq!(counts.redelivered, 1, "its marker may have expired");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_there_and_is_not_shown_is_waited_for_and_counts_in_the_end() {
    let store = reliable();
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    let one = || bought(5.0, Some("k"));
    buy(&pipeline, &host, 1, &[one()]).await;
    {
        let state = &mut *store.state();
        state.purchases.clear();
        state.keys.clear();
        state.hides_keyed = true;
    }
    pipeline.push(&one(), 1);
    while pipeline.shared().health.counts().written < 2 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(pipeline.shared().health.counts().retried, 40);
    let total = store.state().days[DAY].totals[&Counter::StripeRevenue];
    assert_eq!(total, 10.0);
}
