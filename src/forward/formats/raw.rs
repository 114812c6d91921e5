//! The raw webhook: one request per event, with the body that JavaScript made, byte for byte.

use super::format::{EncodeError, Format, Limits};
use crate::forward::event::ForwardedEvent;
use crate::forward::transport::Endpoint;

pub struct Raw;

impl Format for Raw {
    fn endpoint(&self, url: &str) -> Endpoint {
        Endpoint {
            url: url.to_owned(),
            basic: None,
            is_gzip: false,
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            events: 1,
            bytes: usize::MAX,
        }
    }

    fn encode(&self, event: &ForwardedEvent) -> Result<Vec<u8>, EncodeError> {
        Ok(event.body.to_vec())
    }

    fn body(&self, events: &[Vec<u8>], _now_ms: i64) -> Vec<u8> {
        events.concat()
    }
}
