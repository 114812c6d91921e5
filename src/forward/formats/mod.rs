//! Formats of the services, one file each: a pure function from events to the body of a request, and one
//! from the response to its meaning. A further service is one more file.

mod amplitude;
mod format;
mod gameanalytics;
mod mixpanel;
mod payload;
mod posthog;
mod raw;
mod segment;

use crate::config::{Access, Config};

pub use format::{EncodeError, Format, Limits, UNREADABLE};
pub use payload::text_of;

/// The format of a destination; `config` says what the events of the game mean.
pub fn format_of(access: &Access, config: &Config) -> Box<dyn Format> {
    match access.clone() {
        Access::Raw { signing_secrets } => Box::new(raw::Raw::new(&signing_secrets)),
        Access::Mixpanel {
            username,
            password,
            project_id,
        } => Box::new(mixpanel::Mixpanel {
            basic: (username, password),
            project_id,
        }),
        Access::Segment { write_key } => Box::new(segment::Segment { write_key }),
        Access::Amplitude { api_key } => Box::new(amplitude::Amplitude { api_key }),
        Access::GameAnalytics(access) => {
            Box::new(gameanalytics::GameAnalytics::new(access, config))
        }
        Access::Posthog { api_key } => Box::new(posthog::Posthog { api_key }),
    }
}
