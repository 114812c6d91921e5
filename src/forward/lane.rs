//! The loop that delivers: takes what is due, builds a request, sends it, takes in the answer.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::time::{Instant, sleep_until};

use super::event::Event;
use super::messages;
use super::receiver::{Receiver, Step};
use super::settle::{Attempt, Now};
use super::verdict::Answer;
use crate::instance::shared::Shared;
use crate::util::clock::system_ms;

/// The way to a receiver.
pub trait Transport: Send + Sync + 'static {
    /// Posts one body; an error says what went wrong, without secrets.
    fn post(&self, body: Vec<u8>) -> impl Future<Output = Result<Answer, String>> + Send;
}

/// Starts a sender for each partition of the destination.
pub fn start<T: Transport>(receiver: &Arc<Receiver>, transport: &Arc<T>, shared: &Arc<Shared>) {
    for number in 0..receiver.lanes() {
        let (receiver, transport) = (Arc::clone(receiver), Arc::clone(transport));
        tokio::spawn(run(receiver, transport, number, Arc::clone(shared)));
    }
}

/// Runs until nothing is left and nothing comes any more.
async fn run<T: Transport>(
    receiver: Arc<Receiver>,
    transport: Arc<T>,
    lane: usize,
    shared: Arc<Shared>,
) {
    loop {
        let (step, expired) = receiver.step(lane, Instant::now());
        if let Some(remark) = expired {
            messages::tell(&shared, &receiver.settings.name, remark);
            shared.wake_worker();
        }
        match step {
            Step::End => return,
            Step::Wait(None) => receiver.woken(lane).await,
            Step::Wait(Some(until)) => tokio::select! {
                () = sleep_until(until) => {}
                () = receiver.woken(lane) => {}
            },
            Step::Send(events, leave) => {
                let built = build(&receiver, events).await;
                let attempt = Attempt {
                    events: built.events,
                    sent: built.sent,
                    unfit: built.unfit,
                    leave,
                };
                let outcome = match attempt.sent.is_empty() {
                    true => Err(String::new()),
                    false => transport.post(built.body).await,
                };
                let now = Now {
                    instant: Instant::now(),
                    time_ms: system_ms(),
                };
                for remark in receiver.settle(lane, &attempt, outcome, now) {
                    messages::tell(&shared, &receiver.settings.name, remark);
                }
                shared.wake_worker();
            }
        }
    }
}

#[derive(Default)]
struct Built {
    events: Vec<Arc<Event>>,
    sent: Vec<usize>,
    unfit: Option<&'static str>,
    body: Vec<u8>,
}

/// Batches take milliseconds to write and to compress, which must not hold up the database's side.
async fn build(receiver: &Arc<Receiver>, events: Vec<Arc<Event>>) -> Built {
    if events.len() == 1 && !receiver.endpoint.is_gzip {
        return build_now(receiver, events);
    }
    let building = Arc::clone(receiver);
    let (events, backup) = (events.clone(), events);
    let built = tokio::task::spawn_blocking(move || build_now(&building, events)).await;
    // Only a defect of this package ends it otherwise; what it met is not met again.
    built.unwrap_or_else(|_| Built {
        events: backup,
        unfit: Some("internal"),
        ..Built::default()
    })
}

/// As many of the events as one request takes.
fn build_now(receiver: &Receiver, events: Vec<Arc<Event>>) -> Built {
    let format = &receiver.format;
    let limits = format.limits();
    let mut built = Built::default();
    let (mut encoded, mut bytes) = (Vec::new(), 0_usize);
    for event in events {
        match format.encode(&event) {
            Ok(json) if bytes.saturating_add(json.len() + 1) > limits.bytes && bytes > 0 => break,
            Ok(json) => {
                bytes += json.len() + 1;
                encoded.push(json);
                built.sent.push(built.events.len());
            }
            Err(unfit) => built.unfit = Some(unfit),
        }
        built.events.push(event);
    }
    let body = format.body(&encoded, system_ms());
    built.body = match receiver.endpoint.is_gzip {
        true => compressed(body),
        false => body,
    };
    built
}

fn compressed(body: Vec<u8>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing into memory does not fail.
    let _ = encoder.write_all(&body);
    encoder.finish().unwrap_or_default()
}
