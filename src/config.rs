//! Settings, validated: options first, then environment variables, then defaults.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::ConfigError;
use crate::hash::fnv1a;
use crate::spool::Place;
use crate::{forward, store};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// Options that JavaScript itself evaluates.
const JAVASCRIPT_OPTIONS: [&str; 3] = ["mongoose", "logger", "strict"];

/// Names of the collections; the defaults are those that mongoose derives from the model names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collections {
    pub sessions: String,
    pub daily: String,
    pub events: String,
    pub uniques: String,
}

impl Default for Collections {
    fn default() -> Self {
        Self {
            sessions: "gsosessions".into(),
            daily: "gsodailies".into(),
            events: "gsoevents".into(),
            uniques: "gsouniques".into(),
        }
    }
}

/// Everything one instance is set to. `Debug` leaves out what may hold credentials.
#[derive(Clone)]
pub struct Config {
    /// `uri` or `ANALYTICS_MONGODB_URI`: used at once, before any mongoose connection.
    pub uri: Option<String>,
    /// `MONGODB_URI`, then `MONGO_URI`: used when the host has no mongoose connection.
    pub fallback_uri: Option<String>,
    /// `database` or `ANALYTICS_MONGODB_DATABASE`; else that of the connection, else `test`.
    pub database: Option<String>,
    pub collections: Collections,
    /// `webhookUrl` or `ANALYTICS_WEBHOOK_URL`; http or https.
    pub webhook_url: Option<String>,
    /// Longest wait before written records are added to the totals; 10 to 3 600 000 ms, default 500.
    pub flush_interval: Duration,
    /// Bound for everything waiting in memory; 64 KiB to 64 GiB, default 256 MiB.
    pub max_queue_bytes: usize,
    /// Folder of the spool; none by default.
    pub spool_dir: Option<PathBuf>,
    /// Bound for what one instance keeps on disk; 1 MiB to 1 TiB, default 1 GiB.
    pub max_spool_bytes: u64,
    /// Whether memory is to do where the folder cannot be used; else the constructor throws.
    pub spool_fallback_is_memory: bool,
    /// Largest payload of one event in BSON; 1 KiB to 15 MiB, default 256 KiB.
    pub max_event_bytes: usize,
    /// `flush`, `getMetrics`, `getLast30Days` reject after it; 100 to 600 000 ms, default 10 000.
    pub operation_timeout: Duration,
    /// `onLogin`, `onLogout` resolve after it at the latest; 1 to 600 000 ms, default 5 000.
    pub ack_timeout: Duration,
    /// `stop` resolves after it at the latest; 0 to 600 000 ms, default 10 000.
    pub shutdown_timeout: Duration,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("database", &self.database)
            .field("collections", &self.collections)
            .field("flush_interval", &self.flush_interval)
            .field("max_queue_bytes", &self.max_queue_bytes)
            .field("max_event_bytes", &self.max_event_bytes)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// What is configured of where records go. Where the connection alone says so, that is one place.
    pub fn place(&self) -> Place {
        let named = self.database.clone();
        let database = named.or_else(|| store::database_of(self.uri.as_deref()?));
        let names = &self.collections;
        let parts = [
            &database.unwrap_or_default(),
            &names.sessions,
            &names.daily,
            &names.events,
            &names.uniques,
        ];
        Place(fnv1a(parts.map(String::as_str).join("\0").as_bytes()))
    }
}

/// Options that no version knows, to be warned about.
pub type UnknownOptions = Vec<String>;

impl Config {
    /// Reads options and environment, both given as JSON objects.
    pub fn from_json(options: &str, env: &str) -> Result<(Config, UnknownOptions), ConfigError> {
        let mut source = Source {
            options: object("options", options)?,
            env: object("environment", env)?,
        };
        let config = Config {
            uri: source.uri()?,
            fallback_uri: source
                .variable("MONGODB_URI")
                .or(source.variable("MONGO_URI")),
            database: source.database()?,
            collections: source.collections()?,
            webhook_url: source.webhook_url()?,
            flush_interval: source.millis(
                "flushIntervalMs",
                Some("ANALYTICS_FLUSH_INTERVAL_MS"),
                500,
                10..=3_600_000,
            )?,
            max_queue_bytes: source.integer(
                "maxQueueBytes",
                Some("ANALYTICS_MAX_QUEUE_BYTES"),
                256 * MIB,
                64 * KIB..=64 * KIB * MIB,
            )? as usize,
            spool_dir: source.spool_dir()?,
            max_spool_bytes: source.integer(
                "maxSpoolBytes",
                Some("ANALYTICS_MAX_SPOOL_BYTES"),
                KIB * MIB,
                MIB..=MIB * MIB,
            )?,
            spool_fallback_is_memory: source.spool_fallback()?,
            max_event_bytes: source.integer("maxEventBytes", None, 256 * KIB, KIB..=15 * MIB)?
                as usize,
            operation_timeout: source.millis("operationTimeoutMs", None, 10_000, 100..=600_000)?,
            ack_timeout: source.millis("ackTimeoutMs", None, 5_000, 1..=600_000)?,
            shutdown_timeout: source.millis(
                "shutdownTimeoutMs",
                Some("ANALYTICS_SHUTDOWN_TIMEOUT_MS"),
                10_000,
                0..=600_000,
            )?,
        };
        for name in JAVASCRIPT_OPTIONS {
            source.options.remove(name);
        }
        Ok((config, source.options.into_iter().map(|(k, _)| k).collect()))
    }
}

fn object(what: &str, json: &str) -> Result<Map<String, Value>, ConfigError> {
    match serde_json::from_str(json) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(ConfigError::new(what, "must be an object")),
    }
}

/// Options are removed as they are read, so that what remains is unknown.
struct Source {
    options: Map<String, Value>,
    env: Map<String, Value>,
}

impl Source {
    fn option(&mut self, name: &str) -> Option<Value> {
        self.options.remove(name).filter(|value| !value.is_null())
    }

    /// An environment variable; an empty one counts as not set.
    fn variable(&self, name: &str) -> Option<String> {
        let value = self.env.get(name)?.as_str()?;
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn text(&mut self, name: &str, env: Option<&str>) -> Result<Option<String>, ConfigError> {
        match self.option(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(ConfigError::new(name, "must be a string that is not empty")),
            None => Ok(env.and_then(|env| self.variable(env))),
        }
    }

    fn integer(
        &mut self,
        name: &str,
        env: Option<&str>,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let (source, value) = match (self.option(name), env) {
            (Some(value), _) => (name, Some(whole_number(&value))),
            (None, Some(env)) => (env, self.variable(env).map(|text| text.trim().parse().ok())),
            (None, None) => (name, None),
        };
        let value = value.unwrap_or(Some(default));
        value.filter(|v| range.contains(v)).ok_or_else(|| {
            let (min, max) = (range.start(), range.end());
            ConfigError::new(
                source,
                format!("must be a whole number from {min} to {max}"),
            )
        })
    }

    fn millis(
        &mut self,
        name: &str,
        env: Option<&str>,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<Duration, ConfigError> {
        self.integer(name, env, default, range)
            .map(Duration::from_millis)
    }

    fn collections(&mut self) -> Result<Collections, ConfigError> {
        let mut names = Collections::default();
        let mut given = match self.option("collections") {
            None => return Ok(names),
            Some(Value::Object(map)) => map,
            Some(_) => return Err(ConfigError::new("collections", "must be an object")),
        };
        for (key, name) in [
            ("sessions", &mut names.sessions),
            ("daily", &mut names.daily),
            ("events", &mut names.events),
            ("uniques", &mut names.uniques),
        ] {
            match given.remove(key) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) if is_collection_name(&text) => *name = text,
                Some(_) => {
                    let problem = "must be the name of a collection: 1 to 191 bytes, no $, no NUL, no \
                                   dot at an end, not below system.";
                    return Err(ConfigError::new(format!("collections.{key}"), problem));
                }
            }
        }
        let all = [&names.sessions, &names.daily, &names.events, &names.uniques];
        if all.iter().collect::<BTreeSet<_>>().len() < all.len() {
            return Err(ConfigError::new(
                "collections",
                "must have four different names",
            ));
        }
        match given.keys().next() {
            None => Ok(names),
            Some(key) => Err(ConfigError::new(
                format!("collections.{key}"),
                "is not known; the collections are sessions, daily, events and uniques",
            )),
        }
    }

    fn spool_dir(&mut self) -> Result<Option<PathBuf>, ConfigError> {
        let problem = "must be the path of a folder";
        let has_no_nul = |path: &str| !path.contains('\0');
        let path = self.checked("spoolDir", "ANALYTICS_SPOOL_DIR", has_no_nul, problem)?;
        // The host may change its folder.
        let absolute = |path: String| std::path::absolute(&path).unwrap_or(path.into());
        Ok(path.map(absolute))
    }

    fn spool_fallback(&mut self) -> Result<bool, ConfigError> {
        let problem = "must be 'error' or 'memory'";
        let is_known = |text: &str| matches!(text, "error" | "memory");
        let env = "ANALYTICS_SPOOL_FALLBACK";
        let chosen = self.checked("spoolFallback", env, is_known, problem)?;
        Ok(chosen.as_deref() == Some("memory"))
    }

    fn webhook_url(&mut self) -> Result<Option<String>, ConfigError> {
        let problem = "must be an http or https URL";
        self.checked(
            "webhookUrl",
            "ANALYTICS_WEBHOOK_URL",
            forward::is_url,
            problem,
        )
    }

    fn database(&mut self) -> Result<Option<String>, ConfigError> {
        let problem = "must be the name of a database: at most 63 bytes, no space and none of \
                       /\\.\"$*<>:|?";
        let env = "ANALYTICS_MONGODB_DATABASE";
        self.checked("database", env, is_database_name, problem)
    }

    fn uri(&mut self) -> Result<Option<String>, ConfigError> {
        let problem = "must be a MongoDB connection string, mongodb://… or mongodb+srv://…";
        let env = "ANALYTICS_MONGODB_URI";
        self.checked("uri", env, store::is_connection_string, problem)
    }

    /// A text of a certain form; the error names the option or the variable, whichever it came from.
    fn checked(
        &mut self,
        name: &str,
        env: &str,
        is_valid: fn(&str) -> bool,
        problem: &str,
    ) -> Result<Option<String>, ConfigError> {
        let source = match self.options.get(name) {
            None | Some(Value::Null) => env,
            Some(_) => name,
        };
        match self.text(name, Some(env))? {
            Some(text) if !is_valid(&text) => Err(ConfigError::new(source, problem)),
            text => Ok(text),
        }
    }
}

fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        (float.fract() == 0.0 && (0.0..9e15).contains(&float)).then_some(float as u64)
    })
}

/// As MongoDB allows them on every platform.
/// <https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions>
fn is_database_name(name: &str) -> bool {
    let is_allowed = |c: char| !c.is_whitespace() && !"/\\.\"$*<>:|?\0".contains(c);
    name.len() <= 63 && name.chars().all(is_allowed)
}

/// As MongoDB allows them; database, dot and collection take at most 255 bytes together.
fn is_collection_name(name: &str) -> bool {
    let is_dotted_at_an_end = name.starts_with('.') || name.ends_with('.');
    !name.is_empty()
        && name.len() <= 255 - 64
        && !name.contains(['$', '\0'])
        && !name.starts_with("system.")
        && !is_dotted_at_an_end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &str, env: &str) -> Result<(Config, UnknownOptions), String> {
        Config::from_json(options, env).map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_given_means_the_documented_defaults() {
        let (config, unknown) = read("{}", "{}").expect("defaults");
        assert_eq!(config.uri, None);
        assert_eq!(config.flush_interval, Duration::from_millis(500));
        assert_eq!(config.max_queue_bytes, 256 << 20);
        assert_eq!(config.max_event_bytes, 256 << 10);
        assert_eq!(config.collections, Collections::default());
        assert!(unknown.is_empty());
    }

    #[test]
    fn an_option_wins_over_its_environment_variable() {
        let env =
            r#"{"ANALYTICS_MONGODB_URI": "mongodb://env", "ANALYTICS_FLUSH_INTERVAL_MS": "70"}"#;
        let (config, _) = read(r#"{"uri": "mongodb://option"}"#, env).expect("valid");
        assert_eq!(config.uri.as_deref(), Some("mongodb://option"));
        assert_eq!(config.flush_interval, Duration::from_millis(70));
    }

    #[test]
    fn each_error_names_the_field_as_the_user_wrote_it() {
        for (options, env, field) in [
            (r#"{"uri": 5}"#, "{}", "uri"),
            (r#"{"uri": ""}"#, "{}", "uri"),
            (r#"{"uri": "localhost:27017"}"#, "{}", "uri"),
            (
                "{}",
                r#"{"ANALYTICS_MONGODB_URI": "mongodb://a:b"}"#,
                "ANALYTICS_MONGODB_URI",
            ),
            (r#"{"flushIntervalMs": "500"}"#, "{}", "flushIntervalMs"),
            (r#"{"flushIntervalMs": 0.5}"#, "{}", "flushIntervalMs"),
            (r#"{"maxEventBytes": 16777216}"#, "{}", "maxEventBytes"),
            (
                r#"{"collections": {"event": "x"}}"#,
                "{}",
                "collections.event",
            ),
            (
                r#"{"collections": {"daily": "a$b"}}"#,
                "{}",
                "collections.daily",
            ),
            (r#"{"webhookUrl": "ftp://x"}"#, "{}", "webhookUrl"),
            (
                "{}",
                r#"{"ANALYTICS_WEBHOOK_URL": "x"}"#,
                "ANALYTICS_WEBHOOK_URL",
            ),
            (
                "{}",
                r#"{"ANALYTICS_MAX_QUEUE_BYTES": "1G"}"#,
                "ANALYTICS_MAX_QUEUE_BYTES",
            ),
        ] {
            let error = read(options, env).expect_err(options);
            assert!(error.starts_with(&format!("{field}: ")), "{error}");
        }
    }

    #[test]
    fn unknown_options_are_listed_and_empty_variables_count_as_not_set() {
        let env =
            r#"{"MONGODB_URI": "", "MONGO_URI": "mongodb://second", "ANALYTICS_WEBHOOK_URL": ""}"#;
        let (config, unknown) =
            read(r#"{"flushInterval": 5, "strict": true}"#, env).expect("valid");
        assert_eq!(unknown, ["flushInterval"]);
        assert_eq!(config.fallback_uri.as_deref(), Some("mongodb://second"));
        assert_eq!(config.webhook_url, None);
    }

    #[test]
    fn debug_output_holds_no_credentials() {
        let options = r#"{"uri": "mongodb://u:hunter2@h", "webhookUrl": "http://u:hunter2@h/"}"#;
        let (config, _) = read(options, "{}").expect("valid");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
