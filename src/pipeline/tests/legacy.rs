//! The summing up of old sessions, and totals that a double day blocks.

use super::*;
use crate::instance::listener::Level;
use crate::store::{Baseline, LEGACY_STEP_TIMEOUT, StoreError, Sums};
use bson::oid::ObjectId;

const OLD: Sums = Sums {
    mau: 5.0,
    session_seconds: 300.0,
    sessions_closed: 1.0,
};

/// A store with old sessions on these days of the month of [`DAY`].
pub fn old(store: &FakeStore, days: &[u32]) {
    let mut state = store.state();
    state.old = OLD;
    for day in days {
        let baseline = Baseline {
            cutoff: ObjectId::from_bytes([1; 12]),
            marked: false,
            sums: None,
        };
        state
            .baselines
            .insert(format!("2026-11-{day:02}"), baseline);
    }
}

async fn mau(pipeline: &Pipeline, host: &TestHost, request: u32) -> Result<i32, &'static str> {
    pipeline.request(request, Request::metrics(MORNING_MS));
    let result = host.outcome(request).await?.expect("metrics");
    let document = bson::Document::from_reader(result.as_slice()).expect("valid BSON");
    Ok(document.get_i32("mau").expect("a number"))
}

fn lines(host: &TestHost, wanted: Level) -> Vec<String> {
    let text = |message: &Message| match message {
        Message::Log { level, text } if *level == wanted => Some(text.clone()),
        _ => None,
    };
    host.lock().iter().filter_map(text).collect()
}

#[tokio::test(start_paused = true)]
async fn several_processes_sum_up_once_and_each_has_the_sums() {
    let store = reliable();
    old(&store, &[1, 2, 20]);
    store.state().slow_mark = Duration::from_secs(7);
    let writers: Vec<_> = (0..4).map(|_| start(&store, "{}")).collect();
    for (pipeline, _) in &writers {
        connect(pipeline);
        pipeline.push(&login("new", 0, MORNING_MS), 1);
    }
    for (pipeline, host) in &writers {
        while mau(pipeline, host, 1).await == Err("ANALYTICS_HISTORY_BUILDING") {
            assert_eq!(
                pipeline.shared().database.get().history.state.name(),
                "building"
            );
            host.lock()
                .retain(|message| !matches!(message, Message::Failed { .. }));
        }
        assert_eq!(mau(pipeline, host, 2).await, Ok(16));
        let history = pipeline.shared().database.get().history;
        assert_eq!(history.state.name(), "done");
        assert_eq!((history.days_done, history.days_total), (3, 3));
        let told = lines(host, Level::Info);
        assert!(
            told.len() >= 3,
            "soon, every ten seconds, at the end: {told:?}"
        );
        assert!(told.last().is_some_and(|line| line.contains("3 days")));
    }
    assert_eq!(store.state().marks, 3);
}

#[tokio::test(start_paused = true)]
async fn a_login_begins_the_work_and_nothing_waits_for_it() {
    let store = reliable();
    old(&store, &[3]);
    store.state().slow_mark = Duration::from_secs(60);
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    pipeline.push(&login("a", 1, MORNING_MS), 1);
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Ok(None));
    assert_eq!(store.state().days[DAY].totals[&Counter::Dau], 1.0);
    assert_eq!(
        mau(&pipeline, &host, 2).await,
        Err("ANALYTICS_HISTORY_BUILDING")
    );
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(mau(&pipeline, &host, 3).await, Ok(6));
}

#[tokio::test(start_paused = true)]
async fn a_builder_that_crashes_is_followed_by_another() {
    let store = reliable();
    old(&store, &[1, 2, 3]);
    store.state().slow_mark = Duration::from_secs(5);
    let (dies, its_host) = start(&store, "{}");
    connect(&dies);
    dies.push(&login("a", 1, MORNING_MS), 1);
    dies.request(1, Request::Flush);
    assert_eq!(its_host.outcome(1).await, Ok(None));
    tokio::time::sleep(Duration::from_secs(7)).await;
    drop(dies);
    assert_eq!(store.state().marks, 1);
    let (pipeline, host) = start(&store, r#"{"operationTimeoutMs": 60000}"#);
    connect(&pipeline);
    assert_eq!(mau(&pipeline, &host, 1).await, Ok(16));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_hangs_is_begun_anew() {
    let store = reliable();
    old(&store, &[1]);
    store.state().slow_mark = Duration::from_secs(365 * 86_400);
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    pipeline.push(&login("a", 1, MORNING_MS), 1);
    tokio::time::sleep(LEGACY_STEP_TIMEOUT - Duration::from_secs(20)).await;
    store.state().slow_mark = Duration::ZERO;
    let hangs = mau(&pipeline, &host, 1).await;
    assert_eq!(hangs, Err("ANALYTICS_HISTORY_BUILDING"));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(mau(&pipeline, &host, 2).await, Ok(6));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_fails_the_caller_and_is_retried_only_for_the_next_caller() {
    let store = reliable();
    old(&store, &[1]);
    store.state().refuses_marks = Some(StoreError::permanent("refused"));
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    assert_eq!(mau(&pipeline, &host, 1).await, Err("ANALYTICS_DATABASE"));
    assert_eq!(lines(&host, Level::Warn).len(), 1);
    store.state().refuses_marks = None;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(store.state().marks, 0);
    assert_eq!(mau(&pipeline, &host, 2).await, Ok(5));
}

#[tokio::test(start_paused = true)]
async fn totals_that_a_day_never_takes_are_sent_with_pauses() {
    let store = reliable();
    store.state().always_misses = true;
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    pipeline.push(
        &event("a", Some((Counter::CreditsEarned, 5.0)), MORNING_MS),
        1,
    );
    tokio::time::sleep(Duration::from_secs(60)).await;
    let adds = store.state().adds;
    assert!((20..200).contains(&adds), "{adds} in a minute");
    store.state().always_misses = false;
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Ok(None));
    assert_eq!(store.state().days[DAY].writers.len(), 1);
}

/// Lost requests and replies change neither the sums nor what new records add to them.
#[tokio::test(start_paused = true)]
async fn lost_requests_and_replies_change_nothing() {
    for seed in 0..20 {
        let mut fates = Dice(seed);
        let store = FakeStore::new(move || match fates.roll(5) {
            0 => Fate::RequestLost,
            1 => Fate::ReplyLost,
            _ => Fate::Answered,
        });
        old(&store, &[1, 2, 9, 23]);
        let (pipeline, host) = start(&store, r#"{"operationTimeoutMs": 600000}"#);
        connect(&pipeline);
        pipeline.push(&login("a", 1, MORNING_MS), 1);
        assert_eq!(mau(&pipeline, &host, 1).await, Ok(21), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn totals_of_a_double_day_wait_until_it_is_mended() {
    let store = reliable();
    store.state().blocked = Some("two documents".to_owned());
    let (pipeline, host) = start(&store, "{}");
    connect(&pipeline);
    let counted = Some((Counter::PvpBattles, 1.0));
    let frames = [event("a", counted, MORNING_MS), login("a", 1, MORNING_MS)];
    pipeline.push(&frames.concat(), 2);
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Err("ANALYTICS_TIMEOUT"));
    assert_eq!(host.acknowledged(), [1]);
    {
        let state = store.state();
        assert_eq!((state.events.len(), state.sessions.len()), (1, 1));
        assert!(state.days.is_empty());
    }
    assert_eq!(
        pipeline.shared().database.get().blocked.as_deref(),
        Some("two documents")
    );
    assert_eq!(pipeline.shared().health.queued(), 2);
    store.state().blocked = None;
    pipeline.request(2, Request::Flush);
    assert_eq!(host.outcome(2).await, Ok(None));
    assert_eq!(store.state().days[DAY].totals[&Counter::PvpBattles], 1.0);
    assert_eq!(pipeline.shared().database.get().blocked, None);
    assert_eq!(
        (
            lines(&host, Level::Warn).len(),
            lines(&host, Level::Info).len()
        ),
        (1, 1),
        "the totals were worth a line, the history was not"
    );
}
