//! The pipeline against a store in memory, with lost requests and lost replies. Time is paused, so
//! that waits cost nothing.

mod closing;
mod connections;
mod context;
mod forwarding;
mod host;
mod legacy;
mod lossy;
mod model;
mod panics;
mod presence;
mod purchases;
mod recovery;
mod reporting;
mod requests;
mod spool;
mod switching;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{NothingFound, Outlook, Pipeline, Request};
use crate::config::Collection;
use crate::instance::context::{Context, Limits};
use crate::instance::listener::Message;
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::frame::testing::{event, login, logout};
use crate::record::item::RECORD_OVERHEAD;
use crate::store::Connection;
use crate::store::fake::{FakeStore, Fate};
use context::{Dice, LIMITS, context};
use host::{
    TestHost, connect, connected_within, limited, opener, reliable, start, start_in, start_with,
    start_within,
};

const MORNING_MS: i64 = 1_795_392_000_000 + 8 * 3_600_000;
const DAY: &str = "2026-11-23";

#[tokio::test(start_paused = true)]
async fn records_before_a_flush_are_committed_when_it_resolves() {
    let store = reliable();
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    let frames = [
        event("a", Some((Counter::CreditsEarned, 5.0)), MORNING_MS),
        login("a", 1, MORNING_MS),
        event("b", None, MORNING_MS),
        logout("a", 2, MORNING_MS + 90_000),
    ];
    assert_eq!(pipeline.push(&frames.concat(), 4), 0);
    pipeline.request(7, Request::Flush);
    assert_eq!(host.outcome(7).await, Ok(None));
    let state = store.state();
    assert_eq!((state.events.len(), state.sessions.len()), (2, 1));
    let totals = &state.days[DAY].totals;
    assert_eq!(totals[&Counter::CreditsEarned], 5.0);
    assert_eq!(totals[&Counter::Dau], 1.0);
    assert_eq!(totals[&Counter::TotalSessionS], 90.0);
    let counts = pipeline.shared().health.counts();
    assert_eq!((counts.accepted, counts.written), (4, 4));
    let shared = pipeline.shared();
    assert_eq!((shared.health.queued(), shared.memory.used()), (0, 0));
    assert_eq!(host.acknowledged(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn records_wait_for_a_connection_and_requests_for_it_time_out() {
    let store = reliable();
    let (pipeline, host) = start(
        &store,
        r#"{"operationTimeoutMs": 3000, "ackTimeoutMs": 1000}"#,
    );
    let frames = [event("a", None, MORNING_MS), login("a", 1, MORNING_MS)];
    pipeline.push(&frames.concat(), 2);
    for (request, what) in [
        (1, Request::Flush),
        (2, Request::metrics(MORNING_MS)),
        (3, Request::Last30Days),
    ] {
        pipeline.request(request, what);
        assert_eq!(host.outcome(request).await, Err("ANALYTICS_TIMEOUT"));
    }
    assert_eq!(host.acknowledged(), [1]);
    connect(&pipeline);
    pipeline.request(4, Request::Flush);
    assert_eq!(host.outcome(4).await, Ok(None));
    assert_eq!(store.state().events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_missing_connection_is_logged_once() {
    let (pipeline, host) = start(&reliable(), "{}");
    pipeline.push(&event("a", None, MORNING_MS), 1);
    for _ in 0..200 {
        pipeline.nothing_found(NothingFound {
            outlook: Outlook::MayConnect,
            other: None,
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let told = |message: &Message| match message {
        Message::Log { text, .. } => Some(text.clone()),
        _ => None,
    };
    let lines: Vec<String> = host.lock().iter().filter_map(told).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("ANALYTICS_MONGODB_URI"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn beyond_the_bound_the_newest_are_refused_and_counted_exactly() {
    let store = reliable();
    let (pipeline, host) = start(&store, r#"{"maxQueueBytes": 65536}"#);
    let frame = event("a", None, MORNING_MS);
    let cost = frame.len() + RECORD_OVERHEAD;
    // Events leave a sixteenth to logins and logouts.
    let fits = (65_536 - 4_096) / cost;
    let refused = (1_000 - fits) as u32;
    assert_eq!(pipeline.push(&frame.repeat(1_000), 1_000), refused);
    let [login, last] = [0, 9].map(|ack| login("a", ack, MORNING_MS));
    let logins = (65_536 - fits * cost) / (login.len() + RECORD_OVERHEAD);
    let frames = [login.repeat(logins), last].concat();
    assert_eq!(pipeline.push(&frames, logins as u32 + 1), 1);
    assert_eq!(host.acknowledged(), [9], "a refused login does not wait");
    let counts = pipeline.shared().health.counts();
    assert_eq!(counts.rejected["queue_full"], u64::from(refused) + 1);
    connect(&pipeline);
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Ok(None));
    assert_eq!(store.state().events.len(), fits);
    assert_eq!(pipeline.push(&frame, 1), 0, "there is room again");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_server_refuses_is_dropped_and_counted_and_the_rest_is_stored() {
    let store = reliable();
    store.state().refused_users.insert("bad".to_owned());
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    let counted = Some((Counter::PvpBattles, 1.0));
    let frames: Vec<_> = ["a", "bad", "b"]
        .map(|u| event(u, counted, MORNING_MS))
        .concat();
    pipeline.push(&frames, 3);
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Ok(None));
    assert_eq!(store.state().days[DAY].totals[&Counter::PvpBattles], 2.0);
    let counts = pipeline.shared().health.counts();
    assert_eq!(counts.dropped["refused_by_server"], 1);
    assert_eq!((counts.accepted, counts.written), (3, 2));
    assert_eq!(pipeline.shared().memory.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn after_stop_records_are_refused_until_the_next_start() {
    let store = reliable();
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    pipeline.start(true);
    pipeline.push(&event("a", None, MORNING_MS), 1);
    pipeline.refuse();
    pipeline.request(1, Request::Stop);
    assert_eq!(host.outcome(1).await, Ok(None));
    assert_eq!(pipeline.push(&login("b", 5, MORNING_MS), 1), 1);
    assert_eq!(host.acknowledged(), [5]);
    pipeline.start(true);
    connect(&pipeline);
    assert_eq!(pipeline.push(&event("c", None, MORNING_MS), 1), 0);
    pipeline.request(2, Request::Flush);
    assert_eq!(host.outcome(2).await, Ok(None));
    assert_eq!(store.state().events.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn metrics_do_not_wait_for_what_comes_after_them() {
    let store = reliable();
    store.state().slow_add = Duration::from_millis(50);
    let (pipeline, host) = start(
        &store,
        r#"{"flushIntervalMs": 10, "operationTimeoutMs": 2000}"#,
    );
    connect(&pipeline);
    let pipeline = Arc::new(pipeline);
    let busy = Arc::clone(&pipeline);
    let flood = tokio::spawn(async move {
        loop {
            busy.push(&event("a", Some((Counter::PvpBattles, 1.0)), MORNING_MS), 1);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    for request in 1..=5 {
        pipeline.request(request, Request::metrics(MORNING_MS));
        assert!(host.outcome(request).await.is_ok(), "request {request}");
    }
    flood.abort();
}

#[tokio::test(start_paused = true)]
async fn logouts_are_written_while_logins_come_all_the_time() {
    let store = reliable();
    store.state().slow_logins = Duration::from_millis(40);
    // A batch of logouts is never full.
    let limits = Limits {
        session_batch: 1_000,
        ..LIMITS
    };
    let (pipeline, _host) = connected_within(limited(limits), &store);
    for number in 0..200 {
        let user = format!("u{number}");
        let frames = [login(&user, 0, MORNING_MS), logout(&user, 0, MORNING_MS)];
        pipeline.push(&frames.concat(), 2);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let state = store.state();
    let is_closed = |session: &&bson::Document| session.get_datetime("logoutAt").is_ok();
    let (all, closed) = (
        state.sessions.len(),
        state.sessions.values().filter(is_closed).count(),
    );
    assert!(all > 100 && closed > all / 2, "{closed} of {all}");
}

#[tokio::test(start_paused = true)]
async fn logouts_that_are_refused_stay_reported_while_logins_are_accepted() {
    let store = reliable();
    store.state().refuses_logouts = true;
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    pipeline.push(
        &[login("a", 0, MORNING_MS), logout("a", 0, MORNING_MS)].concat(),
        2,
    );
    let is_reported = || {
        let database = pipeline.shared().database.get();
        database.connected && database.refused.contains_key(&Collection::Sessions)
    };
    while !is_reported() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for ack in 1..=20 {
        pipeline.push(&login("b", ack, MORNING_MS), 1);
        while !host.acknowledged().contains(&ack) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(is_reported(), "login {ack}");
    }
    store.state().refuses_logouts = false;
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Ok(None));
    assert!(pipeline.shared().database.get().refused.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_whose_worker_died_says_so_and_accepts_nothing() {
    let (pipeline, host) = start(&reliable(), "{}");
    pipeline.push(&event("a", None, MORNING_MS), 1);
    pipeline.shared().die("on purpose");
    assert_eq!(pipeline.push(&login("b", 3, MORNING_MS), 1), 1);
    assert_eq!(host.acknowledged(), [3]);
    let died = |message: &Message| matches!(message, Message::Died);
    assert_eq!(host.lock().iter().filter(|m| died(m)).count(), 1);
    assert_eq!(pipeline.shared().health.counts().dropped["internal"], 1);
    assert_eq!(pipeline.shared().health.queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn totals_go_on_under_a_new_id_when_another_process_uses_ours() {
    let store = reliable();
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    let earned = |amount| event("a", Some((Counter::CreditsEarned, amount)), MORNING_MS);
    pipeline.push(&earned(1.0), 1);
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Ok(None));
    let writers = || store.state().days[DAY].writers.clone();
    for standing in store
        .state()
        .days
        .get_mut(DAY)
        .expect("a day")
        .writers
        .values_mut()
    {
        *standing += 1 << 40;
    }
    pipeline.push(&[earned(10.0), earned(20.0)].concat(), 2);
    pipeline.request(2, Request::Flush);
    assert_eq!(host.outcome(2).await, Ok(None));
    let counts = pipeline.shared().health.counts();
    assert_eq!(counts.warnings["totals_uncertain"], 2);
    assert_eq!(store.state().days[DAY].totals[&Counter::CreditsEarned], 1.0);
    pipeline.push(&earned(100.0), 1);
    pipeline.request(3, Request::Flush);
    assert_eq!(host.outcome(3).await, Ok(None));
    assert_eq!(
        store.state().days[DAY].totals[&Counter::CreditsEarned],
        101.0
    );
    assert_eq!(writers().len(), 2);
    assert_eq!(store.state().events.len(), 4, "all are stored");
    let warned = |message: &Message| matches!(message, Message::Log { text, .. } if text.contains("used our writer id"));
    assert_eq!(host.lock().iter().filter(|m| warned(m)).count(), 1);
}
