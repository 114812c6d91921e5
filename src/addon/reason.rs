//! Reasons for which JavaScript rejects a record, or takes it over in part only: name and log line.
//!
//! Names are part of the public interface. Both sides know them from here: `native.d.ts` declares them,
//! and `lib/` is compiled against it.

use napi_derive::napi;

use crate::config::Config;

/// Why a record was never accepted.
#[napi(string_enum = "snake_case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    InvalidId,
    InvalidEvent,
    InvalidName,
    InvalidTimestamp,
    InvalidDedupeKey,
    IdTooLong,
    NameTooLong,
    EventTooLarge,
    TooDeep,
    Cyclic,
    InvalidKey,
    BigintOutOfRange,
    Unreadable,
    Unserializable,
    HandOverFailed,
    QueueFull,
    Stopped,
}

impl RejectReason {
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidId => "invalid_id",
            Self::InvalidEvent => "invalid_event",
            Self::InvalidName => "invalid_name",
            Self::InvalidTimestamp => "invalid_timestamp",
            Self::InvalidDedupeKey => "invalid_dedupe_key",
            Self::IdTooLong => "id_too_long",
            Self::NameTooLong => "name_too_long",
            Self::EventTooLarge => "event_too_large",
            Self::TooDeep => "too_deep",
            Self::Cyclic => "cyclic",
            Self::InvalidKey => "invalid_key",
            Self::BigintOutOfRange => "bigint_out_of_range",
            Self::Unreadable => "unreadable",
            Self::Unserializable => "unserializable",
            Self::HandOverFailed => "hand_over_failed",
            Self::QueueFull => "queue_full",
            Self::Stopped => "stopped",
        }
    }

    /// What happened, what it means for the data, and what to do about it.
    pub fn line(self, config: &Config) -> String {
        let (problem, advice) = match self {
            Self::InvalidId => (
                "a user id is missing or cannot be made a string",
                "pass a string or an ObjectId",
            ),
            Self::InvalidEvent => ("an event name cannot be made a string", "pass a string"),
            Self::InvalidName => ("a username cannot be made a string", "pass a string"),
            Self::InvalidTimestamp => (
                "a timestamp is no Date or number of ms, lies more than 5 minutes ahead, or is older than \
                 the 7 days for which events are kept",
                "pass the moment of the event",
            ),
            Self::InvalidDedupeKey => (
                "a dedupeKey is no string of 1 to 256 bytes",
                "pass the id that the sender gives the event",
            ),
            Self::IdTooLong => ("a user id has more than 256 bytes", "pass a shorter one"),
            Self::NameTooLong => (
                "an event name has more than 256 bytes",
                "pass a shorter one",
            ),
            Self::EventTooLarge => return event_too_large(config.max_event_bytes),
            Self::TooDeep => (
                "data is nested deeper than MongoDB stores",
                "pass a flatter object",
            ),
            Self::Cyclic => ("data contains itself", "pass an object without cycles"),
            Self::InvalidKey => ("a key of data has a NUL character", "rename the key"),
            Self::BigintOutOfRange => ("data has a BigInt of more than 64 bits", "pass a string"),
            Self::Unreadable => (
                "reading the arguments threw an error",
                "look at getters, toBSON and Proxy traps of what is passed",
            ),
            Self::Unserializable => (
                "data has a value that BSON cannot hold",
                "pass plain values, or values of the bson package",
            ),
            Self::HandOverFailed => (
                "the records of one turn could not be handed over",
                "report this defect of gso-analytics",
            ),
            Self::QueueFull => return queue_full(config.max_queue_bytes),
            Self::Stopped => (
                "a record came after stop()",
                "track before stop(), or call start() again",
            ),
        };
        rejected(problem, advice)
    }
}

fn event_too_large(max_event_bytes: usize) -> String {
    let problem = format!("data takes more than {max_event_bytes} bytes (maxEventBytes)");
    rejected(&problem, "pass less data or raise maxEventBytes")
}

fn queue_full(max_queue_bytes: usize) -> String {
    let problem = format!("the queue holds its {max_queue_bytes} bytes (maxQueueBytes)");
    rejected(
        &problem,
        "records are rejected until MongoDB has taken some; see lastError, or set spoolDir",
    )
}

fn rejected(problem: &str, advice: &str) -> String {
    format!(
        "rejected, and not stored: {problem}; {advice}; getHealth().rejected counts such records"
    )
}

/// Why JavaScript could not take over all of a record that was accepted.
#[napi(string_enum = "snake_case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarningReason {
    InvalidAmount,
    InvalidCurrency,
    NameCut,
    NotForwardable,
}

impl WarningReason {
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidAmount => "invalid_amount",
            Self::InvalidCurrency => "invalid_currency",
            Self::NameCut => "name_cut",
            Self::NotForwardable => "not_forwardable",
        }
    }

    /// What happened, what it means for the data, and what to do about it.
    pub fn line(self) -> String {
        let text = match self {
            Self::InvalidAmount => {
                "an amount is not a finite number of at most 2^53: the event is stored and adds 0 to its \
                 total; pass a number"
            }
            Self::InvalidCurrency => {
                "the currency of a purchase is no code of ISO 4217, which has three letters: the purchase is \
                 stored without a currency; pass a string as 'EUR', or none for USD"
            }
            Self::NameCut => {
                "a username has more than 256 bytes: the login is stored with the first of them; pass a \
                 shorter one"
            }
            Self::NotForwardable => {
                "an event is stored, but not forwarded: JSON.stringify refuses its data or makes more \
                 than four times maxEventBytes of it; pass plain or less data"
            }
        };
        format!("{text}; getHealth().warnings counts such records")
    }
}
