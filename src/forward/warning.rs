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

impl Warning {
    pub fn log(self, shared: &Shared, destination: &str) {
        let (reason, line) = match &self {
            Warning::QueueFull => (
                "queue_full",
                "its queue is full (maxQueueBytes): new events are not forwarded".to_owned(),
            ),
            Warning::Expired(events) => (
                "expired",
                format!("{events} events waited longer than maxAgeMs: they are not forwarded"),
            ),
            Warning::Failing(problem) => (
                "failing",
                format!("{problem}; its events wait and are sent again"),
            ),
            Warning::Refused(problem) => (
                "refused",
                format!("an event was refused and is not sent again: {problem}"),
            ),
            Warning::Gone => (
                "disabled",
                "it answered 410: this instance forwards nothing more to it".to_owned(),
            ),
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
