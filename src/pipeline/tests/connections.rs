//! Connections whose user was dropped, and made again, are replaced, whatever meets them first.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::sleep;

use super::context::LIMITS;
use super::legacy::old;
use super::*;
use crate::instance::reports_status::ReportsState;
use crate::store::{Fault, StoreError};

fn without_user() -> StoreError {
    StoreError {
        code: Some(13),
        ..StoreError::new(Fault::Connection, "requires authentication")
    }
}

/// The connections of one store have no user; another takes its place.
fn replaced(options: &str, left: FakeStore, next: &FakeStore) -> (Pipeline, Arc<TestHost>) {
    let stores = [left, next.clone()];
    let opened = AtomicUsize::new(0);
    let (pipeline, host) = start_with(options, move |_| {
        let number = opened.fetch_add(1, Ordering::Relaxed);
        stores[number].clone()
    });
    connect(&pipeline);
    (pipeline, host)
}

fn lines(host: &TestHost) -> usize {
    let is_line = |message: &&Message| matches!(message, Message::Log { .. });
    host.lock().iter().filter(is_line).count()
}

#[tokio::test(start_paused = true)]
async fn by_samples_though_nothing_else_is_written() {
    let (left, next) = (reliable(), reliable());
    left.state().refuses_samples = Some(without_user());
    let (pipeline, host) = replaced("{}", left, &next);
    pipeline.start(false);
    sleep(LIMITS.presence_every * 3).await;
    assert_eq!(next.state().samples.len(), 1);
    assert_eq!(lines(&host), 0);
}

#[tokio::test(start_paused = true)]
async fn by_a_read_of_a_process_that_writes_nothing() {
    let (left, next) = (reliable(), reliable());
    left.state().refuses_reports = Some(without_user());
    let (pipeline, host) = replaced(r#"{"presence": "off", "reports": "off"}"#, left, &next);
    pipeline.request(1, Request::Inspection);
    assert!(host.outcome(1).await.is_ok());
    assert_eq!(next.state().report_looks, 1);
}

#[tokio::test(start_paused = true)]
async fn by_a_run_of_reports() {
    let (left, next) = (reliable(), reliable());
    left.state().refuses_reports = Some(without_user());
    let (pipeline, _host) = replaced(r#"{"presence": "off"}"#, left, &next);
    pipeline.start(false);
    // After an error it waits for 5 min.
    sleep(Duration::from_secs(400)).await;
    assert!(next.state().report_looks > 0);
    assert_eq!(pipeline.shared().reports.get().state, ReportsState::Current);
}

#[tokio::test(start_paused = true)]
async fn by_a_sum_of_old_sessions() {
    let (left, next) = (reliable(), reliable());
    for store in [&left, &next] {
        old(store, &[1]);
    }
    left.state().refuses_marks = Some(without_user());
    let (pipeline, host) = replaced(r#"{"presence": "off", "reports": "off"}"#, left, &next);
    pipeline.request(1, Request::metrics(MORNING_MS));
    assert!(host.outcome(1).await.is_ok());
}
