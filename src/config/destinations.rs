//! Where events are forwarded to: the option `webhookUrl`, the list `destinations`, or one
//! destination out of the environment. Options win: with either of them no variable is read.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use super::source::Source;
use super::{KIB, MIB};
use crate::error::ConfigError;
use crate::forward;

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
const DAY_MS: u64 = 24 * 3_600_000;

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

/// The fields of one destination, removed as they are read; `label` is what the user calls them.
struct Fields<'a> {
    given: Map<String, Value>,
    label: &'a dyn Fn(&str) -> String,
}

impl<'a> Fields<'a> {
    fn new(mut given: Map<String, Value>, label: &'a dyn Fn(&str) -> String) -> Self {
        given.retain(|_, value| !value.is_null());
        Self { given, label }
    }

    fn destination(mut self) -> Result<Destination, ConfigError> {
        let access = self.access()?;
        let destination = Destination {
            name: self.name(&access)?,
            url: self.url(&access)?,
            allow: self.names("allow")?,
            deny: self.names("deny")?.unwrap_or_default(),
            max_queue_bytes: self.integer("maxQueueBytes", 64 * MIB, 64 * KIB..=64 * KIB * MIB)?
                as usize,
            max_age: self.millis("maxAgeMs", DAY_MS, 100..=30 * DAY_MS)?,
            request_timeout: self.millis("requestTimeoutMs", 10_000, 10..=600_000)?,
            min_retry_delay: self.millis("minRetryDelayMs", 1_000, 10..=600_000)?,
            max_retry_delay: self.millis("maxRetryDelayMs", 300_000, 10..=3_600_000)?,
            access,
        };
        match self.given.keys().next() {
            None => Ok(destination),
            Some(field) => {
                let format = destination.access.format();
                let problem = format!("is not known for the format {format}");
                Err(self.error(field, problem))
            }
        }
    }

    fn access(&mut self) -> Result<Access, ConfigError> {
        let format = match self.given.remove("format") {
            None => FORMATS[0].to_owned(),
            Some(Value::String(format)) => format,
            Some(_) => String::new(),
        };
        Ok(match format.as_str() {
            "raw" => Access::Raw,
            "mixpanel" => self.mixpanel()?,
            "segment" => Access::Segment {
                write_key: self.required("writeKey")?,
            },
            "posthog" => Access::Posthog {
                api_key: self.required("apiKey")?,
            },
            _ => {
                let problem = format!("must be one of {}", FORMATS.join(", "));
                return Err(self.error("format", problem));
            }
        })
    }

    fn mixpanel(&mut self) -> Result<Access, ConfigError> {
        if !self.given.contains_key("username") {
            return Ok(Access::Mixpanel {
                username: self.required(TOKEN)?,
                password: String::new(),
                project_id: None,
            });
        }
        Ok(Access::Mixpanel {
            username: self.required("username")?,
            password: self.required("secret")?,
            project_id: Some(self.required("projectId")?),
        })
    }

    fn name(&mut self, access: &Access) -> Result<String, ConfigError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        match self.given.remove("name") {
            None if matches!(access, Access::Raw) => Ok("webhook".to_owned()),
            None => Ok(access.format().to_owned()),
            Some(Value::String(name))
                if (1..=64).contains(&name.len()) && name.chars().all(is_plain) =>
            {
                Ok(name)
            }
            Some(_) => Err(self.error("name", "must be 1 to 64 letters, digits, - or _")),
        }
    }

    fn url(&mut self, access: &Access) -> Result<String, ConfigError> {
        let problem = match access.default_url() {
            None => "must be an http or https URL",
            Some(_) => "must be an http or https URL without a query",
        };
        let is_base = |url: &str| access.default_url().is_none() || !url.contains(['?', '#']);
        match (self.given.remove("url"), access.default_url()) {
            (None, Some(default)) => Ok(default.to_owned()),
            (Some(Value::String(url)), _) if forward::is_url(&url) && is_base(&url) => Ok(url),
            _ => Err(self.error("url", problem)),
        }
    }

    fn names(&mut self, field: &str) -> Result<Option<BTreeSet<String>>, ConfigError> {
        let Some(given) = self.given.remove(field) else {
            return Ok(None);
        };
        let name = |value: &Value| Some(value.as_str().filter(|name| !name.is_empty())?.to_owned());
        let names = given
            .as_array()
            .and_then(|all| all.iter().map(name).collect());
        match names {
            Some(names) => Ok(Some(names)),
            None => Err(self.error(field, "must be a list of event names")),
        }
    }

    /// A credential; numbers are taken too, since some of them look like one.
    fn required(&mut self, field: &str) -> Result<String, ConfigError> {
        match self.given.remove(field) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(Value::Number(number)) if number.is_u64() => Ok(number.to_string()),
            _ => Err(self.error(field, "must be a string that is not empty")),
        }
    }

    fn integer(
        &mut self,
        field: &str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let value = match self.given.remove(field) {
            None => Some(default),
            Some(value) => super::source::whole_number(&value),
        };
        value.filter(|value| range.contains(value)).ok_or_else(|| {
            let (min, max) = (range.start(), range.end());
            self.error(field, format!("must be a whole number from {min} to {max}"))
        })
    }

    fn millis(
        &mut self,
        field: &str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<Duration, ConfigError> {
        self.integer(field, default, range)
            .map(Duration::from_millis)
    }

    fn error(&self, field: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError::new((self.label)(field), problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(options: &str, env: &str) -> Result<Vec<Destination>, String> {
        let read = Config::from_json(options, env).map_err(|e| e.to_string());
        read.map(|(config, _)| config.destinations)
    }

    fn shown(destinations: &[Destination]) -> Vec<String> {
        let show = |d: &Destination| format!("{} {} {}", d.name, d.access.format(), d.url);
        destinations.iter().map(show).collect()
    }

    #[test]
    fn a_url_alone_is_the_raw_webhook() {
        let expected = ["webhook raw http://h/x?y"];
        let by_option = read(r#"{"webhookUrl": "http://h/x?y"}"#, "{}").expect("valid");
        assert_eq!(shown(&by_option), expected);
        let by_env = read("{}", r#"{"ANALYTICS_WEBHOOK_URL": "http://h/x?y"}"#).expect("valid");
        assert_eq!(shown(&by_env), expected);
        assert_eq!(by_env[0].max_queue_bytes, 64 << 20);
        assert_eq!(by_env[0].max_age, Duration::from_secs(86_400));
        assert_eq!(by_env[0].request_timeout, Duration::from_secs(10));
    }

    #[test]
    fn options_leave_the_environment_unread() {
        let env = r#"{"ANALYTICS_WEBHOOK_URL": "http://env/"}"#;
        assert!(
            read(r#"{"destinations": []}"#, env)
                .expect("valid")
                .is_empty()
        );
        let both = r#"{"webhookUrl": "http://h/", "destinations": [{"format": "posthog", "apiKey": "k"}]}"#;
        assert_eq!(
            shown(&read(both, env).expect("valid")),
            [
                "webhook raw http://h/",
                "posthog posthog https://us.i.posthog.com"
            ]
        );
    }

    #[test]
    fn one_destination_of_any_format_comes_out_of_the_environment() {
        for (format, default) in [
            ("mixpanel", "https://api.mixpanel.com"),
            ("segment", "https://api.segment.io"),
            ("posthog", "https://us.i.posthog.com"),
        ] {
            let env = format!(
                r#"{{"ANALYTICS_WEBHOOK_FORMAT": "{format}", "ANALYTICS_WEBHOOK_TOKEN": "t",
                    "ANALYTICS_WEBHOOK_ALLOW": "a, b", "ANALYTICS_WEBHOOK_DENY": "c"}}"#
            );
            let found = read("{}", &env).expect("valid");
            assert_eq!(shown(&found), [format!("{format} {format} {default}")]);
            let allow = found[0].allow.clone().expect("a list");
            assert_eq!(allow.into_iter().collect::<Vec<_>>(), ["a", "b"]);
            assert!(found[0].deny.contains("c"));
        }
    }

    #[test]
    fn each_error_names_the_field_or_the_variable() {
        for (options, env, field) in [
            (r#"{"destinations": {}}"#, "{}", "destinations"),
            (r#"{"destinations": [5]}"#, "{}", "destinations[0]"),
            (r#"{"destinations": [{}]}"#, "{}", "destinations[0].url"),
            (
                r#"{"destinations": [{"format": "gzip"}]}"#,
                "{}",
                "destinations[0].format",
            ),
            (
                r#"{"destinations": [{"format": "mixpanel"}]}"#,
                "{}",
                "destinations[0].token",
            ),
            (
                r#"{"destinations": [{"format": "mixpanel", "username": "u", "secret": "s"}]}"#,
                "{}",
                "destinations[0].projectId",
            ),
            (
                r#"{"destinations": [{"format": "segment", "writeKey": ""}]}"#,
                "{}",
                "destinations[0].writeKey",
            ),
            (
                r#"{"destinations": [{"format": "posthog", "apiKey": "k", "url": "http://h/?q"}]}"#,
                "{}",
                "destinations[0].url",
            ),
            (
                r#"{"destinations": [{"url": "http://h/", "apiKey": "k"}]}"#,
                "{}",
                "destinations[0].apiKey",
            ),
            (
                r#"{"destinations": [{"url": "http://h/"}, {"url": "http://i/"}]}"#,
                "{}",
                "destinations[1].name",
            ),
            (
                r#"{"destinations": [{"url": "http://h/", "name": "a b"}]}"#,
                "{}",
                "destinations[0].name",
            ),
            (
                r#"{"destinations": [{"url": "http://h/", "allow": "a"}]}"#,
                "{}",
                "destinations[0].allow",
            ),
            (
                r#"{"destinations": [{"url": "http://h/", "maxAgeMs": 5}]}"#,
                "{}",
                "destinations[0].maxAgeMs",
            ),
            (
                "{}",
                r#"{"ANALYTICS_WEBHOOK_FORMAT": "Raw"}"#,
                "ANALYTICS_WEBHOOK_FORMAT",
            ),
            (
                "{}",
                r#"{"ANALYTICS_WEBHOOK_FORMAT": "raw"}"#,
                "ANALYTICS_WEBHOOK_URL",
            ),
            (
                "{}",
                r#"{"ANALYTICS_WEBHOOK_FORMAT": "segment"}"#,
                "ANALYTICS_WEBHOOK_TOKEN",
            ),
            (
                "{}",
                r#"{"ANALYTICS_WEBHOOK_URL": "http://h/", "ANALYTICS_WEBHOOK_TOKEN": "t"}"#,
                "ANALYTICS_WEBHOOK_TOKEN",
            ),
        ] {
            let error = read(options, env).err().expect(options);
            assert!(error.starts_with(&format!("{field}: ")), "{error}");
        }
    }
}
