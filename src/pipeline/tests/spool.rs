//! A pipeline whose records wait on disk because memory holds enough.

use std::sync::atomic::{AtomicBool, Ordering};

use bson::rawdoc;
use tempfile::TempDir;

use super::*;
use crate::config::Config;
use crate::instance::listener::Listener;
use crate::instance::shared::Shared;
use crate::instance::spool_report::SpoolState;
use crate::pipeline::spawn;
use crate::record::frame::testing::{frame, with_body};
use crate::record::target::Target;
use crate::spool::{Segments, claim};

const TARGET: Target = Target(3);
/// More than half of the queue takes.
const MANY: usize = 400;

/// A pipeline with a small queue and a spool, and a store that loses requests until told otherwise.
struct Overflow {
    store: FakeStore,
    is_away: Arc<AtomicBool>,
    folder: TempDir,
    pipeline: Pipeline,
    host: Arc<TestHost>,
}

impl Overflow {
    fn new(max_spool_bytes: u64) -> Overflow {
        Self::with("", max_spool_bytes)
    }

    /// With further options.
    fn with(options: &str, max_spool_bytes: u64) -> Overflow {
        let is_away = Arc::new(AtomicBool::new(true));
        let away = Arc::clone(&is_away);
        let store = FakeStore::new(move || match away.load(Ordering::Relaxed) {
            true => Fate::RequestLost,
            false => Fate::Answered,
        });
        let folder = tempfile::tempdir().expect("a folder");
        let slot = claim(folder.path(), TARGET).expect("a slot");
        let spool = Segments::new(slot, max_spool_bytes, 2_000);
        let options = format!(
            r#"{{"maxQueueBytes": 131072, "ackTimeoutMs": 600000, "flushIntervalMs": 10{options}}}"#
        );
        let (mut config, _) = Config::from_json(&options, "{}").expect("valid options");
        config.max_spool_bytes = max_spool_bytes;
        let host = Arc::new(TestHost::default());
        let shared = Shared::within(context(), config, Arc::clone(&host) as Arc<dyn Listener>);
        let opened = store.clone();
        let opener = opener(move |_| opened.clone());
        let pipeline = spawn(shared, opener, Some(spool));
        connect(&pipeline);
        Overflow {
            store,
            is_away,
            folder,
            pipeline,
            host,
        }
    }

    /// Hands records over one by one, so that memory fills up meanwhile.
    async fn push(&self, frame: impl Fn(usize) -> Vec<u8>) {
        for number in 0..MANY {
            assert_eq!(self.pipeline.push(&frame(number), 1), 0, "record {number}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }

    async fn come_back(&self) {
        self.is_away.store(false, Ordering::Relaxed);
        self.pipeline.request(1, Request::Flush);
        assert_eq!(self.host.outcome(1).await, Ok(None));
        let shared = self.pipeline.shared();
        assert_eq!((shared.health.queued(), shared.memory.used()), (0, 0));
        let counts = self.pipeline.shared().health.counts();
        let dropped: u64 = counts.dropped.values().sum();
        assert_eq!(counts.accepted, counts.written + dropped);
    }

    fn spilled(&self) -> u64 {
        let spool = self.pipeline.shared().spool.get();
        spool.expect("a report").spilled
    }
}

fn counted(number: usize) -> Vec<u8> {
    let user = format!("a user with a name that takes some bytes {number}");
    event(&user, Some((Counter::PvpBattles, 1.0)), MORNING_MS)
}

fn battles(store: &FakeStore) -> f64 {
    store.state().days[DAY].totals[&Counter::PvpBattles]
}

#[tokio::test(start_paused = true)]
async fn records_that_memory_does_not_hold_wait_on_disk_and_are_written_in_the_end() {
    let overflow = Overflow::new(1 << 30);
    overflow.push(counted).await;
    assert!(overflow.spilled() > 0);
    let waiting = overflow.pipeline.shared();
    assert_eq!(waiting.health.queued(), MANY as u64);
    assert!(waiting.memory.used() < 131_072 / 4 * 3);
    overflow.come_back().await;
    assert_eq!(overflow.store.state().events.len(), MANY);
    assert_eq!(battles(&overflow.store), MANY as f64);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_holds_nothing_up_although_records_wait_for_it() {
    let overflow = Overflow::new(50_000);
    overflow.push(counted).await;
    assert!(overflow.spilled() > 0);
    let spool = overflow.pipeline.shared().spool.get().expect("a report");
    assert_eq!(spool.state, SpoolState::Full, "{spool:?}");
    overflow.come_back().await;
    assert_eq!(overflow.store.state().events.len(), MANY);
}

#[tokio::test(start_paused = true)]
async fn logins_that_waited_on_disk_are_acknowledged_when_they_are_written() {
    let overflow = Overflow::new(1 << 30);
    overflow
        .push(|number| {
            let user = format!("a user with a name that takes some bytes {number}");
            login(&user, number as u32 + 1, MORNING_MS)
        })
        .await;
    assert!(overflow.spilled() > 0);
    assert!(overflow.host.acknowledged().is_empty());
    overflow.come_back().await;
    let mut acknowledged = overflow.host.acknowledged();
    acknowledged.sort_unstable();
    assert_eq!(acknowledged, (1..=MANY as u32).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn records_whose_folder_was_removed_are_counted_and_the_rest_goes_on() {
    let overflow = Overflow::new(1 << 30);
    overflow.push(counted).await;
    assert!(overflow.spilled() > 0);
    std::fs::remove_dir_all(overflow.folder.path().join("0")).expect("removed");
    overflow.come_back().await;
    let counts = overflow.pipeline.shared().health.counts();
    assert!(counts.dropped["spool_damaged"] > 0);
    assert_eq!(battles(&overflow.store), counts.written as f64);
}

#[tokio::test(start_paused = true)]
async fn events_that_are_lost_on_disk_before_they_are_known_are_held_no_longer() {
    let dead = r#", "destinations": [{"url": "http://127.0.0.1:1/"}]"#;
    let overflow = Overflow::with(dead, 1 << 30);
    let keyed = |number: usize| {
        let key = format!("a key that takes some bytes, {number}");
        let document = rawdoc! { "userId": "a", "event": "paid", "dedupeKey": key };
        let bytes = document.as_bytes();
        let elements = &bytes[4..bytes.len() - 1];
        with_body(frame(1, 1, 0, MORNING_MS, 0.0, elements), "{}")
    };
    overflow.push(keyed).await;
    assert!(overflow.spilled() > 0);
    std::fs::remove_dir_all(overflow.folder.path().join("0")).expect("removed");
    overflow.come_back().await;
    let counts = overflow.pipeline.shared().health.counts();
    assert!(counts.dropped["spool_damaged"] > 0);
    let destinations = overflow.pipeline.destinations();
    assert_eq!(destinations.queued(), MANY as u64);
    assert_eq!(destinations.release_up_to(i64::MAX), 0, "still held");
}

#[tokio::test(start_paused = true)]
async fn totals_that_wait_are_saved_although_those_of_another_queue_are_added() {
    let overflow = Overflow::new(1 << 30);
    overflow.is_away.store(false, Ordering::Relaxed);
    overflow.store.state().refuses_markers = true;
    let saved = overflow.folder.path().join("0/totals.bson");
    for number in 0..MANY {
        let frames = [counted(number), login("ann", 0, MORNING_MS)];
        overflow.pipeline.push(&frames.concat(), 2);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(saved.exists(), "while events were added all the time");
    assert!(battles(&overflow.store) > 0.0);
    overflow.store.state().refuses_markers = false;
    overflow.come_back().await;
    let sessions = |store: &FakeStore| store.state().days[DAY].totals[&Counter::SessionCount];
    assert_eq!(sessions(&overflow.store), MANY as f64);
    assert_eq!(battles(&overflow.store), MANY as f64);
}

#[tokio::test(start_paused = true)]
async fn a_dead_destination_and_totals_that_wait_do_not_fill_the_disk_together() {
    let dead = r#", "destinations": [{"url": "http://127.0.0.1:1/"}]"#;
    let overflow = Overflow::with(dead, 20_000);
    overflow.is_away.store(false, Ordering::Relaxed);
    overflow.store.state().always_misses = true;
    let posted = |number| with_body(counted(number), "{}");
    overflow.push(posted).await;
    let spool = overflow.pipeline.shared().spool.get().expect("a report");
    assert_eq!((spool.state, spool.not_spooled), (SpoolState::Ok, 0));
    assert!(spool.bytes < 20_000, "{spool:?}");
    assert_eq!(overflow.store.state().events.len(), MANY);
}
