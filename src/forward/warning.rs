//! Warnings about a destination. Each is logged once per episode.

use crate::instance::shared::Shared;

#[derive(Debug, PartialEq, Eq)]
pub enum Warning {
    QueueFull,
    /// So many events.
    Expired(u64),
    /// Why requests fail; without secrets.
    Failing(String),
    /// Why events are not taken; without secrets.
    Refused(String),
    Gone,
}

const QUEUE_FULL: &str = "its queue is full (maxQueueBytes): new events are not forwarded until it has room; \
     MongoDB stores them all the same";
const GONE: &str = "it answered 410, so it is gone for good: nothing is forwarded to it before the next start; \
     MongoDB stores the events all the same; take it out of the settings";

impl Warning {
    pub fn log(self, shared: &Shared, destination: &str) {
        let (reason, line) = match &self {
            Warning::QueueFull => ("queue_full", QUEUE_FULL.to_owned()),
            Warning::Expired(events) => (
                "expired",
                format!(
                    "{events} events waited longer than maxAgeMs and are not forwarded; MongoDB \
                     stores them all the same"
                ),
            ),
            Warning::Failing(problem) => (
                "failing",
                format!("{problem}; its events wait and are sent again"),
            ),
            Warning::Refused(problem) => (
                "refused",
                format!(
                    "an event was refused and is not sent again: {problem}; MongoDB stores it all the same"
                ),
            ),
            Warning::Gone => ("disabled", GONE.to_owned()),
        };
        if let Warning::Failing(_) | Warning::Refused(_) = self {
            shared.health.error(format!("{destination}: {line}"));
        }
        let reason = format!("{destination}: {reason}");
        shared.log.warn_once(&reason, || {
            format!("destination {destination}: {line}; see getHealth()")
        });
    }
}
