//! Settings of one destination of events.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::config::url;

pub(super) const FORMATS: [&str; 6] = [
    "raw",
    "mixpanel",
    "segment",
    "posthog",
    "amplitude",
    "gameanalytics",
];

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
    /// Whether logins and logouts are forwarded as events.
    pub sessions: bool,
    pub privacy: PrivacySettings,
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

/// What a service is not to know.
#[derive(Clone)]
pub struct PrivacySettings {
    /// Fields of `data` that are left out: names, or paths with dots.
    pub redact_keys: Vec<String>,
    /// Users are known by a hash with this secret.
    pub user_secret: Option<String>,
}

impl DestinationSettings {
    /// What must not appear in logs or reports.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let user_secret = self.privacy.user_secret.as_deref();
        self.access.secrets().into_iter().chain(user_secret)
    }

    pub fn is_https(&self) -> bool {
        url::is_https(&self.url)
    }
}

/// The format and its credentials.
#[derive(Clone)]
pub enum Access {
    Raw {
        /// Each signs every request; at most two.
        signing_secrets: Vec<SigningSecret>,
    },
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
    Amplitude {
        api_key: String,
    },
    GameAnalytics(GameAnalyticsAccess),
}

#[derive(Clone)]
pub struct GameAnalyticsAccess {
    pub game_key: String,
    pub secret_key: String,
    /// The device of all players, who are not asked; `unknown` by default.
    pub device: String,
    /// `linux` by default.
    pub platform: String,
    /// The platform and its version; version 0 by default.
    pub os_version: String,
}

/// A secret of [Standard Webhooks](https://www.standardwebhooks.com).
#[derive(Clone)]
pub struct SigningSecret {
    /// As it was given, behind `whsec_`.
    pub base64: String,
    /// 24 to 64 bytes.
    pub key: Vec<u8>,
}

impl SigningSecret {
    pub(super) fn read(text: &str) -> Option<Self> {
        let base64 = text.strip_prefix("whsec_")?;
        let key = BASE64_STANDARD.decode(base64).ok()?;
        (24..=64).contains(&key.len()).then(|| Self {
            base64: base64.to_owned(),
            key,
        })
    }
}

impl Access {
    /// The name of the format in options and reports.
    pub fn format(&self) -> &'static str {
        match self {
            Access::Raw { .. } => FORMATS[0],
            Access::Mixpanel { .. } => FORMATS[1],
            Access::Segment { .. } => FORMATS[2],
            Access::Posthog { .. } => FORMATS[3],
            Access::Amplitude { .. } => FORMATS[4],
            Access::GameAnalytics(_) => FORMATS[5],
        }
    }

    fn secrets(&self) -> Vec<&str> {
        match self {
            Access::Raw { signing_secrets } => {
                let secrets = signing_secrets.iter();
                secrets.map(|secret| secret.base64.as_str()).collect()
            }
            Access::Mixpanel {
                username, password, ..
            } => vec![username, password],
            Access::Segment { write_key } => vec![write_key],
            Access::Posthog { api_key } | Access::Amplitude { api_key } => vec![api_key],
            Access::GameAnalytics(access) => vec![&access.game_key, &access.secret_key],
        }
    }

    /// The public address of the service; the raw webhook has none.
    pub(super) fn default_url(&self) -> Option<&'static str> {
        match self {
            Access::Raw { .. } => None,
            Access::Mixpanel { .. } => Some("https://api.mixpanel.com"),
            Access::Segment { .. } => Some("https://api.segment.io"),
            Access::Posthog { .. } => Some("https://us.i.posthog.com"),
            Access::Amplitude { .. } => Some("https://api2.amplitude.com"),
            Access::GameAnalytics(_) => Some("https://api.gameanalytics.com"),
        }
    }
}
