//! What the operator is told about a destination, each problem once per episode.

use super::receiver::Remark;
use crate::instance::shared::Shared;

pub fn tell(shared: &Shared, name: &str, remark: Remark) {
    let (reason, line) = match &remark {
        Remark::QueueFull => (
            "queue_full",
            "events are not forwarded, too many wait for it".to_owned(),
        ),
        Remark::Expired(events) => (
            "expired",
            format!("{events} events were given up, they have waited for longer than maxAgeMs"),
        ),
        Remark::Failing(problem) => (
            "failing",
            format!("events are not forwarded for now, and tried again: {problem}"),
        ),
        Remark::SetAside(problem) => ("set_aside", problem.clone()),
        Remark::Disabled => (
            "disabled",
            "it answered 410: nothing is forwarded there any more".to_owned(),
        ),
    };
    if let Remark::Failing(problem) | Remark::SetAside(problem) = remark {
        shared.health.error(format!("{name}: {problem}"));
    }
    shared.warn_once(&format!("{name}: {reason}"), || {
        format!("destination {name}: {line}; see getHealth()")
    });
}
