//! Profile of a destination: its settings and its format, which do not change.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::DestinationSettings;
use crate::forward::formats::{Format, Limits, format_of};
use crate::forward::transport::Endpoint;

/// A retry after a configuration error waits this many times the bound of the first retry: two minutes
/// by default.
const CONFIG_ERROR_DELAY: u32 = 120;
/// Longest text of a service that is shown, in characters.
const SHOWN: usize = 200;

pub struct Profile {
    pub settings: DestinationSettings,
    pub format: Box<dyn Format>,
    pub endpoint: Endpoint,
    pub limits: Limits,
}

impl Profile {
    pub fn new(settings: &DestinationSettings) -> Self {
        let format = format_of(&settings.access);
        Self {
            settings: settings.clone(),
            endpoint: format.endpoint(&settings.url),
            limits: format.limits(),
            format,
        }
    }

    /// Whether events of this name are forwarded.
    pub fn wants(&self, name: Option<&str>) -> bool {
        let is_in = |list: &BTreeSet<String>| name.is_some_and(|name| list.contains(name));
        self.settings.allow.as_ref().is_none_or(is_in) && !is_in(&self.settings.deny)
    }

    pub fn config_error_delay(&self) -> Duration {
        let delay = self.settings.min_retry_delay;
        delay
            .saturating_mul(CONFIG_ERROR_DELAY)
            .min(self.settings.max_retry_delay)
    }

    /// A service may quote what it was sent.
    pub fn without_secrets(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in self.settings.access.secrets() {
            clean = clean.replace(secret, "…");
        }
        clean.chars().take(SHOWN).collect()
    }
}
