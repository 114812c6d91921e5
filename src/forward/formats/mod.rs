//! What the receivers want to be sent, one file each: a pure function from events to the body of a
//! request, and one from the answer to its meaning. A further receiver is one more file.

mod mixpanel;
mod payload;
mod posthog;
mod raw;
mod segment;

use std::time::Duration;

use super::event::Event;
use super::verdict::{Answer, LONGEST_RETRY_AFTER, Verdict, judge};
use crate::config::{Access, DestinationSettings};

/// Bounds of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub events: usize,
    /// Of the body before it is compressed.
    pub bytes: usize,
    pub event_bytes: usize,
}

/// Where and how a body is posted. It has no `Debug`: it holds credentials.
#[derive(Clone)]
pub struct Endpoint {
    pub url: String,
    /// User and password of `Authorization: Basic`.
    pub basic: Option<(String, String)>,
    pub is_gzip: bool,
}

/// Why a receiver never takes an event.
pub type Unfit = &'static str;

pub const NO_NAME: Unfit = "it has no name that is text";
pub const TOO_LARGE: Unfit = "it is larger than the receiver takes";
pub const UNREADABLE: Unfit = "its JSON cannot be read";

pub trait Format: Send + Sync {
    fn endpoint(&self) -> Endpoint;

    fn limits(&self) -> Limits;

    /// The event as it stands in the body.
    fn encode(&self, event: &Event) -> Result<Vec<u8>, Unfit>;

    /// The body of a request with these events; `now_ms` is the system clock, ms since 1970.
    fn body(&self, events: &[Vec<u8>], now_ms: i64) -> Vec<u8>;

    /// What the answer to a request with so many events means for them.
    fn judge(&self, answer: &Answer, _events: usize) -> Verdict {
        judge(answer.status)
    }

    /// Longest wait that the receiver may ask for.
    fn longest_retry_after(&self) -> Duration {
        LONGEST_RETRY_AFTER
    }
}

pub fn of(destination: &DestinationSettings) -> Box<dyn Format> {
    let url = destination.url.as_str();
    match &destination.access {
        Access::Raw => Box::new(raw::Raw::new(url)),
        Access::Mixpanel {
            username,
            password,
            project_id,
        } => Box::new(mixpanel::Mixpanel::new(
            url,
            (username.clone(), password.clone()),
            project_id.as_deref(),
        )),
        Access::Segment { write_key } => Box::new(segment::Segment::new(url, write_key)),
        Access::Posthog { api_key } => Box::new(posthog::Posthog::new(url, api_key)),
    }
}

/// A service's address and the path of its method.
fn join(base: &str, path: &str) -> String {
    format!("{}{path}", base.trim_end_matches('/'))
}
