//! Messages of an instance to JavaScript.
//!
//! Every kind has a variant here and a case in `lib/messages.js`; both compilers refuse a kind that is
//! handled on one side only. Messages may come from any thread; sending one never blocks.

use std::sync::Arc;

use napi::Status;
use napi::bindgen_prelude::{Buffer, Function, Result, Uint32Array};
use napi::threadsafe_function::{
    ThreadsafeCallContext, ThreadsafeFunction, ThreadsafeFunctionCallMode,
};
use napi_derive::napi;

use crate::instance::error::Error;
use crate::instance::listener::{self, Listener};

/// The JavaScript function that takes messages. Does not keep the process alive by itself.
pub type OnMessage = ThreadsafeFunction<listener::Message, (), Message, Status, false, true>;

/// Message of an instance to JavaScript.
#[napi(
    discriminant = "kind",
    discriminant_case = "camelCase",
    object_from_js = false
)]
pub enum Message {
    /// Logins and logouts that are written, or have waited for `ackTimeoutMs`.
    Acknowledged { acks: Uint32Array },
    /// A request that succeeded; a read carries one BSON document.
    Done {
        request: u32,
        result: Option<Buffer>,
    },
    /// A request that failed.
    Failed {
        request: u32,
        code: String,
        text: String,
    },
    /// A line for the operator.
    Log { level: Level, text: String },
    /// The instance has failed by a defect: no pending request will be answered.
    Died { code: String, text: String },
    /// No connection is known: JavaScript looks for one, and answers with `connect` or `nothingFound`.
    ConnectionWanted,
    /// A connection is known: none is looked for any more.
    ConnectionKnown,
    /// The other connection that `nothingFound` brought is used.
    OtherAdopted,
}

/// Level of a line for the operator.
#[napi(string_enum = "lowercase")]
pub enum Level {
    Info,
    Warn,
    Error,
}

impl From<listener::Level> for Level {
    fn from(level: listener::Level) -> Self {
        match level {
            listener::Level::Info => Self::Info,
            listener::Level::Warn => Self::Warn,
            listener::Level::Error => Self::Error,
        }
    }
}

impl From<listener::Message> for Message {
    fn from(message: listener::Message) -> Self {
        match message {
            listener::Message::Acknowledged(acks) => Self::Acknowledged { acks: acks.into() },
            listener::Message::Done { request, result } => Self::Done {
                request,
                result: result.map(Into::into),
            },
            listener::Message::Failed { request, error } => Self::Failed {
                request,
                code: error.code().to_owned(),
                text: error.to_string(),
            },
            listener::Message::Log { level, text } => Self::Log {
                level: level.into(),
                text,
            },
            listener::Message::Died => Self::Died {
                code: Error::Internal.code().to_owned(),
                text: Error::Internal.to_string(),
            },
            listener::Message::ConnectionWanted => Self::ConnectionWanted,
            listener::Message::ConnectionKnown => Self::ConnectionKnown,
            listener::Message::OtherAdopted => Self::OtherAdopted,
        }
    }
}

pub fn build(on_message: Function<'_, Message, ()>) -> Result<OnMessage> {
    on_message
        .build_threadsafe_function::<listener::Message>()
        .weak::<true>()
        .callee_handled::<false>()
        .build_callback(|context: ThreadsafeCallContext<listener::Message>| {
            Ok(Message::from(context.value))
        })
}

/// JavaScript as the listener of an instance.
pub struct JavaScript {
    on_message: Arc<OnMessage>,
}

impl JavaScript {
    pub fn new(on_message: &Arc<OnMessage>) -> Self {
        Self {
            on_message: Arc::clone(on_message),
        }
    }
}

impl Listener for JavaScript {
    fn deliver(&self, message: listener::Message) {
        // Fails only when the JavaScript environment is gone, and then nobody listens.
        self.on_message
            .call(message, ThreadsafeFunctionCallMode::NonBlocking);
    }
}
