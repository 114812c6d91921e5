//! Forwarding of stored events and of a test event, for the command line. Stored events take the way of all
//! events, from the queue of the destination on: nothing of it is done twice, here or in JavaScript.

use std::sync::Arc;

use bson::doc;
use bson::oid::ObjectId;
use napi::Error;
use napi::bindgen_prelude::Result;
use napi_derive::napi;

use super::instance::NativeAnalytics;
use crate::forward::{Destination, ForwardedEvent, Probe, Stored};
use crate::instance::error;
use crate::instance::listener::Message;
use crate::pipeline::Request;
use crate::store::StoredEvents;
use crate::util::panics::catch_in;

/// Which events are read.
#[napi(object, object_to_js = false)]
pub struct StoredRange {
    /// Ms since 1970, the first of it and the first after it.
    pub from_ms: f64,
    pub to_ms: f64,
    /// Their names; none for all.
    pub names: Vec<String>,
    /// The `_id`s of events at `fromMs` that are passed over, in hexadecimal digits.
    pub passed: Vec<String>,
}

#[napi(object, object_to_js = false)]
pub struct StoredEvent {
    /// Counts those that are handed over, from 1 on.
    pub seq: f64,
    /// Its `_id`, in hexadecimal digits.
    pub document: String,
    pub has_key: bool,
    pub time_ms: f64,
    pub user: Option<String>,
    pub name: Option<String>,
    /// The `_id` of its session, in hexadecimal digits, where that is known.
    pub session: Option<String>,
    /// As `track()` makes it.
    pub body: String,
}

/// How far forwarding has come.
#[napi(object, object_from_js = false)]
pub struct Forwarded {
    /// The destination is done with every event up to this number.
    pub up_to: f64,
    /// It answers as to wrong settings.
    pub is_misconfigured: bool,
}

#[napi]
impl NativeAnalytics {
    /// A page of events: `{ events, sessions, isLast }`.
    #[napi]
    pub fn request_stored_events(&self, request: u32, range: StoredRange) {
        let wanted = StoredEvents {
            from_ms: range.from_ms as i64,
            to_ms: range.to_ms as i64,
            names: range.names,
            passed: range.passed,
            with_sessions: self.pipeline.shared().config.forwards_sessions(),
        };
        self.pipeline
            .request(request, Request::StoredEvents(wanted));
    }

    /// Hands events to the destination of this instance, or with `is_dry` none. Answers which of them it wants.
    #[napi]
    pub fn forward(&self, events: Vec<StoredEvent>, is_dry: bool) -> Result<Vec<bool>> {
        let destination = self.destination()?;
        let forward = |event: StoredEvent| {
            let event = event.read()?;
            if !is_dry {
                destination.enqueue(&event);
            }
            Ok(destination.profile().wants(&event))
        };
        events.into_iter().map(forward).collect()
    }

    /// `last` is the number of the newest event that was handed over.
    #[napi]
    pub fn forwarded(&self, last: f64) -> Result<Forwarded> {
        let up_to = self
            .pipeline
            .destinations()
            .forwarded_up_to(last as i64)
            .unwrap_or(0);
        Ok(Forwarded {
            up_to: up_to as f64,
            is_misconfigured: self.destination()?.is_misconfigured(),
        })
    }

    /// Sends an event by itself to the destination of this instance, once: `{ id, verdict, status, answer,
    /// problem }`.
    #[napi]
    pub fn request_probe(&self, request: u32, event: StoredEvent) -> Result<()> {
        let event = event.read()?;
        let shared = Arc::clone(self.pipeline.shared());
        let destinations = Arc::clone(self.pipeline.destinations());
        self.pipeline.shared().context.forwarders.spawn(async move {
            let authorities = shared.config.authorities.as_ref();
            let probing = catch_in("probe", destinations.probe(&event, authorities));
            let answered = probing.await.ok().flatten();
            let answer = answered.and_then(|probe| encoded(&event, probe));
            shared.deliver(match answer {
                Some(answer) => Message::Done {
                    request,
                    result: Some(answer),
                },
                None => Message::Failed {
                    request,
                    error: error::Error::Internal,
                },
            });
        });
        Ok(())
    }

    /// What waits is not sent.
    #[napi]
    pub fn discard_forwarded(&self) -> Result<()> {
        self.destination()?.discard();
        Ok(())
    }

    /// The one that this instance was made for.
    fn destination(&self) -> Result<&Arc<Destination>> {
        let first = self.pipeline.destinations().iter().next();
        first.ok_or_else(|| Error::from_reason("it forwards nothing"))
    }
}

impl StoredEvent {
    fn read(self) -> Result<Arc<ForwardedEvent>> {
        let session = self.session.as_deref().map(id).transpose()?;
        Ok(ForwardedEvent::stored(Stored {
            seq: self.seq as i64,
            document: id(&self.document)?,
            has_key: self.has_key,
            time_ms: self.time_ms as i64,
            user: self.user.as_deref(),
            name: self.name.as_deref(),
            session,
            body: self.body.as_bytes(),
        }))
    }
}

fn encoded(event: &ForwardedEvent, probe: Probe) -> Option<Vec<u8>> {
    let answer = doc! {
        "id": event.id.to_string(),
        "verdict": probe.verdict,
        "status": probe.status.map(i32::from),
        "answer": probe.answer,
        "problem": probe.problem,
    };
    bson::serialize_to_vec(&answer).ok()
}

fn id(digits: &str) -> Result<ObjectId> {
    ObjectId::parse_str(digits).map_err(|_| Error::from_reason("no such id"))
}
