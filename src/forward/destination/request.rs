//! Request: one body from the oldest events of a queue.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::circuit_breaker::Permit;
use super::partitions::Lane;
use super::profile::Profile;
use crate::forward::event::ForwardedEvent;
use crate::forward::formats::EncodeError;
use crate::forward::transport::{Post, Senders};
use crate::util::clock::system_ms;
use crate::util::panics::{Panicked, catch};
use crate::util::threads::Threads;

/// The error of a defect of this package.
const INTERNAL: EncodeError = EncodeError("internal: it cannot be encoded");

/// The oldest events of a queue, admitted together.
#[derive(Clone)]
pub struct Batch {
    pub partition: usize,
    pub lane: Lane,
    pub permit: Permit,
    pub events: Vec<Arc<ForwardedEvent>>,
}

pub struct Request {
    /// As many of the events as fit, with those that could not be encoded.
    pub batch: Batch,
    /// The sequence numbers of those that are in the body.
    pub encoded: Vec<i64>,
    /// Why another one is not, if any is not.
    pub encode_error: Option<EncodeError>,
    pub post: Post,
}

impl Request {
    /// A batch takes milliseconds to encode and to compress, which must not hold up the runtime.
    pub async fn of(
        profile: &Arc<Profile>,
        batch: Batch,
        threads: &Threads,
    ) -> Result<Self, Panicked> {
        if batch.events.len() == 1 && !profile.endpoint.is_gzip {
            return Ok(Self::encode(profile, batch));
        }
        let profile = Arc::clone(profile);
        threads.run(move || Self::encode(&profile, batch)).await
    }

    /// Those of its events that come from these senders.
    pub fn events_of(&self, senders: &Senders, profile: &Profile) -> Vec<Arc<ForwardedEvent>> {
        let is_listed = |event: &ForwardedEvent| {
            let position = self.encoded.binary_search(&event.seq);
            position.is_ok_and(|position| senders.positions.contains(&position))
        };
        let is_named = |event: &ForwardedEvent| {
            let sender = profile.sender(event);
            sender.is_some_and(|sender| senders.names.contains(&sender))
        };
        let events = self.batch.events.iter();
        let theirs = events.filter(|event| is_listed(event) || is_named(event));
        theirs.map(Arc::clone).collect()
    }

    fn encode(profile: &Profile, mut batch: Batch) -> Self {
        let (mut encoded, mut bodies, mut encode_error) = (Vec::new(), Vec::new(), None);
        let (mut fitting, mut bytes) = (0, 0_usize);
        for event in &batch.events {
            // A defect that one event meets costs no other.
            match catch(|| profile.encode(event)).unwrap_or(Err(INTERNAL)) {
                Ok(json) => {
                    let with_it = bytes.saturating_add(json.len() + 1);
                    if with_it > profile.limits.bytes && bytes > 0 {
                        break;
                    }
                    bytes = with_it;
                    encoded.push(event.seq);
                    bodies.push(json);
                }
                Err(error) => encode_error = Some(error),
            }
            fitting += 1;
        }
        batch.events.truncate(fitting);
        let post = match encoded.is_empty() {
            true => Post::default(),
            false => Self::post(profile, &batch.events[0], &bodies),
        };
        Self {
            batch,
            encoded,
            encode_error,
            post,
        }
    }

    /// The request of one event by itself.
    pub fn alone(profile: &Profile, event: &ForwardedEvent) -> Result<Post, EncodeError> {
        let json = profile.encode(event)?;
        Ok(Self::post(profile, event, &[json]))
    }

    fn post(profile: &Profile, first: &ForwardedEvent, bodies: &[Vec<u8>]) -> Post {
        let (format, now_ms) = (&profile.format, system_ms());
        let body = format.body(bodies, now_ms);
        let body = match profile.endpoint.is_gzip {
            true => compressed(&body),
            false => body,
        };
        Post {
            headers: format.headers(first, &body, now_ms),
            body,
        }
    }
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing into memory does not fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}
