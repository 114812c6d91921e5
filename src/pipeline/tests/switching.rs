//! Finding a place, and following the host from one to another.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// The connection with this name.
fn place(name: &str) -> Connection {
    Connection::at(name)
}

fn is(connection: &Connection, name: &str) -> bool {
    matches!(connection, Connection::Uri { uri, .. } if uri.text == name)
}

/// A pipeline whose host is connected to `first` and may go to `second`.
fn between(first: &FakeStore, second: &FakeStore) -> (Pipeline, Arc<TestHost>) {
    let (first, second) = (first.clone(), second.clone());
    let options = r#"{"flushIntervalMs": 60000}"#;
    let (pipeline, host) = start_with(options, move |connection| {
        let store = if is(connection, "first") {
            &first
        } else {
            &second
        };
        store.clone()
    });
    pipeline.connect(place("first"));
    (pipeline, host)
}

fn earned(store: &FakeStore) -> Option<f64> {
    let state = store.state();
    state
        .days
        .get(DAY)?
        .totals
        .get(&Counter::CreditsEarned)
        .copied()
}

/// A store whose replies get lost while the switch is on.
fn losing_replies() -> (FakeStore, Arc<AtomicBool>) {
    losing(Fate::ReplyLost)
}

fn losing(fate: Fate) -> (FakeStore, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(false));
    let losing = Arc::clone(&switch);
    let store = FakeStore::new(move || match losing.load(Ordering::Relaxed) {
        true => fate,
        false => Fate::Answered,
    });
    (store, switch)
}

fn credits(user: &str, amount: f64) -> Vec<u8> {
    event(user, Some((Counter::CreditsEarned, amount)), MORNING_MS)
}

#[tokio::test(start_paused = true)]
async fn records_before_a_switch_go_to_the_old_database_and_later_ones_to_the_new() {
    let (first, second) = (reliable(), reliable());
    let (pipeline, host) = between(&first, &second);
    pipeline.push(&[credits("a", 1.0), login("a", 1, MORNING_MS)].concat(), 2);
    pipeline.switch_database(place("second"));
    pipeline.push(&[credits("a", 10.0), login("a", 2, MORNING_MS)].concat(), 2);
    pipeline.request(7, Request::Flush);
    assert_eq!(host.outcome(7).await, Ok(None));
    for (store, amount) in [(&first, 1.0), (&second, 10.0)] {
        assert_eq!(earned(store), Some(amount));
        let state = store.state();
        assert_eq!((state.events.len(), state.sessions.len()), (1, 1));
        assert_eq!(state.days[DAY].totals[&Counter::Dau], 1.0);
    }
    assert_eq!(host.acknowledged(), [1, 2]);
    assert_eq!(pipeline.shared().health.queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn records_that_the_old_database_does_not_take_go_to_the_new_one() {
    let first = FakeStore::new(|| Fate::RequestLost);
    let second = reliable();
    let (pipeline, host) = between(&first, &second);
    pipeline.push(&[credits("a", 1.0), login("a", 1, MORNING_MS)].concat(), 2);
    tokio::time::sleep(Duration::from_secs(1)).await;
    pipeline.switch_database(place("second"));
    pipeline.push(&credits("b", 10.0), 1);
    pipeline.request(7, Request::Flush);
    assert_eq!(host.outcome(7).await, Ok(None));
    assert_eq!((earned(&first), earned(&second)), (None, Some(11.0)));
    assert_eq!(second.state().events.len(), 2);
    assert_eq!(second.state().days[DAY].totals[&Counter::Dau], 1.0);
}

#[tokio::test(start_paused = true)]
async fn the_same_database_by_another_name_gets_an_uncertain_batch_once() {
    let (store, losing) = losing_replies();
    let (pipeline, host) = between(&store, &store);
    pipeline.push(&credits("a", 1.0), 1);
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Ok(None));
    pipeline.push(&credits("a", 10.0), 1);
    host.wait(|_| (store.state().events.len() == 2).then_some(()))
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    losing.store(true, Ordering::Relaxed);
    pipeline.flush_totals();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(earned(&store), Some(11.0), "applied, and nobody was told");
    pipeline.switch_database(place("second"));
    tokio::time::sleep(Duration::from_secs(8)).await;
    losing.store(false, Ordering::Relaxed);
    pipeline.push(&credits("a", 100.0), 1);
    pipeline.request(2, Request::Flush);
    assert_eq!(host.outcome(2).await, Ok(None));
    assert_eq!(earned(&store), Some(111.0));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_added_where_it_began_when_the_host_switches_back_in_time() {
    let ((first, losing), second) = (losing(Fate::RequestLost), reliable());
    second.state().slow_add = Duration::from_secs(60);
    let (pipeline, host) = between(&first, &second);
    pipeline.push(&credits("a", 1.0), 1);
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Ok(None));
    pipeline.push(&credits("a", 10.0), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    losing.store(true, Ordering::Relaxed);
    pipeline.flush_totals();
    tokio::time::sleep(Duration::from_secs(1)).await;
    pipeline.switch_database(place("second"));
    tokio::time::sleep(Duration::from_secs(10)).await;
    losing.store(false, Ordering::Relaxed);
    pipeline.switch_database(place("first"));
    pipeline.request(2, Request::Flush);
    assert_eq!(host.outcome(2).await, Ok(None));
    assert_eq!(earned(&first), Some(11.0));
    let counts = pipeline.shared().health.counts();
    assert_eq!(counts.warnings, BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn a_user_who_was_counted_at_the_first_place_counts_at_the_second_too() {
    let ((first, losing), second) = (losing_replies(), reliable());
    let (pipeline, host) = between(&first, &second);
    pipeline.push(&login("a", 1, MORNING_MS), 1);
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Ok(None));
    pipeline.push(&login("a", 2, MORNING_MS), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    losing.store(true, Ordering::Relaxed);
    pipeline.flush_totals();
    tokio::time::sleep(Duration::from_secs(1)).await;
    pipeline.switch_database(place("second"));
    pipeline.request(2, Request::Flush);
    assert_eq!(host.outcome(2).await, Ok(None));
    assert_eq!(second.state().days[DAY].totals[&Counter::Dau], 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_opens_only_after_the_switch_is_not_used() {
    let (first, second) = (reliable(), reliable());
    first.state().slow_open = Duration::from_secs(5);
    let (pipeline, host) = between(&first, &second);
    pipeline.push(&credits("a", 1.0), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    pipeline.switch_database(place("second"));
    pipeline.push(&credits("a", 10.0), 1);
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Ok(None));
    assert_eq!((earned(&first), earned(&second)), (None, Some(11.0)));
}

#[tokio::test(start_paused = true)]
async fn a_host_may_move_on_before_its_first_place_has_ever_answered() {
    let (first, second) = (reliable(), reliable());
    let (pipeline, host) = between(&first, &second);
    pipeline.switch_database(place("second"));
    pipeline.push(&credits("a", 1.0), 1);
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Ok(None));
    assert_eq!((earned(&first), earned(&second)), (None, Some(1.0)));
}

#[tokio::test(start_paused = true)]
async fn totals_do_not_wait_when_the_interval_is_over_by_the_clock_of_the_host() {
    let store = reliable();
    let (pipeline, _host) = between(&store, &store);
    pipeline.push(&credits("a", 1.0), 1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(earned(&store), None);
    pipeline.flush_totals();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(earned(&store), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn a_connection_beside_the_hosts_own_is_used_after_ten_seconds_and_that_is_said() {
    let (store, other) = (reliable(), reliable());
    let there = other.clone();
    let (pipeline, host) = start_with("{}", move |connection| {
        let wanted = is(connection, "other");
        if wanted { there.clone() } else { store.clone() }
    });
    pipeline.push(&credits("a", 1.0), 1);
    let began = tokio::time::Instant::now();
    while pipeline.shared().health.queued() > 0 {
        pipeline.nothing_found(NothingFound {
            outlook: Outlook::MayConnect,
            other: Some(place("other")),
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let waited = began.elapsed();
    assert!((10..13).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(earned(&other), Some(1.0));
    let line = host.wait(|message| match message {
        Message::Log { text, .. } => Some(text.clone()),
        _ => None,
    });
    assert!(line.await.contains("createConnection()"));
}

#[tokio::test(start_paused = true)]
async fn records_of_a_dropped_host_are_written_if_the_database_is_known() {
    for (environment, stored) in [
        (r#"{"MONGODB_URI": "mongodb://fallback"}"#, Some(1.0)),
        ("{}", None),
    ] {
        let store = reliable();
        let there = store.clone();
        let (pipeline, _host) = start_in(environment, "{}", move |_| there.clone());
        pipeline.push(&credits("a", 1.0), 1);
        let shared = Arc::downgrade(pipeline.shared());
        drop(pipeline);
        let began = tokio::time::Instant::now();
        while shared.strong_count() > 0 && began.elapsed() < Duration::from_secs(60) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(shared.strong_count(), 0, "its memory is free again");
        assert_eq!(earned(&store), stored);
    }
}

#[tokio::test(start_paused = true)]
async fn totals_do_not_wait_for_indexes_that_take_long_and_a_move_does_not_either() {
    let (first, second) = (reliable(), reliable());
    first.state().slow_indexes = Duration::from_secs(600);
    let (pipeline, host) = between(&first, &second);
    for (request, to) in [(1, &first), (2, &second)] {
        pipeline.push(&credits("a", 1.0), 1);
        pipeline.request(request, Request::Flush);
        assert_eq!(host.outcome(request).await, Ok(None));
        assert_eq!(earned(to), Some(1.0));
        pipeline.switch_database(place("second"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_that_hangs_is_left_after_the_grace_and_its_reads_are_repeated() {
    let (first, second) = (reliable(), reliable());
    let (pipeline, host) = between(&first, &second);
    pipeline.push(&credits("a", 1.0), 1);
    pipeline.request(1, Request::Flush);
    assert_eq!(host.outcome(1).await, Ok(None));
    first.state().hangs = true;
    pipeline.push(&[credits("a", 10.0), login("a", 1, MORNING_MS)].concat(), 2);
    pipeline.request(2, Request::Last30Days);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = tokio::time::Instant::now();
    pipeline.switch_database(place("second"));
    pipeline.push(&login("b", 2, MORNING_MS), 1);
    pipeline.request(3, Request::Flush);
    assert_eq!(host.outcome(3).await, Ok(None));
    assert!(host.outcome(2).await.is_ok());
    let waited = began.elapsed();
    assert!(waited < Duration::from_millis(2_500), "{waited:?}");
    assert_eq!((earned(&first), earned(&second)), (Some(1.0), Some(10.0)));
    assert_eq!(second.state().days[DAY].totals[&Counter::Dau], 2.0);
    assert_eq!(host.acknowledged(), [1, 2]);
    let noted = pipeline.shared().health.counts().warnings;
    assert!(noted.is_empty(), "a place is no backup put back: {noted:?}");
}
