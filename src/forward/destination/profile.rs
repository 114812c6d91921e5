//! Profile of a destination: its settings, its format and its privacy, which do not change.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::config::{Config, DestinationSettings};
use crate::forward::event::{ForwardedEvent, Kind};
use crate::forward::formats::{EncodeError, Format, Limits, format_of};
use crate::forward::privacy::Privacy;
use crate::forward::transport::Endpoint;
use crate::util::foreign_text;

/// A retry after a configuration error waits this many times the bound of the first retry: two minutes
/// by default.
const CONFIG_ERROR_DELAY: u32 = 120;

pub struct Profile {
    pub settings: DestinationSettings,
    pub format: Box<dyn Format>,
    privacy: Privacy,
    pub endpoint: Endpoint,
    pub limits: Limits,
}

impl Profile {
    /// Of the destination with this index in the settings.
    pub fn new(index: usize, config: &Config) -> Self {
        let settings = &config.destinations[index];
        let format = format_of(&settings.access, config);
        let endpoint = format.endpoint(&settings.url);
        hide_credentials(settings, &endpoint);
        Self {
            settings: settings.clone(),
            privacy: Privacy::new(&settings.privacy),
            endpoint,
            limits: format.limits(),
            format,
        }
    }

    /// Whether it is forwarded. The lists of names are those of events that the host tracks.
    pub fn wants(&self, event: &ForwardedEvent) -> bool {
        if event.kind != Kind::Tracked {
            return self.settings.sessions;
        }
        let name = event.name.as_deref();
        let is_in = |list: &BTreeSet<String>| name.is_some_and(|name| list.contains(name));
        self.settings.allow.as_ref().is_none_or(is_in) && !is_in(&self.settings.deny)
    }

    /// The event as it is in the body, without what the service is not to know.
    pub fn encode(&self, event: &ForwardedEvent) -> Result<Vec<u8>, EncodeError> {
        match self.privacy.applied(event)? {
            Some(private) => self.format.encode(&private),
            None => self.format.encode(event),
        }
    }

    /// The name under which the service knows who sends an event: the user, or the event itself without one.
    pub fn sender(&self, event: &ForwardedEvent) -> Option<String> {
        let private = self.privacy.applied(event).ok()?;
        let user = private.as_ref().unwrap_or(event).user();
        Some(user.map_or_else(|| event.id.to_string(), str::to_owned))
    }

    pub fn config_error_delay(&self) -> Duration {
        let delay = self.settings.min_retry_delay;
        delay
            .saturating_mul(CONFIG_ERROR_DELAY)
            .min(self.settings.max_retry_delay)
    }
}

/// A service may quote what it was sent.
fn hide_credentials(settings: &DestinationSettings, endpoint: &Endpoint) {
    settings.secrets().for_each(foreign_text::hide);
    let basic = |user: &str, password: &str| {
        foreign_text::hide(&BASE64_STANDARD.encode(format!("{user}:{password}")));
    };
    if let Some((user, password)) = &endpoint.basic {
        basic(user, password);
    }
    let Ok(url) = Url::parse(&settings.url) else {
        return;
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (url.username(), url.password());
    // A user without a password is a token.
    let secret = password.unwrap_or(user);
    [secret, &decoded(secret)]
        .into_iter()
        .for_each(foreign_text::hide);
    if !secret.is_empty() {
        basic(&decoded(user), &decoded(password.unwrap_or_default()));
    }
    url.query_pairs()
        .for_each(|(_, value)| foreign_text::hide(&value));
    url.query().into_iter().for_each(foreign_text::hide);
}
