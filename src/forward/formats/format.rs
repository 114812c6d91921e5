//! The interface of all formats.

use std::time::Duration;

use crate::forward::event::ForwardedEvent;
use crate::forward::transport::{Disposition, Endpoint, Header, Response, of_status};

/// Longest wait that a service may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// Bounds of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub events: usize,
    /// Of the body before it is compressed.
    pub bytes: usize,
}

/// The reason why an event fits no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodeError(pub &'static str);

pub const NO_NAME: EncodeError = EncodeError("it has no name that is text");
pub const TOO_LARGE: EncodeError = EncodeError("it is larger than the service takes");
pub const UNREADABLE: EncodeError = EncodeError("its JSON cannot be read");

pub trait Format: Send + Sync {
    /// Where bodies go, below the `url` of the settings.
    fn endpoint(&self, url: &str) -> Endpoint;

    fn limits(&self) -> Limits;

    /// The event as it is in the body.
    fn encode(&self, event: &ForwardedEvent) -> Result<Vec<u8>, EncodeError>;

    /// The body of a request with these events; `now_ms` is the system clock, ms since 1970.
    fn body(&self, events: &[Vec<u8>], now_ms: i64) -> Vec<u8>;

    /// The headers of a request with these bytes, compressed where they are. `first` is its oldest event, and
    /// `now_ms` as above.
    fn headers(&self, _first: &ForwardedEvent, _bytes: &[u8], _now_ms: i64) -> Vec<Header> {
        Vec::new()
    }

    /// The meaning of the response to a request with so many events.
    fn interpret(&self, response: &Response, _events: usize) -> Disposition {
        of_status(response.status)
    }

    fn max_retry_after(&self) -> Duration {
        MAX_RETRY_AFTER
    }
}

/// The address of a service and the path of its method.
pub fn join(base: &str, path: &str) -> String {
    format!("{}{path}", base.trim_end_matches('/'))
}
