//! Where events are forwarded to: the option `webhookUrl`, the list `destinations`, or one
//! destination out of the environment. Options win: with either of them no variable is read.

mod fields;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};

use super::source::Source;
use crate::config::ConfigError;
use fields::Fields;

const FORMATS: [&str; 4] = ["raw", "mixpanel", "segment", "posthog"];
/// The destination of the environment: a field, and the variable it is read from.
const VARIABLES: [(&str, &str); 5] = [
    ("format", "ANALYTICS_WEBHOOK_FORMAT"),
    ("url", "ANALYTICS_WEBHOOK_URL"),
    (TOKEN, "ANALYTICS_WEBHOOK_TOKEN"),
    ("allow", "ANALYTICS_WEBHOOK_ALLOW"),
    ("deny", "ANALYTICS_WEBHOOK_DENY"),
];
/// Stands for the credential of whichever format it is.
const TOKEN: &str = "token";

/// One receiver and its bounds. It has no `Debug`: it holds credentials.
#[derive(Clone)]
pub struct Destination {
    /// What logs and `getHealth()` call it, and its cursor on disk, where files may not differ by case
    /// alone: neither do two names.
    pub name: String,
    pub access: Access,
    /// Of the raw webhook the whole URL; of the others what their path is appended to.
    pub url: String,
    /// Names of the events that are forwarded; `None` means all.
    pub allow: Option<BTreeSet<String>>,
    /// Names of the events that are not.
    pub deny: BTreeSet<String>,
    /// Bound of what waits in memory; 64 KiB to 64 GiB, default 64 MiB.
    pub max_queue_bytes: usize,
    /// Longest wait, after which an event is given up; 100 ms to 30 days, default 24 h.
    pub max_age: Duration,
    /// From connecting to the end of the answer; 10 to 600 000 ms, default 10 000.
    pub request_timeout: Duration,
    /// Bound of the first wait after a failure; 10 to 600 000 ms, default 1 000.
    pub min_retry_delay: Duration,
    /// Bound of every wait that the receiver does not ask for; 10 to 3 600 000 ms, default 300 000.
    pub max_retry_delay: Duration,
}

/// The format, with what it needs to be let in.
#[derive(Clone)]
pub enum Access {
    Raw,
    Mixpanel {
        /// The project's token, or the name of a service account.
        username: String,
        /// Empty with a token.
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

    /// What must not be seen by anybody.
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

    /// The address of the service itself, where there is one.
    fn default_url(&self) -> Option<&'static str> {
        match self {
            Access::Raw => None,
            Access::Mixpanel { .. } => Some("https://api.mixpanel.com"),
            Access::Segment { .. } => Some("https://api.segment.io"),
            Access::Posthog { .. } => Some("https://us.i.posthog.com"),
        }
    }
}

pub fn read(source: &mut Source) -> Result<Vec<Destination>, ConfigError> {
    let webhook = source.option("webhookUrl");
    let listed = source.option("destinations");
    if webhook.is_none() && listed.is_none() {
        return from_environment(source);
    }
    let mut destinations = Vec::new();
    if let Some(url) = webhook {
        let label = |field: &str| match field {
            "url" => "webhookUrl".to_owned(),
            field => field.to_owned(),
        };
        let given = Map::from_iter([("url".to_owned(), url)]);
        destinations.push(Fields::new(given, &label).destination()?);
    }
    let listed = match listed {
        None => Vec::new(),
        Some(Value::Array(listed)) => listed,
        Some(_) => return Err(ConfigError::new("destinations", "must be an array")),
    };
    for (index, given) in listed.into_iter().enumerate() {
        let label = |field: &str| format!("destinations[{index}].{field}");
        let Value::Object(given) = given else {
            let field = format!("destinations[{index}]");
            return Err(ConfigError::new(field, "must be an object"));
        };
        let destination = Fields::new(given, &label).destination()?;
        if destinations
            .iter()
            .any(|other| other.name.eq_ignore_ascii_case(&destination.name))
        {
            let problem = format!(
                "must be given, and differ from the others: {} is another destination's",
                destination.name
            );
            return Err(ConfigError::new(label("name"), problem));
        }
        destinations.push(destination);
    }
    Ok(destinations)
}

fn from_environment(source: &Source) -> Result<Vec<Destination>, ConfigError> {
    let variable = |(field, name): &(&str, &str)| {
        let text = source.variable(name)?;
        let value = match *field {
            "allow" | "deny" => text.split(',').map(str::trim).collect(),
            _ => Value::String(text),
        };
        Some(((*field).to_owned(), value))
    };
    let mut given: Map<String, Value> = VARIABLES.iter().filter_map(variable).collect();
    if !given.contains_key("url") && !given.contains_key("format") {
        return Ok(Vec::new());
    }
    let credential = match given.get("format").and_then(Value::as_str) {
        Some("segment") => "writeKey",
        Some("posthog") => "apiKey",
        _ => TOKEN,
    };
    if let Some(token) = given.remove(TOKEN) {
        given.insert(credential.to_owned(), token);
    }
    let label = |field: &str| {
        let field = if field == credential { TOKEN } else { field };
        let found = VARIABLES.iter().find(|(known, _)| *known == field);
        found.map_or(field, |(_, variable)| variable).to_owned()
    };
    Ok(vec![Fields::new(given, &label).destination()?])
}
