//! Request: one body from the oldest events of a queue.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::profile::Profile;
use crate::forward::event::ForwardedEvent;
use crate::forward::formats::EncodeError;
use crate::util::clock::system_ms;

/// The error of a defect of this package.
const INTERNAL: EncodeError = EncodeError("internal: it cannot be encoded");

#[derive(Default)]
pub struct Request {
    /// In the order of the queue, with those that could not be encoded.
    pub events: Vec<Arc<ForwardedEvent>>,
    /// How many of them are in the body.
    pub encoded: usize,
    /// Why another one is not, if any is not.
    pub encode_error: Option<EncodeError>,
    pub body: Vec<u8>,
}

impl Request {
    /// A batch takes milliseconds to encode and to compress, which must not hold up the runtime.
    pub async fn of(profile: &Arc<Profile>, events: Vec<Arc<ForwardedEvent>>) -> Self {
        if events.len() == 1 && !profile.endpoint.is_gzip {
            return Self::encode(profile, events);
        }
        let (profile, given) = (Arc::clone(profile), events.clone());
        let encoding = move || Self::encode(&profile, given);
        let encoded = tokio::task::spawn_blocking(encoding).await;
        // Only a defect of this package ends it otherwise, and would again.
        encoded.unwrap_or_else(|_| Self {
            events,
            encode_error: Some(INTERNAL),
            ..Self::default()
        })
    }

    /// As many of the events as one request takes.
    fn encode(profile: &Profile, events: Vec<Arc<ForwardedEvent>>) -> Self {
        let format = &profile.format;
        let mut request = Self::default();
        let (mut encoded, mut bytes) = (Vec::new(), 0_usize);
        for event in events {
            match format.encode(&event) {
                Ok(json) => {
                    let with_it = bytes.saturating_add(json.len() + 1);
                    if with_it > profile.limits.bytes && bytes > 0 {
                        break;
                    }
                    bytes = with_it;
                    encoded.push(json);
                }
                Err(error) => request.encode_error = Some(error),
            }
            request.events.push(event);
        }
        request.encoded = encoded.len();
        let body = format.body(&encoded, system_ms());
        request.body = match profile.endpoint.is_gzip {
            true => compressed(&body),
            false => body,
        };
        request
    }
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing into memory does not fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}
