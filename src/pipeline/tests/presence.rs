//! Presence: samples come at their interval, and are in nobody's way.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::context::LIMITS;
use super::*;
use crate::instance::incarnation::Incarnation;
use crate::store::{Fault, Sample, StoreError};
use crate::util::clock::Clock;

const INTERVAL: Duration = LIMITS.presence_every;

fn started(store: &FakeStore, options: &str) -> (Pipeline, Arc<TestHost>) {
    let (pipeline, host) = start(store, options);
    connect(&pipeline);
    pipeline.start(false);
    (pipeline, host)
}

/// The newest sample of the only instance.
fn newest(store: &FakeStore) -> Option<Sample> {
    let state = store.state();
    assert!(state.samples.len() <= 1);
    state
        .samples
        .values()
        .next()
        .map(|(sample, _)| sample.clone())
}

fn lines(host: &TestHost) -> Vec<String> {
    let line = |message: &Message| match message {
        Message::Log { text, .. } => Some(text.clone()),
        _ => None,
    };
    host.lock().iter().filter_map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn a_sample_is_written_at_the_start_and_at_each_interval_and_the_last_one_by_stop() {
    let store = reliable();
    let (pipeline, host) = started(&store, r#"{"instanceName": "eu-1"}"#);
    pipeline.push(
        &[login("a", 1, MORNING_MS), login("b", 2, MORNING_MS)].concat(),
        2,
    );
    sleep(INTERVAL / 2).await;
    assert_eq!(newest(&store).map(|sample| sample.seq), Some(1));
    sleep(INTERVAL * 10).await;
    let sample = newest(&store).expect("a sample");
    assert_eq!((sample.seq, sample.online, sample.is_last), (11, 2, false));
    assert_eq!(sample.incarnation, pipeline.shared().incarnation.get());
    assert_eq!(sample.health.get_str("instance").ok(), Some("eu-1"));
    pipeline.request(7, Request::Stop);
    assert_eq!(host.outcome(7).await, Ok(None));
    let sample = newest(&store).expect("a sample");
    assert_eq!((sample.seq, sample.online, sample.is_last), (12, 0, true));
    sleep(INTERVAL * 3).await;
    assert_eq!(newest(&store).map(|sample| sample.seq), Some(12));
    pipeline.start(false);
    sleep(INTERVAL / 2).await;
    let sample = newest(&store).expect("a sample");
    assert_eq!((sample.seq, sample.online, sample.is_last), (13, 2, false));
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_its_host_forgets_has_ended() {
    let store = reliable();
    let (pipeline, _host) = started(&store, "{}");
    sleep(INTERVAL / 2).await;
    drop(pipeline);
    sleep(INTERVAL / 2).await;
    assert!(newest(&store).expect("a sample").is_last);
}

#[tokio::test(start_paused = true)]
async fn a_sample_says_how_early_and_how_late_the_clock_has_been() {
    let (store, now) = (reliable(), Arc::new(AtomicI64::new(MORNING_MS)));
    let clock = Arc::clone(&now);
    let context = Context {
        clock: Clock::new(move || clock.load(Ordering::Relaxed)),
        ..context()
    };
    let (pipeline, _host) = connected_within(context, &store);
    pipeline.start(false);
    for ahead in [0, 5, -3, 1] {
        now.store(MORNING_MS + ahead, Ordering::Relaxed);
        sleep(INTERVAL * 2).await;
    }
    let sample = newest(&store).expect("a sample");
    let times = [sample.from_ms, sample.host_ms, sample.to_ms];
    assert_eq!(times, [-3, 1, 5].map(|ahead| MORNING_MS + ahead));
}

#[tokio::test(start_paused = true)]
async fn an_index_that_is_made_again_for_long_makes_no_gap_between_samples() {
    let store = reliable();
    let (_pipeline, _host) = started(&store, "{}");
    sleep(INTERVAL).await;
    store.state().slow_expiry = Duration::from_secs(3_600);
    let mut last = 0;
    while last < 200 {
        // Others take four and a half intervals of silence for death.
        sleep(INTERVAL * 2).await;
        let seq = newest(&store).expect("a sample").seq;
        assert!(seq > last, "after sample {last}");
        last = seq;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sample_that_took_long_counts_also_where_the_index_takes_long() {
    let store = reliable();
    let limits = Limits {
        presence_every: Duration::from_secs(20),
        ..LIMITS
    };
    let (pipeline, _host) = connected_within(limited(limits), &store);
    pipeline.start(false);
    sleep(limits.presence_every).await;
    store.state().slow_samples = Duration::from_secs(12);
    store.state().slow_expiry = Duration::from_secs(3_600);
    sleep(limits.presence_every * 200).await;
    // After one that failed, the index is looked for at each sample.
    assert_eq!(store.state().expiries, 2);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_hangs_holds_up_neither_samples_nor_stop() {
    let store = reliable();
    let (pipeline, host) = started(&store, "{}");
    sleep(INTERVAL / 2).await;
    store.state().hangs = true;
    sleep(INTERVAL * 20).await;
    assert_eq!(newest(&store).map(|sample| sample.seq), Some(1));
    store.state().hangs = false;
    sleep(Duration::from_secs(1) + INTERVAL).await;
    let seq = newest(&store).expect("a sample").seq;
    assert!((3..=5).contains(&seq), "samples pile up: {seq}");
    store.state().hangs = true;
    let begun = Instant::now();
    pipeline.request(7, Request::Stop);
    assert_eq!(host.outcome(7).await, Ok(None));
    assert!(begun.elapsed() <= Duration::from_millis(1_100));
    assert!(lines(&host).is_empty(), "{:?}", lines(&host));
}

#[tokio::test(start_paused = true)]
async fn samples_that_are_refused_are_told_once_and_tried_again() {
    let store = reliable();
    store.state().refuses_samples = Some(no_right());
    let (pipeline, host) = started(&store, "{}");
    pipeline.push(&login("a", 1, MORNING_MS), 1);
    sleep(INTERVAL * 40).await;
    let told = lines(&host);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("presence is off"), "{told:?}");
    assert!(pipeline.shared().database.get().refused.is_empty());
    store.state().refuses_samples = None;
    sleep(INTERVAL * 20).await;
    assert!(newest(&store).is_some());
    assert_eq!(lines(&host).len(), 2);
}

fn no_right() -> StoreError {
    StoreError::new(Fault::Collection, "refused")
}

/// An instance that was seen once, and never again.
pub fn silent(store: &FakeStore, name: &str) -> Incarnation {
    let incarnation = Incarnation::named(name).expect("a name");
    let sample = Sample {
        incarnation,
        seq: 1,
        online: 1,
        host_ms: MORNING_MS,
        from_ms: MORNING_MS,
        to_ms: MORNING_MS,
        health: bson::Document::new(),
        is_last: false,
        left: 0,
    };
    let stored = (sample, Instant::now());
    store.state().samples.insert(incarnation, stored);
    incarnation
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_is_claimed_by_those_alone_who_write_samples() {
    for (options, refuses, claims) in [
        ("{}", false, true),
        (r#"{"presence": "off"}"#, false, false),
        ("{}", true, false),
    ] {
        let store = reliable();
        store.state().refuses_samples = refuses.then(no_right);
        let dead = silent(&store, "00000000aa");
        let _started = started(&store, options);
        sleep(INTERVAL * 40).await;
        let is_claimed = store.state().claimed.contains(&dead);
        assert_eq!(is_claimed, claims, "{options}, refused: {refuses}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_whose_sessions_cannot_be_listed_holds_up_no_other() {
    let store = reliable();
    let names = ["00000000aa", "00000000ab", "00000000ac", "00000000ad"];
    let dead = names.map(|name| silent(&store, name));
    // Wherever they are among all that are dead.
    store.state().unlisted = [dead[0], dead[3]].into();
    store.state().slow_listing = INTERVAL * 5;
    let _started = started(&store, "{}");
    sleep(INTERVAL * 60).await;
    let state = store.state();
    assert!(
        dead.iter().all(|one| state.claimed.contains(one)),
        "{:?}",
        state.claimed
    );
}

#[tokio::test(start_paused = true)]
async fn one_whose_sessions_cannot_be_listed_is_tried_more_and_more_rarely() {
    let store = reliable();
    let dead = silent(&store, "00000000aa");
    store.state().unlisted = [dead].into();
    let _started = started(&store, "{}");
    let mut listings = Vec::new();
    for samples in [50, 50, 900] {
        sleep(INTERVAL * samples).await;
        listings.push(store.state().listings);
    }
    assert!(
        listings[0] >= 4 && listings[1] <= listings[0] + 2 && listings[2] <= listings[1] + 4,
        "{listings:?}"
    );
    // Here nothing says that it is closed: it is listed at each sample.
    store.state().unlisted.clear();
    sleep(INTERVAL * 1_500).await;
    assert!(store.state().listings > listings[2] + 100);
}

#[tokio::test(start_paused = true)]
async fn one_whose_own_sessions_cannot_be_opened_again_closes_those_of_others() {
    let store = reliable();
    let (pipeline, _host) = started(&store, "{}");
    sleep(INTERVAL / 2).await;
    let own = pipeline.shared().incarnation.get();
    store.state().claimed.insert(own);
    store.state().unlisted.insert(own);
    sleep(INTERVAL * 2).await;
    assert_ne!(pipeline.shared().incarnation.get(), own);
    let dead = silent(&store, "00000000aa");
    sleep(INTERVAL * 10).await;
    assert!(store.state().claimed.contains(&dead));
}

#[tokio::test(start_paused = true)]
async fn players_are_here_after_a_switch_though_nothing_was_started_or_tracked() {
    let store = reliable();
    let (pipeline, _host) = start(&store, "{}");
    connect(&pipeline);
    pipeline.push(&login("a", 1, MORNING_MS), 1);
    sleep(INTERVAL * 2).await;
    pipeline.switch_database(Connection::at("elsewhere"));
    sleep(INTERVAL * 2).await;
    let sample = newest(&store).expect("a sample");
    assert_eq!((sample.online, sample.is_last), (1, false));
    pipeline.push(&logout("a", 2, MORNING_MS), 1);
    sleep(INTERVAL * 2).await;
    pipeline.switch_database(Connection::at("again elsewhere"));
    sleep(INTERVAL * 2).await;
    assert!(newest(&store).expect("a sample").is_last);
}

#[tokio::test(start_paused = true)]
async fn with_presence_off_nothing_is_written() {
    let store = reliable();
    let (_pipeline, host) = started(&store, r#"{"presence": "off"}"#);
    sleep(INTERVAL * 40).await;
    assert_eq!(newest(&store), None);
    assert_eq!(lines(&host).len(), 1);
}
