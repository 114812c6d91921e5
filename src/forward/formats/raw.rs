//! The raw webhook: one request per event, with the very body that JavaScript made.

use super::{Endpoint, Format, Limits, Unfit};
use crate::forward::event::Event;

pub struct Raw {
    url: String,
}

impl Raw {
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
        }
    }
}

impl Format for Raw {
    fn endpoint(&self) -> Endpoint {
        Endpoint {
            url: self.url.clone(),
            basic: None,
            is_gzip: false,
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            events: 1,
            bytes: usize::MAX,
            event_bytes: usize::MAX,
        }
    }

    fn encode(&self, event: &Event) -> Result<Vec<u8>, Unfit> {
        Ok(event.body.to_vec())
    }

    fn body(&self, events: &[Vec<u8>], _now_ms: i64) -> Vec<u8> {
        events.concat()
    }
}
