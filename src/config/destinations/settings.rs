//! Settings of one destination of events.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::url;

pub(super) const FORMATS: [&str; 4] = ["raw", "mixpanel", "segment", "posthog"];

/// It has no `Debug`: it holds credentials.
#[derive(Clone)]
pub struct DestinationSettings {
    /// Its name in logs, in `getHealth()` and in the name of its cursor file. On some disks names of files
    /// do not differ by case alone, so neither do the names of two destinations.
    pub name: String,
    pub access: Access,
    /// The whole URL of the raw webhook; for other formats the base that their path is appended to.
    pub url: String,
    /// Names of the events that are forwarded; `None` means all.
    pub allow: Option<BTreeSet<String>>,
    /// Names of the events that are not forwarded.
    pub deny: BTreeSet<String>,
    /// Bound of the queue in memory; 64 KiB to 64 GiB, default 64 MiB.
    pub max_queue_bytes: usize,
    /// Longest wait of an event, after which it expires; 100 ms to 30 days, default 24 h.
    pub max_age: Duration,
    /// From connecting to the end of the answer; 10 to 600 000 ms, default 10 000.
    pub request_timeout: Duration,
    /// Bound of the first wait after a failure; 10 to 600 000 ms, default 1 000.
    pub min_retry_delay: Duration,
    /// Bound of every wait that the service does not ask for; 10 to 3 600 000 ms, default 300 000.
    pub max_retry_delay: Duration,
}

impl DestinationSettings {
    pub fn is_https(&self) -> bool {
        url::is_https(&self.url)
    }
}

/// The format and its credentials.
#[derive(Clone)]
pub enum Access {
    Raw,
    Mixpanel {
        /// The project's token, or the name of a service account.
        username: String,
        /// The secret of the service account; empty with a token.
        password: String,
        project_id: Option<String>,
    },
    Segment {
        write_key: String,
    },
    Posthog {
        api_key: String,
    },
}

impl Access {
    /// The name of the format in options and reports.
    pub fn format(&self) -> &'static str {
        match self {
            Access::Raw => FORMATS[0],
            Access::Mixpanel { .. } => FORMATS[1],
            Access::Segment { .. } => FORMATS[2],
            Access::Posthog { .. } => FORMATS[3],
        }
    }

    /// Credentials, which must not appear in logs or reports.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let secrets = match self {
            Access::Raw => [None, None],
            Access::Mixpanel {
                username, password, ..
            } => [Some(username), Some(password)],
            Access::Segment { write_key } => [Some(write_key), None],
            Access::Posthog { api_key } => [Some(api_key), None],
        };
        let given = secrets.into_iter().flatten();
        given.map(String::as_str).filter(|text| !text.is_empty())
    }

    /// The public address of the service; the raw webhook has none.
    pub(super) fn default_url(&self) -> Option<&'static str> {
        match self {
            Access::Raw => None,
            Access::Mixpanel { .. } => Some("https://api.mixpanel.com"),
            Access::Segment { .. } => Some("https://api.segment.io"),
            Access::Posthog { .. } => Some("https://us.i.posthog.com"),
        }
    }
}
