//! Recovery of what crashed processes have left, by one that runs beside them.

use std::path::Path;

use super::*;
use crate::config::Config;
use crate::instance::shared::Shared;
use crate::pipeline::spawn;
use crate::spool::{Segments, claim};
use crate::store::target;

/// A process with a slot, until it is dropped.
fn process(spool: &Path, store: &FakeStore) -> Pipeline {
    let options = serde_json::json!({ "spoolDir": spool }).to_string();
    let (config, _) = Config::from_json(&options, "{}").expect("valid options");
    let slot = claim(spool, target(&config)).expect("a slot");
    let shared = Shared::within(context(), config, Arc::new(TestHost::default()));
    let segments = Segments::new(slot, 1 << 30, 2_000);
    let store = store.clone();
    spawn(shared, opener(move |_| store.clone()), Some(segments))
}

#[tokio::test(start_paused = true)]
async fn a_slot_whose_records_are_refused_does_not_hold_up_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reliable();
    let [first, second, recovers] = [(); 3].map(|()| process(folder.path(), &store));
    let session = [login("a", 0, MORNING_MS), logout("a", 0, MORNING_MS)];
    // The slot with the number after the last that was recovered comes first, and 0 was none.
    second.push(&session.concat(), 2);
    first.push(&event("b", None, MORNING_MS), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop((first, second));
    tokio::time::sleep(Duration::from_secs(2)).await;
    store.state().refuses_logouts = true;
    recovers.start(true);
    connect(&recovers);
    // So that it knows that there is a database.
    recovers.push(&event("c", None, MORNING_MS), 1);
    tokio::time::sleep(Duration::from_secs(120)).await;
    let is_connected = recovers.shared().database.get().connected;
    assert!(is_connected, "this tested nothing");
    assert_eq!(store.state().sessions.len(), 1, "of one slot");
    assert_eq!(store.state().events.len(), 2, "of the other, and ours");
    store.state().refuses_logouts = false;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let is_closed = |session: &bson::Document| session.get_datetime("logoutAt").is_ok();
    assert!(store.state().sessions.values().all(is_closed));
}

#[tokio::test(start_paused = true)]
async fn slots_that_are_all_stuck_make_room_for_one_whose_records_are_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reliable();
    let [last, recovers] = [(); 2].map(|()| process(folder.path(), &store));
    let stuck = [(); 5].map(|()| process(folder.path(), &store));
    for (process, user) in stuck.iter().zip(["a", "b", "c", "d", "e"]) {
        let session = [login(user, 0, MORNING_MS), logout(user, 0, MORNING_MS)];
        process.push(&session.concat(), 2);
    }
    last.push(&event("f", Some((Counter::PvpBattles, 1.0)), MORNING_MS), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop((last, stuck));
    tokio::time::sleep(Duration::from_secs(2)).await;
    store.state().refuses_logouts = true;
    recovers.start(true);
    connect(&recovers);
    recovers.push(&event("g", None, MORNING_MS), 1);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(store.state().events.len(), 2, "of the last slot, and ours");
    assert_eq!(store.state().sessions.len(), 5);
    store.state().refuses_logouts = false;
    tokio::time::sleep(Duration::from_secs(300)).await;
    let state = store.state();
    let is_closed = |session: &bson::Document| session.get_datetime("logoutAt").is_ok();
    assert!(state.sessions.values().all(is_closed));
    let totals = &state.days[DAY].totals;
    assert_eq!(
        (totals[&Counter::SessionCount], totals[&Counter::PvpBattles]),
        (5.0, 1.0)
    );
}

#[tokio::test(start_paused = true)]
async fn totals_that_cannot_be_added_keep_no_record_of_a_slot_from_the_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = reliable();
    let [crashes, recovers] = [(); 2].map(|()| process(folder.path(), &store));
    crashes.push(&event("a", None, MORNING_MS), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(crashes);
    store.state().blocked = Some("no unique index".to_owned());
    recovers.start(true);
    connect(&recovers);
    recovers.push(&event("b", None, MORNING_MS), 1);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(store.state().events.len(), 2);
}
