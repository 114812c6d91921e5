//! Delivery to a service that the test simulates, in paused time.

mod delivery;
mod panics;
mod privacy;
mod replay;
mod responses;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Destinations;
use super::destination::{CircuitState, Destination, Report, start_senders};
use super::event::testing::{event, of_session};
use super::event::{ForwardedEvent, Kind};
use super::transport::{Post, Response, Transport, parse_retry_after};
use crate::config::Config;
use crate::instance::listener::{Listener, Message};
use crate::instance::shared::Shared;

const RAW: &str = r#""url": "http://h/""#;
const SEGMENT: &str = r#""format": "segment", "writeKey": "k""#;
const MIXPANEL: &str = r#""format": "mixpanel", "token": "hunter2""#;
const POSTHOG: &str = r#""format": "posthog", "apiKey": "k""#;
const AMPLITUDE: &str = r#""format": "amplitude", "apiKey": "k""#;
const GAME: &str = r#""format": "gameanalytics", "gameKey": "g", "secretKey": "s""#;
const SECOND: Duration = Duration::from_secs(1);

/// Keeps the lines of the log.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Listener for Lines {
    fn deliver(&self, message: Message) {
        if let Message::Log { text, .. } = message {
            self.0.lock().expect("a lock").push(text);
        }
    }
}

type Answering = Box<dyn FnMut(&str) -> Result<Response, String> + Send>;

/// Responds as the test says, and keeps every request with its time.
struct Played {
    answer: Mutex<Answering>,
    requests: Mutex<Vec<(Duration, String)>>,
    began: Instant,
    takes: Duration,
}

impl Transport for Played {
    async fn post(&self, post: Post) -> Result<Response, String> {
        let body = plain(post.body);
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
    destination: Arc<Destination>,
    played: Arc<Played>,
    lines: Arc<Lines>,
    seq: i64,
}

impl World {
    /// `fields` are those of the destination.
    fn new(
        fields: &str,
        answer: impl FnMut(&str) -> Result<Response, String> + Send + 'static,
    ) -> Self {
        let options = format!(r#"{{"destinations": [{{{fields}}}]}}"#);
        let (config, _) = Config::from_json(&options, "{}").expect("valid options");
        let lines = Arc::new(Lines::default());
        let shared = Shared::new(config, Arc::clone(&lines) as Arc<dyn Listener>);
        let destinations = Destinations::new(&shared);
        let destination = Arc::clone(destinations.iter().next().expect("one"));
        let played = Arc::new(Played {
            answer: Mutex::new(Box::new(answer)),
            requests: Mutex::default(),
            began: Instant::now(),
            takes: Duration::from_millis(1),
        });
        start_senders(&destination, &played);
        World {
            destination,
            played,
            lines,
            seq: 0,
        }
    }

    fn enqueue(&mut self, user: &str, data: &str) {
        self.seq += 1;
        self.destination.enqueue(&event(self.seq, user, data));
    }

    /// The number of log lines with this text.
    fn logged(&self, text: &str) -> usize {
        let lines = self.lines.0.lock().expect("a lock");
        lines.iter().filter(|line| line.contains(text)).count()
    }

    fn enqueue_numbers(&mut self, count: i64) {
        for n in 1..=count {
            self.enqueue("ann", &format!(r#"{{"n":{n}}}"#));
        }
    }

    /// Waits until the queue is empty.
    async fn when_empty(&self) -> Report {
        for _ in 0..1_000_000 {
            if self.destination.queued() == 0 {
                return self.destination.report();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} events wait", self.destination.queued());
    }

    fn requests(&self) -> Vec<(Duration, String)> {
        self.played.requests().clone()
    }
}

fn answer(status: u16) -> Result<Response, String> {
    Ok(Response {
        status,
        retry_after: Duration::ZERO,
        body: Vec::new(),
    })
}

fn asking(status: u16, value: &str) -> Result<Response, String> {
    answer(status).map(|answer| Response {
        retry_after: parse_retry_after(value, 0).unwrap_or_default(),
        ..answer
    })
}

/// The numbers of the events in a request.
fn numbers(body: &str) -> Vec<i64> {
    let number = |text: &str| text.split(['}', ',']).next()?.parse().ok();
    body.split(r#""n":"#).skip(1).filter_map(number).collect()
}

trait Concat {
    fn concat_numbers(&self) -> Vec<i64>;
}

impl Concat for Vec<(Duration, String)> {
    fn concat_numbers(&self) -> Vec<i64> {
        self.iter().flat_map(|(_, body)| numbers(body)).collect()
    }
}
