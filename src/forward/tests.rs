//! Delivery to a receiver that is played by the test, in paused time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::event::Event;
use super::event::testing::event;
use super::lane::Transport;
use super::pace::Circuit;
use super::receiver::{Receiver, Remark, Report};
use super::start_lanes;
use super::verdict::Answer;
use crate::config::Config;
use crate::host::{Host, Message};
use crate::shared::Shared;

const RAW: &str = r#""url": "http://h/""#;
const SEGMENT: &str = r#""format": "segment", "writeKey": "k""#;
const MIXPANEL: &str = r#""format": "mixpanel", "token": "hunter2""#;
const SECOND: Duration = Duration::from_secs(1);

struct Nobody;

impl Host for Nobody {
    fn deliver(&self, _message: Message) {}
}

type Answering = Box<dyn FnMut(&str) -> Result<Answer, String> + Send>;

/// Answers as the test says, and keeps what came and when.
struct Played {
    answer: Mutex<Answering>,
    requests: Mutex<Vec<(Duration, String)>>,
    began: Instant,
    takes: Duration,
}

impl Transport for Played {
    async fn post(&self, body: Vec<u8>) -> Result<Answer, String> {
        let body = plain(body);
        self.requests().push((self.began.elapsed(), body.clone()));
        tokio::time::sleep(self.takes).await;
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer(&body)
    }
}

fn plain(body: Vec<u8>) -> String {
    use std::io::Read;
    let mut text = String::new();
    match body.starts_with(&[0x1f, 0x8b]) {
        true => drop(flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text)),
        false => text = String::from_utf8(body).expect("text"),
    }
    text
}

impl Played {
    fn requests(&self) -> std::sync::MutexGuard<'_, Vec<(Duration, String)>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct World {
    receiver: Arc<Receiver>,
    played: Arc<Played>,
    seq: i64,
}

impl World {
    /// `fields` are those of the destination.
    fn new(
        fields: &str,
        answer: impl FnMut(&str) -> Result<Answer, String> + Send + 'static,
    ) -> Self {
        let options = format!(r#"{{"destinations": [{{{fields}}}]}}"#);
        let (config, _) = Config::from_json(&options, "{}").expect("valid options");
        let shared = Shared::new(config, Arc::new(Nobody));
        let receiver = Arc::clone(&shared.receivers[0]);
        let played = Arc::new(Played {
            answer: Mutex::new(Box::new(answer)),
            requests: Mutex::default(),
            began: Instant::now(),
            takes: Duration::from_millis(1),
        });
        start_lanes(&receiver, &played, &shared);
        World {
            receiver,
            played,
            seq: 0,
        }
    }

    fn push(&mut self, user: &str, data: &str) -> Option<Remark> {
        self.seq += 1;
        self.receiver.push(&event(self.seq, user, data))
    }

    fn push_numbers(&mut self, count: i64) {
        for n in 1..=count {
            self.push("ann", &format!(r#"{{"n":{n}}}"#));
        }
    }

    /// Waits until nothing is queued any more.
    async fn settled(&self) -> Report {
        for _ in 0..1_000_000 {
            if self.receiver.queued() == 0 {
                return self.receiver.report();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} events are left", self.receiver.queued());
    }

    fn requests(&self) -> Vec<(Duration, String)> {
        self.played.requests().clone()
    }
}

fn answer(status: u16) -> Result<Answer, String> {
    Ok(Answer {
        status,
        retry_after: None,
        body: Vec::new(),
    })
}

fn asking(status: u16, seconds: &str) -> Result<Answer, String> {
    answer(status).map(|answer| Answer {
        retry_after: Some(seconds.to_owned()),
        ..answer
    })
}

/// The numbers of the events in a request.
fn numbers(body: &str) -> Vec<i64> {
    let number = |text: &str| text.split(['}', ',']).next()?.parse().ok();
    body.split(r#""n":"#).skip(1).filter_map(number).collect()
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_sent_again_in_its_order_until_it_is_taken() {
    let mut failures = 3;
    let mut world = World::new(RAW, move |_| {
        failures -= 1;
        match failures {
            2 => Err("reset".to_owned()),
            0 | 1 => answer(503),
            _ => answer(200),
        }
    });
    world.push_numbers(3);
    let report = world.settled().await;
    assert_eq!((report.counts.sent, report.counts.retried), (3, 3));
    let seen = world.requests().concat_numbers();
    assert_eq!(seen, [1, 1, 1, 1, 2, 3]);
    let error = report.counts.last_error.expect("an error");
    assert_eq!(error.message, "it answered 503");
}

trait Concat {
    fn concat_numbers(&self) -> Vec<i64>;
}

impl Concat for Vec<(Duration, String)> {
    fn concat_numbers(&self) -> Vec<i64> {
        self.iter().flat_map(|(_, body)| numbers(body)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_a_receiver_asks_for_is_kept() {
    let mut answers = vec![answer(200), asking(503, "garbage"), asking(429, "90")];
    let mut world = World::new(RAW, move |_| answers.pop().expect("an answer"));
    world.push_numbers(1);
    world.settled().await;
    let times: Vec<Duration> = world.requests().into_iter().map(|(at, _)| at).collect();
    assert!(times[1] - times[0] >= 90 * SECOND, "{times:?}");
    assert!(times[1] - times[0] < 92 * SECOND, "{times:?}");
    assert!(times[2] - times[1] <= 2 * SECOND, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn four_lanes_probe_a_dead_receiver_with_one_request_per_step() {
    let mut world = World::new(RAW, |_| answer(500));
    for user in 0..40 {
        world.push(&format!("u{user}"), r#"{"n":1}"#);
    }
    tokio::time::sleep(3_600 * SECOND).await;
    let report = world.receiver.report();
    assert_eq!((report.queued, report.circuit), (40, Circuit::Open));
    assert!(
        report
            .oldest_waiting
            .is_some_and(|age| age >= 3_599 * SECOND)
    );
    let requests = world.requests();
    // Of the open circuit: mean waits of some 150 s.
    assert!(
        requests.len() < 120,
        "{} requests in an hour",
        requests.len()
    );
    let late = requests.iter().filter(|(at, _)| *at > 60 * SECOND);
    let times: Vec<Duration> = late.map(|(at, _)| *at).collect();
    let together = times
        .windows(2)
        .filter(|pair| pair[1] - pair[0] < SECOND / 10);
    assert_eq!(together.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_comes_back_gets_everything() {
    let back = Instant::now() + 1_800 * SECOND;
    let mut world = World::new(RAW, move |_| match Instant::now() < back {
        true => Err("refused".to_owned()),
        false => answer(204),
    });
    for user in 0..40 {
        world.push(&format!("u{user}"), r#"{"n":1}"#);
    }
    let report = world.settled().await;
    assert_eq!((report.counts.sent, report.circuit), (40, Circuit::Closed));
    assert!(Instant::now() < back + 301 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_too_large_is_halved_until_it_fits() {
    let mut world = World::new(SEGMENT, |body| match numbers(body).len() {
        0..=30 => answer(200),
        _ => answer(413),
    });
    world.push_numbers(100);
    let report = world.settled().await;
    assert_eq!((report.counts.sent, report.counts.set_aside), (100, 0));
    let taken = world
        .requests()
        .into_iter()
        .filter(|(_, body)| numbers(body).len() <= 30);
    let taken: Vec<i64> = taken.flat_map(|(_, body)| numbers(&body)).collect();
    assert_eq!(taken, (1..=100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn events_that_a_receiver_never_takes_are_found_and_set_aside() {
    let bad = [17, 18, 700, 1_000];
    let is_bad = move |body: &str| numbers(body).iter().any(|n| bad.contains(n));
    let mut world = World::new(SEGMENT, move |body| match is_bad(body) {
        true => answer(400),
        false => answer(200),
    });
    world.push_numbers(1_000);
    let report = world.settled().await;
    assert_eq!((report.counts.sent, report.counts.set_aside), (996, 4));
    let requests = world.requests();
    let taken = requests.iter().filter(|(_, body)| !is_bad(body));
    let taken: Vec<i64> = taken.flat_map(|(_, body)| numbers(body)).collect();
    let expected = (1..=1_000).filter(|n| !bad.contains(n));
    assert_eq!(taken, expected.collect::<Vec<_>>());
    assert!(requests.len() < 150, "{} requests", requests.len());
}

#[tokio::test(start_paused = true)]
async fn of_a_partial_success_the_named_events_are_set_aside_and_nothing_is_sent_again() {
    let mut world = World::new(MIXPANEL, |_| {
        answer(400).map(|answer| Answer {
            body: br#"{"failed_records":[{"index":1,"field":"token","message":"hunter2 is bad"}]}"#
                .to_vec(),
            ..answer
        })
    });
    world.push_numbers(5);
    let report = world.settled().await;
    assert_eq!((report.counts.sent, report.counts.set_aside), (4, 1));
    assert_eq!(world.requests().len(), 1);
    let error = report.counts.last_error.expect("an error");
    assert_eq!(error.message, "token: … is bad");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fits_no_request_is_set_aside_and_the_others_are_sent() {
    let mut world = World::new(SEGMENT, |_| answer(200));
    world.push("ann", r#"{"n":1}"#);
    world.push(
        "ann",
        &format!(r#"{{"n":2,"text":"{}"}}"#, "x".repeat(32_000)),
    );
    world.push("ann", r#"{"n":3}"#);
    let report = world.settled().await;
    assert_eq!((report.counts.sent, report.counts.set_aside), (2, 1));
    assert_eq!(world.requests().concat_numbers(), [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_body_keeps_its_bound_although_events_grow_when_they_are_written() {
    let mut world = World::new(SEGMENT, |_| answer(200));
    let text = "x".repeat(60);
    for n in 1..=5_000 {
        world.push("ann", &format!(r#"{{"n":{n},"text":"{text}"}}"#));
    }
    assert_eq!(world.settled().await.counts.sent, 5_000);
    let requests = world.requests();
    let sizes: Vec<usize> = requests.iter().map(|(_, body)| body.len()).collect();
    assert!(sizes.iter().all(|size| *size <= 500_000), "{sizes:?}");
    assert!(sizes.len() <= 4, "{sizes:?}");
    assert_eq!(requests.concat_numbers(), (1..=5_000).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_gets_nothing_more() {
    let mut world = World::new(RAW, |_| answer(410));
    world.push_numbers(3);
    let report = world.settled().await;
    world.push_numbers(1);
    tokio::time::sleep(3_600 * SECOND).await;
    assert_eq!(world.requests().len(), 1);
    assert_eq!(report.circuit, Circuit::Disabled);
    let dropped = world.receiver.report().counts.dropped;
    assert_eq!(dropped.into_iter().collect::<Vec<_>>(), [("disabled", 4)]);
}

#[tokio::test(start_paused = true)]
async fn a_matter_of_settings_is_tried_for_minutes_before_an_event_is_set_aside() {
    let mut world = World::new(RAW, |_| answer(401));
    world.push_numbers(1);
    let report = world.settled().await;
    assert_eq!((report.counts.set_aside, report.counts.retried), (1, 9));
    let took = world.played.began.elapsed();
    assert!(took > 9 * 120 * SECOND && took < 3_600 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_waits_too_long_is_given_up_and_counted() {
    let mut world = World::new(&format!(r#"{RAW}, "maxAgeMs": 60000"#), |_| answer(500));
    world.push_numbers(3);
    tokio::time::sleep(30 * SECOND).await;
    world.push_numbers(2);
    tokio::time::sleep(31 * SECOND).await;
    assert_eq!(world.receiver.report().counts.expired, 3);
    let report = world.settled().await;
    assert_eq!(report.counts.expired, 5);
    let took = world.played.began.elapsed();
    assert!(took < 91 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_in_bytes_and_refuses_the_newest() {
    let mut world = World::new(&format!(r#"{RAW}, "maxQueueBytes": 65536"#), |_| {
        answer(500)
    });
    let data = format!(r#"{{"n":1,"text":"{}"}}"#, "x".repeat(10_000));
    let remarks = (0..10).map(|_| world.push("ann", &data));
    let remarks: Vec<_> = remarks.flatten().collect();
    assert_eq!(remarks, [Remark::QueueFull], "told once");
    let report = world.receiver.report();
    assert!(report.queued_bytes <= 65_536);
    assert_eq!(report.queued, 6);
    assert_eq!(report.counts.dropped.get("queue_full"), Some(&4));
}

#[tokio::test(start_paused = true)]
async fn events_wait_a_second_for_others_unless_somebody_waits_for_them() {
    let mut world = World::new(SEGMENT, |_| answer(200));
    world.push_numbers(2);
    tokio::time::sleep(SECOND / 2).await;
    world.push_numbers(2);
    world.settled().await;
    world.push_numbers(2);
    world.receiver.hurry(true);
    tokio::time::sleep(SECOND / 10).await;
    let sizes = world.requests();
    let sizes = sizes.iter().map(|(_, body)| numbers(body).len());
    assert_eq!(sizes.collect::<Vec<_>>(), [4, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_hurry_ends_a_long_wait_of_ours() {
    let alive = Arc::new(Mutex::new(false));
    let seen = Arc::clone(&alive);
    let mut world = World::new(RAW, move |_| match *seen.lock().expect("a lock") {
        true => answer(200),
        false => answer(500),
    });
    world.push_numbers(1);
    tokio::time::sleep(3_600 * SECOND).await;
    *alive.lock().expect("a lock") = true;
    world.receiver.hurry(true);
    tokio::time::sleep(SECOND / 10).await;
    assert_eq!(world.receiver.report().counts.sent, 1);
}

#[tokio::test(start_paused = true)]
async fn users_are_spread_over_four_lanes_and_stay_in_theirs() {
    let mut world = World::new(RAW, |_| answer(200));
    for user in 0..20 {
        world.push(&format!("u{user}"), r#"{"n":1}"#);
    }
    let lanes: std::collections::BTreeSet<usize> = (0..20)
        .map(|user| event(1, &format!("u{user}"), "{}").user_hash() % 4)
        .collect();
    assert_eq!(lanes.len(), 4);
    assert_eq!(
        event(1, "u", "{}").user_hash(),
        event(2, "u", "[]").user_hash()
    );
    assert_eq!(world.settled().await.counts.sent, 20);
}

#[tokio::test(start_paused = true)]
async fn a_users_events_are_under_way_one_at_a_time() {
    let mut world = World::new(RAW, |_| answer(200));
    world.push_numbers(20);
    world.settled().await;
    let times: Vec<Duration> = world.requests().into_iter().map(|(at, _)| at).collect();
    let apart = times.windows(2).filter(|pair| pair[1] > pair[0]);
    assert_eq!(
        apart.count(),
        19,
        "each begins after the one before has ended"
    );
}

#[tokio::test(start_paused = true)]
async fn the_lists_of_names_say_what_is_forwarded() {
    for (lists, sent) in [
        (r#", "allow": ["quest.done"]"#, 1),
        (r#", "allow": ["other"]"#, 0),
        (r#", "deny": ["quest.done"]"#, 0),
        (r#", "deny": ["other"]"#, 1),
        (r#", "allow": ["quest.done"], "deny": ["quest.done"]"#, 0),
        (r#", "allow": []"#, 0),
    ] {
        let mut world = World::new(&format!("{RAW}{lists}"), |_| answer(200));
        world.push_numbers(1);
        let report = world.settled().await;
        assert_eq!(report.counts.sent, sent, "{lists}");
        let named = Arc::new(Event {
            name: None,
            ..Arc::into_inner(event(9, "u", "{}")).expect("the only one")
        });
        world.receiver.push(&named);
        let report = world.settled().await;
        let is_sent = u64::from(!lists.contains("allow"));
        assert_eq!(report.counts.sent, sent + is_sent, "{lists}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_the_host_is_gone_is_still_sent() {
    let mut world = World::new(RAW, |_| answer(200));
    world.push_numbers(4);
    world.receiver.close();
    assert_eq!(world.settled().await.counts.sent, 4);
}
