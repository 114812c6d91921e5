//! Fields of one destination, each read once and checked.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use super::settings::{
    Access, DestinationSettings, FORMATS, GameAnalyticsAccess, PrivacySettings, SigningSecret,
};
use crate::config::error::ConfigError;
use crate::config::source::{KIB, MIB, whole_number, within};
use crate::config::url;

/// The credential of Mixpanel; in the environment that of every format.
pub const TOKEN: &str = "token";
/// Most keys that are redacted.
const REDACTED_KEYS: usize = 100;
/// Shortest secret of users, in bytes: ids are easily guessed, so it must not be.
const USER_SECRET: usize = 16;
const DAY_MS: u64 = 24 * 3_600_000;

/// Fields are removed as they are read, so that what remains is unknown. `label` answers the name of a
/// field as the user wrote it.
pub struct Fields<'a> {
    given: Map<String, Value>,
    label: &'a dyn Fn(&str) -> String,
}

impl<'a> Fields<'a> {
    pub fn new(mut given: Map<String, Value>, label: &'a dyn Fn(&str) -> String) -> Self {
        given.retain(|_, value| !value.is_null());
        Self { given, label }
    }

    pub fn destination(mut self) -> Result<DestinationSettings, ConfigError> {
        let access = self.access()?;
        let destination = DestinationSettings {
            name: self.name(&access)?,
            url: self.url(&access)?,
            allow: self.names("allow")?,
            deny: self.names("deny")?.unwrap_or_default(),
            sessions: self.flag("sessions", matches!(access, Access::GameAnalytics(_)))?,
            privacy: self.privacy()?,
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
            "raw" => Access::Raw {
                signing_secrets: self.signing_secrets()?,
            },
            "mixpanel" => self.mixpanel()?,
            "segment" => Access::Segment {
                write_key: self.required("writeKey")?,
            },
            "posthog" => Access::Posthog {
                api_key: self.required("apiKey")?,
            },
            "gameanalytics" => Access::GameAnalytics(self.game_analytics()?),
            "amplitude" => Access::Amplitude {
                api_key: self.required("apiKey")?,
            },
            _ => {
                let problem = format!("must be one of {}", FORMATS.join(", "));
                return Err(self.error("format", problem));
            }
        })
    }

    /// With two, receivers may know either: so one is replaced by the next.
    fn signing_secrets(&mut self) -> Result<Vec<SigningSecret>, ConfigError> {
        let Some(given) = self.given.remove("signingSecrets") else {
            return Ok(Vec::new());
        };
        let all = given.as_array().filter(|all| (1..=2).contains(&all.len()));
        let read = |value: &Value| SigningSecret::read(value.as_str()?);
        let secrets = all.and_then(|all| all.iter().map(read).collect());
        let problem = "must be a list of one or two texts: whsec_ and the Base64 of 24 to 64 bytes";
        secrets.ok_or_else(|| self.error("signingSecrets", problem))
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

    fn game_analytics(&mut self) -> Result<GameAnalyticsAccess, ConfigError> {
        let game_key = self.required("gameKey")?;
        let is_key = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !game_key.chars().all(is_key) {
            return Err(self.error("gameKey", "must be letters and digits"));
        }
        let is_short = |text: &str| text.chars().count() <= 32;
        let is_platform = |text: &str| is_short(text) && text.chars().all(is_key);
        let platform = self.text("platform", "linux", is_platform)?;
        Ok(GameAnalyticsAccess {
            game_key,
            secret_key: self.required("secretKey")?,
            device: self.text("device", "unknown", is_short)?,
            os_version: self.text("os_version", &format!("{platform} 0"), |text| {
                is_version_of(&platform, text)
            })?,
            platform,
        })
    }

    fn text(
        &mut self,
        field: &str,
        default: &str,
        is_valid: impl Fn(&str) -> bool,
    ) -> Result<String, ConfigError> {
        match self.given.remove(field) {
            None => Ok(default.to_owned()),
            Some(Value::String(text)) if !text.is_empty() && is_valid(&text) => Ok(text),
            Some(_) => {
                let problem = format!("must be a text that GameAnalytics takes, such as {default}");
                Err(self.error(field, problem))
            }
        }
    }

    fn name(&mut self, access: &Access) -> Result<String, ConfigError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        match self.given.remove("name") {
            None if matches!(access, Access::Raw { .. }) => Ok("webhook".to_owned()),
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
            (Some(Value::String(url)), _) if url::is_http(&url) && is_base(&url) => Ok(url),
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

    fn flag(&mut self, field: &str, default: bool) -> Result<bool, ConfigError> {
        match self.given.remove(field) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(self.error(field, "must be true or false")),
        }
    }

    fn privacy(&mut self) -> Result<PrivacySettings, ConfigError> {
        let keys = self.given.remove("redactKeys").unwrap_or_default();
        let key = |value: &Value| Some(value.as_str().filter(|key| !key.is_empty())?.to_owned());
        let redact_keys = match &keys {
            Value::Null => Some(Vec::new()),
            Value::Array(keys) if keys.len() <= REDACTED_KEYS => keys.iter().map(key).collect(),
            _ => None,
        };
        let problem = format!("must be a list of at most {REDACTED_KEYS} names or paths of fields");
        Ok(PrivacySettings {
            redact_keys: redact_keys.ok_or_else(|| self.error("redactKeys", problem))?,
            user_secret: self.user_secret()?,
        })
    }

    fn user_secret(&mut self) -> Result<Option<String>, ConfigError> {
        let Some(given) = self.given.remove("hashUserId") else {
            return Ok(None);
        };
        let fields = given.as_object().filter(|fields| fields.len() == 1);
        let secret = fields.and_then(|fields| fields.get("secret")?.as_str());
        match secret.filter(|secret| secret.len() >= USER_SECRET) {
            Some(secret) => Ok(Some(secret.to_owned())),
            None => {
                let problem =
                    format!("must be {{ secret }}, a text of {USER_SECRET} bytes or more");
                Err(self.error("hashUserId", problem))
            }
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
            Some(value) => whole_number(&value),
        };
        within(&range, value).map_err(|problem| self.error(field, problem))
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

/// A platform, a space, and up to three numbers of up to five digits with dots between them.
fn is_version_of(platform: &str, text: &str) -> bool {
    let version = text.strip_prefix(platform);
    let version = version.and_then(|text| text.strip_prefix(' '));
    let is_number = |part: &str| part.len() <= 5 && part.chars().all(|c| c.is_ascii_digit());
    version.is_some_and(|text| {
        !text.is_empty() && text.split('.').count() <= 3 && text.split('.').all(is_number)
    })
}
