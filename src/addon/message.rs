//! Messages of the pipeline as JavaScript sees them.

use std::sync::Arc;

use napi::Status;
use napi::bindgen_prelude::{Buffer, Function, Result, Uint32Array};
use napi::threadsafe_function::{
    ThreadsafeCallContext, ThreadsafeFunction, ThreadsafeFunctionCallMode,
};
use napi_derive::napi;

use crate::config::Config;
use crate::instance::error::Error;
use crate::instance::listener::{Level, Listener, Message};

/// Does not keep the process alive by itself.
pub type Deliver = ThreadsafeFunction<Message, (), Delivery, Status, false, true>;

/// One message; which fields are set depends on its kind.
#[napi(object, object_from_js = false)]
pub struct Delivery {
    /// `acknowledged`, `done`, `failed`, `log`, `connectionWanted`,
    /// `connectionKnown` or `died`.
    pub kind: &'static str,
    /// Logins and logouts that are done.
    pub acks: Option<Uint32Array>,
    pub request: Option<u32>,
    /// The result of a read: one BSON document.
    pub result: Option<Buffer>,
    /// A failed request's error code, or a line's level.
    pub code: Option<&'static str>,
    pub text: Option<String>,
}

impl Delivery {
    fn new(kind: &'static str) -> Self {
        Self {
            kind,
            acks: None,
            request: None,
            result: None,
            code: None,
            text: None,
        }
    }
}

impl From<Message> for Delivery {
    fn from(message: Message) -> Self {
        match message {
            Message::Acknowledged(acks) => Self {
                acks: Some(acks.into()),
                ..Self::new("acknowledged")
            },
            Message::Done { request, result } => Self {
                request: Some(request),
                result: result.map(Into::into),
                ..Self::new("done")
            },
            Message::Failed { request, error } => Self {
                request: Some(request),
                code: Some(error.code()),
                text: Some(error.to_string()),
                ..Self::new("failed")
            },
            Message::Log { level, text } => Self {
                code: Some(match level {
                    Level::Info => "info",
                    Level::Warn => "warn",
                }),
                text: Some(text),
                ..Self::new("log")
            },
            Message::Died => Self {
                code: Some(Error::Internal.code()),
                text: Some(Error::Internal.to_string()),
                ..Self::new("died")
            },
            Message::ConnectionKnown => Self::new("connectionKnown"),
            Message::OtherAdopted => Self::new("otherAdopted"),
            Message::ConnectionWanted => Self::new("connectionWanted"),
        }
    }
}

pub fn build(deliver: Function<'_, Delivery, ()>) -> Result<Deliver> {
    deliver
        .build_threadsafe_function::<Message>()
        .weak::<true>()
        .callee_handled::<false>()
        .build_callback(|context: ThreadsafeCallContext<Message>| Ok(Delivery::from(context.value)))
}

/// The JavaScript side as the pipeline's host.
pub struct JavaScript {
    deliver: Arc<Deliver>,
}

impl JavaScript {
    pub fn new(deliver: &Arc<Deliver>) -> Self {
        Self {
            deliver: Arc::clone(deliver),
        }
    }
}

impl Listener for JavaScript {
    fn deliver(&self, message: Message) {
        // Fails only when the environment is gone, and then nobody listens.
        self.deliver
            .call(message, ThreadsafeFunctionCallMode::NonBlocking);
    }
}

/// What a refusal or a note means, and what to do about it.
pub fn refusal(reason: &str, config: &Config) -> String {
    let meaning = match reason {
        "queue_full" => format!(
            "the queue holds its {} bytes (maxQueueBytes): new records are refused until MongoDB has \
             taken some",
            config.max_queue_bytes
        ),
        "stopped" => "a record was refused, stop() was called before".to_owned(),
        "event_too_large" => format!(
            "an event was refused, its data takes more than {} bytes (maxEventBytes)",
            config.max_event_bytes
        ),
        "invalid_id" => {
            "a user id that is missing or cannot be made a string was refused".to_owned()
        }
        "invalid_event" => "an event name that cannot be made a string was refused".to_owned(),
        "invalid_name" => "a login whose username cannot be made a string was refused".to_owned(),
        "id_too_long" => "a user id of more than 256 bytes was refused".to_owned(),
        "name_too_long" => "a name of more than 256 bytes was refused".to_owned(),
        "too_deep" => "data nested deeper than MongoDB stores was refused".to_owned(),
        "cyclic" => "data that contains itself was refused".to_owned(),
        "invalid_key" => "data with a NUL character in a key was refused".to_owned(),
        "bigint_out_of_range" => "data with a BigInt beyond 64 bits was refused".to_owned(),
        "hand_over_failed" => "records were lost, their hand-over failed".to_owned(),
        "unreadable" => "data was refused, reading it threw an error".to_owned(),
        "invalid_amount" => "an amount that is not a finite number counted 0".to_owned(),
        "not_forwardable" => {
            "an event was stored but not forwarded, JSON cannot hold it or it is too long"
                .to_owned()
        }
        _ => "data that BSON cannot hold was refused".to_owned(),
    };
    format!("{meaning}; see getHealth()")
}
