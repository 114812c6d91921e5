//! Reporting: it looks at its times, is in nobody's way, and is off where it may not be.

use std::time::Duration;

use tokio::time::sleep;

use super::context::LIMITS;
use super::*;
use crate::instance::reports_status::ReportsState;
use crate::pipeline::messages;
use crate::reports::Query;
use crate::store::{Fault, StoreError};

const INTERVAL: Duration = LIMITS.reports_every;
const HOUR: Duration = Duration::from_secs(3_600);

fn started(store: &FakeStore, options: &str) -> (Pipeline, Arc<TestHost>) {
    let (pipeline, host) = start(store, options);
    connect(&pipeline);
    pipeline.start(false);
    (pipeline, host)
}

fn refusal(code: i32) -> StoreError {
    StoreError {
        code: Some(code),
        ..StoreError::new(Fault::Collection, "not allowed")
    }
}

fn lines(host: &TestHost) -> Vec<String> {
    let line = |message: &Message| match message {
        Message::Log { text, .. } if text.contains("report") => Some(text.clone()),
        _ => None,
    };
    host.lock().iter().filter_map(line).collect()
}

fn state(pipeline: &Pipeline) -> ReportsState {
    pipeline.shared().reports.get().state
}

#[tokio::test(start_paused = true)]
async fn it_looks_soon_after_the_start_and_at_each_interval_until_stop() {
    let store = reliable();
    let (pipeline, host) = started(&store, "{}");
    assert_eq!(state(&pipeline), ReportsState::Waiting);
    sleep(LIMITS.reports_first + INTERVAL / 2).await;
    assert_eq!(store.state().report_looks, 1);
    assert_eq!(state(&pipeline), ReportsState::Current);
    sleep(INTERVAL * 3).await;
    assert_eq!(store.state().report_looks, 4);
    assert_eq!(store.state().whole_looks, 1);
    pipeline.request(7, Request::Stop);
    assert_eq!(host.outcome(7).await, Ok(None));
    sleep(INTERVAL * 3).await;
    assert_eq!(store.state().report_looks, 4);
}

#[tokio::test(start_paused = true)]
async fn missing_rights_turn_it_off_with_one_line_until_they_are_there() {
    let store = reliable();
    store.state().refuses_reports = Some(refusal(13));
    let (pipeline, host) = started(&store, "{}");
    sleep(HOUR * 2 + INTERVAL).await;
    assert_eq!(state(&pipeline), ReportsState::Off);
    let told = lines(&host);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("reports are off"), "{told:?}");
    let query = Query::read("getActivity", "{}", &[]).expect("valid");
    pipeline.request(8, Request::Report(query));
    assert_eq!(host.outcome(8).await, Err("ANALYTICS_REPORTS_OFF"));
    store.state().refuses_reports = None;
    sleep(HOUR).await;
    assert_eq!(state(&pipeline), ReportsState::Current);
    assert_eq!(lines(&host)[1..], [messages::REPORTS_ON]);
    sleep(INTERVAL * 10).await;
    assert_eq!(lines(&host).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_told_once_and_tried_again_ever_less_often() {
    let store = reliable();
    store.state().refuses_reports = Some(refusal(2));
    let (pipeline, host) = started(&store, "{}");
    sleep(HOUR * 4).await;
    assert_eq!(state(&pipeline), ReportsState::Failing);
    assert_eq!(lines(&host).len(), 1);
    store.state().refuses_reports = None;
    sleep(HOUR).await;
    assert_eq!(state(&pipeline), ReportsState::Current);
    drop(pipeline);
}

#[tokio::test(start_paused = true)]
async fn with_reports_off_nothing_is_looked_at() {
    let store = reliable();
    let (pipeline, host) = started(&store, r#"{"reports": "off"}"#);
    sleep(INTERVAL * 10).await;
    assert_eq!(store.state().report_looks, 0);
    assert_eq!(state(&pipeline), ReportsState::Off);
    assert!(lines(&host).is_empty());
    let query = Query::read("getRetention", "{}", &[]).expect("valid");
    pipeline.request(8, Request::Report(query));
    assert_eq!(host.outcome(8).await, Err("ANALYTICS_REPORTS_OFF"));
}

/// Another process may report them.
#[tokio::test(start_paused = true)]
async fn the_days_of_sessions_that_come_late_are_noted_also_with_reports_off() {
    const DAY_MS: i64 = 86_400_000;
    for options in ["{}", r#"{"reports": "off"}"#] {
        let store = reliable();
        let (pipeline, host) = started(&store, options);
        let now_ms = pipeline.shared().context.clock.now_ms();
        let sessions = [
            login("a", 1, now_ms - 6 * DAY_MS),
            login("b", 2, now_ms - 4 * DAY_MS),
        ];
        pipeline.push(&sessions.concat(), 2);
        pipeline.request(7, Request::Flush);
        assert_eq!(host.outcome(7).await, Ok(None));
        let late = vec![Day::of(now_ms - 6 * DAY_MS)];
        assert_eq!(store.state().late_days, late, "{options}");
    }
}
