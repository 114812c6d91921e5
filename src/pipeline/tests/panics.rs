//! A panic wherever the tasks of an instance wait: it costs the attempt that meets it, and nothing else. The
//! store panics at each of its requests in turn, which every kind of task that talks to it waits for; chance
//! panics at each wait that the worker asks for, and all work of the disk and the replay of events do where
//! they begin or wait. Senders have a test beside them.

use std::ops::RangeInclusive;

use super::legacy::old;
use super::lossy::check;
use super::*;
use crate::config::Config;
use crate::forward::Destinations;
use crate::instance::listener::Listener;
use crate::instance::shared::Shared;
use crate::pipeline::forwarding::Forwarding;
use crate::pipeline::spawn;
use crate::record::frame::testing::with_body;
use crate::record::target::Target;
use crate::spool::{Segments, SharedSegments, claim};
use crate::util::failpoint::testing::Fuse;
use crate::util::proptest_config::size;
use crate::util::random::{Random, Source, random_id};

const TARGET: Target = Target(5);
const EVENTS: usize = 8;
const SESSIONS: usize = 6;
const ALL: u64 = (EVENTS + 2 * SESSIONS + 1) as u64;

struct Waits(Arc<Fuse>);

impl Source for Waits {
    fn wait(&self, range: RangeInclusive<Duration>) -> Duration {
        self.0.pass();
        *range.end()
    }

    fn id(&self) -> String {
        random_id()
    }
}

fn on_disk(
    folder: &tempfile::TempDir,
    store: &FakeStore,
    opening: Arc<Fuse>,
    random: Random,
) -> (Pipeline, Arc<TestHost>) {
    let options = r#"{"flushIntervalMs": 10}"#;
    let (config, _) = Config::from_json(options, "{}").expect("valid options");
    let host = Arc::new(TestHost::default());
    let context = Context {
        random,
        ..context()
    };
    let shared = Shared::within(context, config, Arc::clone(&host) as Arc<dyn Listener>);
    let store = store.clone();
    let opener = Arc::new(move |_: Connection| {
        let (store, opening) = (store.clone(), Arc::clone(&opening));
        let open = async move {
            tokio::task::yield_now().await;
            opening.pass();
            Ok(store)
        };
        Box::pin(open)
            as std::pin::Pin<Box<dyn Future<Output = crate::store::Result<FakeStore>> + Send>>
    });
    let slot = claim(folder.path(), TARGET).expect("a slot");
    let spool = Segments::new(slot, 1 << 30, 2_000);
    (spawn(shared, opener, Some(spool)), host)
}

/// Half of everything.
fn push_half(pipeline: &Pipeline, half: usize) {
    for number in 0..EVENTS / 2 {
        let day = (number % 2) as i64 * 86_400_000;
        let user = format!("u{number}");
        pipeline.push(
            &event(&user, Some((Counter::PvpBattles, 1.0)), MORNING_MS + day),
            1,
        );
    }
    for number in 0..SESSIONS / 2 {
        let user = format!("u{half}-{number}");
        let frames = [
            login(&user, 0, MORNING_MS),
            logout(&user, 0, MORNING_MS + 60_000),
        ];
        pipeline.push(&frames.concat(), 2);
    }
}

/// Until it succeeds: whoever asked may have waited in vain for an attempt that ended in a panic.
async fn succeed(pipeline: &Pipeline, host: &TestHost, what: Request) {
    for _ in 0..20 {
        pipeline.request(1, what.clone());
        let outcome = host.outcome(1).await;
        host.lock().clear();
        if outcome.is_ok() {
            return;
        }
    }
    panic!("{what:?} never succeeds");
}

/// Recovers records, writes others, sums up old sessions, reads, stops and starts again; `loses` some requests.
async fn play(requests: &Arc<Fuse>, waits: &Arc<Fuse>, disk: &Arc<Fuse>, loses: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let fuse = Arc::clone(requests);
    let mut dice = Dice(requests.at);
    let store = FakeStore::new(move || {
        fuse.pass();
        match dice.roll(30) {
            0 if loses => Fate::RequestLost,
            1 if loses => Fate::ReplyLost,
            _ => Fate::Answered,
        }
    });
    old(&store, &[1]);
    let never = Fuse::new(u64::MAX);
    let (crashed, _) = on_disk(&folder, &store, never, Random::default());
    push_half(&crashed, 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(crashed);
    tokio::time::sleep(Duration::from_secs(2)).await;
    // What a disk does not take is in memory only, and a crash loses it.
    disk.arm("io");
    let random = Random::new(Waits(Arc::clone(waits)));
    let (pipeline, host) = on_disk(&folder, &store, Arc::clone(requests), random);
    pipeline.start(true);
    connect(&pipeline);
    push_half(&pipeline, 1);
    succeed(&pipeline, &host, Request::Flush).await;
    succeed(&pipeline, &host, Request::metrics(MORNING_MS)).await;
    succeed(&pipeline, &host, Request::Last30Days).await;
    succeed(&pipeline, &host, Request::Stop).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    pipeline.start(true);
    connect(&pipeline);
    pipeline.push(
        &event("last", Some((Counter::PvpBattles, 1.0)), MORNING_MS),
        1,
    );
    succeed(&pipeline, &host, Request::Flush).await;
    let counts = pipeline.shared().health.counts();
    assert_eq!((counts.accepted, counts.written), (ALL, ALL));
    assert!(
        counts.dropped.is_empty() && counts.warnings.is_empty(),
        "{counts:?}"
    );
    check(&store, requests.at);
    let state = store.state();
    assert_eq!(
        (state.events.len(), state.sessions.len()),
        (EVENTS + 1, SESSIONS)
    );
    let battles = state
        .days
        .values()
        .filter_map(|day| day.totals.get(&Counter::PvpBattles));
    assert_eq!(battles.sum::<f64>(), EVENTS as f64 + 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_any_request_ends_nothing_and_costs_no_record() {
    // Where requests are lost, too, there are more of them, and most are repetitions.
    let step = u64::from(size(3, 1));
    for (loses, step) in [(false, step), (true, 5 * step)] {
        let mut at = 0;
        loop {
            let (requests, never) = (Fuse::new(at), Fuse::new(u64::MAX));
            play(&requests, &never, &never, loses).await;
            if !requests.has_blown() {
                break;
            }
            at += step;
        }
        assert!(at > 30, "only {at} requests: this tested nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_any_turn_of_the_worker_ends_nothing_and_costs_no_record() {
    let mut at = 0;
    loop {
        let (never, waits) = (Fuse::new(u64::MAX), Fuse::new(at));
        play(&never, &waits, &never, true).await;
        if !waits.has_blown() {
            break;
        }
        at += 1;
    }
    assert!(at > 2, "only {at} waits: this tested nothing");
}

/// Whether those who wait were told that the instance fails, and how many lines say it.
fn told(host: &TestHost) -> (bool, usize) {
    let messages = host.lock();
    let is_line = |message: &&Message| matches!(message, Message::Log { text, .. } if text.contains("keeps this instance"));
    let is_told = messages.iter().any(|one| matches!(one, Message::Died));
    (is_told, messages.iter().filter(is_line).count())
}

#[tokio::test(start_paused = true)]
async fn a_panic_that_recurs_for_long_ends_no_instance_and_costs_no_record() {
    for spools in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let store = reliable();
        let (pipeline, host) = match spools {
            true => on_disk(&folder, &store, Fuse::new(u64::MAX), Random::default()),
            false => start(&store, r#"{"flushIntervalMs": 10}"#),
        };
        connect(&pipeline);
        succeed(&pipeline, &host, Request::Flush).await;
        let fuse = Fuse::lasting(0, 30);
        fuse.arm("worker");
        push_half(&pipeline, 0);
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(told(&host), (true, 1));
        let counts = pipeline.shared().health.counts();
        let error = counts.last_error.expect("an error").message;
        assert!(
            error.contains("panics.rs") || error.contains("failpoint.rs"),
            "{error}"
        );
        assert!(fuse.has_blown() && counts.dropped.is_empty());
        push_half(&pipeline, 1);
        // Turns come each minute by now.
        tokio::time::sleep(Duration::from_secs(40 * 60)).await;
        succeed(&pipeline, &host, Request::Flush).await;
        let counts = pipeline.shared().health.counts();
        assert_eq!((counts.accepted, counts.written), (ALL - 1, ALL - 1));
        assert!(counts.dropped.is_empty() && counts.rejected.is_empty());
        let state = store.state();
        let stored = (state.events.len(), state.sessions.len());
        assert_eq!(stored, (EVENTS, SESSIONS));
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_fails_ends_when_its_host_has_forgotten_it() {
    let (pipeline, host) = start(&reliable(), "{}");
    let shared = Arc::clone(pipeline.shared());
    Fuse::lasting(0, u64::MAX).arm("worker");
    pipeline.push(&event("a", None, MORNING_MS), 1);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(shared.health.queued(), 1);
    drop((pipeline, host));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(shared.health.counts().dropped["internal"], 1);
}

#[tokio::test(start_paused = true)]
async fn records_that_panic_whenever_they_are_read_back_cost_no_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, never) = (reliable(), Fuse::new(u64::MAX));
    let (crashed, _) = on_disk(&folder, &store, Arc::clone(&never), Random::default());
    push_half(&crashed, 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(crashed);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let half = (EVENTS / 2 + SESSIONS) as u64;
    // Each queue looks at each of them.
    Fuse::lasting(0, 4 * half).arm("read-back");
    let (pipeline, host) = on_disk(&folder, &store, never, Random::default());
    pipeline.start(true);
    connect(&pipeline);
    push_half(&pipeline, 1);
    tokio::time::sleep(Duration::from_secs(10)).await;
    succeed(&pipeline, &host, Request::Flush).await;
    let counts = pipeline.shared().health.counts();
    assert_eq!((counts.accepted, counts.written), (2 * half, half));
    assert_eq!(counts.dropped["internal"], half);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_any_work_of_the_disk_ends_nothing_and_costs_no_record() {
    let mut at = 0;
    loop {
        let (never, disk) = (Fuse::new(u64::MAX), Fuse::new(at));
        play(&never, &never, &disk, false).await;
        if !disk.has_blown() {
            break;
        }
        at += 1;
    }
    assert!(at > 10, "only {at} pieces of work: this tested nothing");
}

#[tokio::test(start_paused = true)]
async fn a_panic_wherever_a_replay_waits_replays_every_event_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, never) = (reliable(), Fuse::new(u64::MAX));
    let (crashed, _) = on_disk(&folder, &store, never, Random::default());
    for number in 0..EVENTS {
        let event = event(&format!("u{number}"), None, MORNING_MS);
        crashed.push(&with_body(event, "{}"), 1);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(crashed);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let dead = r#"{"destinations": [{"url": "http://127.0.0.1:1/"}]}"#;
    // A read waits once or, where it is done at once, not at all.
    for at in 0..4 {
        let fuse = Fuse::new(at);
        fuse.arm("replay");
        let (config, _) = Config::from_json(dead, "{}").expect("valid options");
        let shared = Shared::within(context(), config, Arc::new(TestHost::default()));
        let destinations = Destinations::new(&shared);
        let slot = claim(folder.path(), TARGET).expect("a slot");
        let segments = SharedSegments::new(Segments::new(slot, 1 << 30, 2_000));
        let mut forwarding = Forwarding::start(&shared, &destinations, Some(&segments));
        while destinations.forwarded_up_to(0).is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(destinations.queued(), EVENTS as u64, "a panic at {at}");
        forwarding.discard();
        assert!(fuse.has_blown() || at > 0, "nothing was replayed");
    }
}
