//! Formats of the services, one file each: a pure function from events to the body of a request, and one
//! from the response to its meaning. A further service is one more file.

mod format;
mod mixpanel;
mod payload;
mod posthog;
mod raw;
mod segment;

use super::transport::Endpoint;
use crate::config::{Access, DestinationSettings};

pub use format::{EncodeError, Format, Limits};

/// The format of a destination, and where its bodies go.
pub fn format_of(settings: &DestinationSettings) -> (Box<dyn Format>, Endpoint) {
    let url = settings.url.as_str();
    match &settings.access {
        Access::Raw => (Box::new(raw::Raw), raw::endpoint(url)),
        Access::Mixpanel {
            username,
            password,
            project_id,
        } => {
            let basic = (username.clone(), password.clone());
            let endpoint = mixpanel::endpoint(url, basic, project_id.as_deref());
            (Box::new(mixpanel::Mixpanel), endpoint)
        }
        Access::Segment { write_key } => (
            Box::new(segment::Segment),
            segment::endpoint(url, write_key),
        ),
        Access::Posthog { api_key } => {
            let api_key = api_key.clone();
            (
                Box::new(posthog::Posthog { api_key }),
                posthog::endpoint(url),
            )
        }
    }
}
