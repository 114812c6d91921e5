//! Delivery to a receiver that is played by the test, in paused time.

mod answers;
mod delivery;
mod replay;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Destinations;
use super::event::Event;
use super::event::testing::event;
use super::lane::{self, Transport};
use super::pace::Circuit;
use super::receiver::{Receiver, Remark};
use super::report::Report;
use super::verdict::Answer;
use crate::config::Config;
use crate::instance::listener::{Listener, Message};
use crate::instance::shared::Shared;

const RAW: &str = r#""url": "http://h/""#;
const SEGMENT: &str = r#""format": "segment", "writeKey": "k""#;
const MIXPANEL: &str = r#""format": "mixpanel", "token": "hunter2""#;
const SECOND: Duration = Duration::from_secs(1);

struct Nobody;

impl Listener for Nobody {
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
        let destinations = Destinations::new(&shared);
        let receiver = Arc::clone(destinations.iter().next().expect("one"));
        let played = Arc::new(Played {
            answer: Mutex::new(Box::new(answer)),
            requests: Mutex::default(),
            began: Instant::now(),
            takes: Duration::from_millis(1),
        });
        lane::start(&receiver, &played, &shared);
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

trait Concat {
    fn concat_numbers(&self) -> Vec<i64>;
}

impl Concat for Vec<(Duration, String)> {
    fn concat_numbers(&self) -> Vec<i64> {
        self.iter().flat_map(|(_, body)| numbers(body)).collect()
    }
}
