//! Options, environment variables and defaults of one instance, with their bounds.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::collections::Collections;
use super::counters::Counters;
use super::destinations::{self, DestinationSettings};
use super::error::ConfigError;
use super::funnels::{self, Funnel};
use super::purchases::Purchases;
use super::reports::Reports;
use super::source::{KIB, MIB, Source, Text, object};

/// Longer than any process runs.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);
/// Options that JavaScript itself evaluates.
const JAVASCRIPT_OPTIONS: [&str; 3] = ["mongoose", "logger", "strict"];

/// Everything one instance is set to. `Debug` leaves out what may hold credentials.
#[derive(Clone)]
pub struct Config {
    /// `uri` or `ANALYTICS_MONGODB_URI`: used at once, before any mongoose connection. Only the driver can
    /// judge it: see `store::check`.
    pub uri: Option<Text>,
    /// `MONGODB_URI`, then `MONGO_URI`: used when the host has no mongoose connection.
    pub fallback_uri: Option<Text>,
    /// `database` or `ANALYTICS_MONGODB_DATABASE`; else that of the connection, else `test`.
    pub database: Option<String>,
    pub collections: Collections,
    /// What events add to; `counters` changes the built-in entries.
    pub counters: Counters,
    /// Which events are purchases; `purchases` changes the built-in entry.
    pub purchases: Purchases,
    /// Authorities that this process trusts, in PEM; none: those that Node.js brings along. It is no
    /// option: the addon asks for it where a setting uses TLS.
    pub authorities: Option<Arc<str>>,
    /// `webhookUrl` and `destinations`, or `ANALYTICS_WEBHOOK_…`.
    pub destinations: Vec<DestinationSettings>,
    /// Longest wait before written records are added to the totals; 10 to 3 600 000 ms, default 500.
    pub flush_interval: Duration,
    /// Bound for everything waiting in memory; 64 KiB to 64 GiB, default 256 MiB.
    pub max_queue_bytes: usize,
    /// Folder of the spool; none by default.
    pub spool_dir: Option<PathBuf>,
    /// Bound for what one instance keeps on disk; 1 MiB to 1 TiB, default 1 GiB.
    pub max_spool_bytes: u64,
    /// Whether records are kept in memory only when the folder cannot be used; else the constructor throws.
    pub spool_fallback_is_memory: bool,
    /// Largest payload of one event in BSON; 1 KiB to 15 MiB, default 256 KiB.
    pub max_event_bytes: usize,
    /// Whether others see that this instance is here, and how many players it has; on by default.
    pub presence: bool,
    /// The name of this instance among those of the game, 1 to 64 characters; none by default.
    pub instance_name: Option<String>,
    /// Those that are declared, by name.
    pub funnels: BTreeMap<String, Funnel>,
    pub reports: Reports,
    /// Whether nothing is written of its own accord: no index, sample or sum of old sessions. It is no
    /// option: the command line opens such instances.
    pub is_reader: bool,
    /// Of a reader: whether it was given none of the options of the game. Then it takes from reports what they say.
    pub learns: bool,
    /// `flush` and what reads the database reject after it; 100 to 600 000 ms, default 10 000.
    pub operation_timeout: Duration,
    /// `onLogin`, `onLogout` resolve after it at the latest; 1 to 600 000 ms, default 5 000.
    pub ack_timeout: Duration,
    /// `stop` resolves after it at the latest; 0 to 600 000 ms, default 10 000.
    pub shutdown_timeout: Duration,
}

impl Config {
    /// Whether a destination wants logins and logouts.
    pub fn forwards_sessions(&self) -> bool {
        self.destinations.iter().any(|one| one.sessions)
    }
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

/// Options that no version knows, to be warned about.
pub type UnknownOptions = Vec<String>;

impl Config {
    /// Reads options and environment, both given as JSON objects.
    pub fn from_json(options: &str, env: &str) -> Result<(Config, UnknownOptions), ConfigError> {
        let mut source = Source::new(object("options", options)?, object("environment", env)?);
        let config = Config {
            uri: source.text("uri", "ANALYTICS_MONGODB_URI")?,
            fallback_uri: ["MONGODB_URI", "MONGO_URI"].into_iter().find_map(|field| {
                let text = source.variable(field)?;
                Some(Text { field, text })
            }),
            database: database(&mut source)?,
            collections: Collections::read(&mut source)?,
            counters: Counters::read(&mut source)?,
            purchases: Purchases::read(&mut source)?,
            authorities: None,
            destinations: destinations::read(&mut source)?,
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
            spool_dir: spool_dir(&mut source)?,
            max_spool_bytes: source.integer(
                "maxSpoolBytes",
                Some("ANALYTICS_MAX_SPOOL_BYTES"),
                KIB * MIB,
                MIB..=MIB * MIB,
            )?,
            spool_fallback_is_memory: source.choice(
                "spoolFallback",
                "ANALYTICS_SPOOL_FALLBACK",
                ["error", "memory"],
            )?,
            max_event_bytes: source.integer("maxEventBytes", None, 256 * KIB, KIB..=15 * MIB)?
                as usize,
            presence: !source.choice("presence", "ANALYTICS_PRESENCE", ["on", "off"])?,
            instance_name: instance_name(&mut source)?,
            funnels: funnels::read(&mut source)?,
            reports: Reports::read(&mut source)?,
            is_reader: false,
            learns: false,
            operation_timeout: source.millis("operationTimeoutMs", None, 10_000, 100..=600_000)?,
            ack_timeout: source.millis("ackTimeoutMs", None, 5_000, 1..=600_000)?,
            shutdown_timeout: source.millis(
                "shutdownTimeoutMs",
                Some("ANALYTICS_SHUTDOWN_TIMEOUT_MS"),
                10_000,
                0..=600_000,
            )?,
        };
        let known = |name: &String| JAVASCRIPT_OPTIONS.contains(&name.as_str());
        let unknown = source.unread().filter(|name| !known(name)).collect();
        Ok((config, unknown))
    }

    /// These settings, for an instance that writes nothing of its own accord; `learns` if they are not the game's.
    pub fn for_reading(self, learns: bool) -> Config {
        Config {
            is_reader: true,
            learns,
            presence: false,
            spool_dir: None,
            destinations: Vec::new(),
            ..self
        }
    }

    /// The same, for one that forwards what it is handed to the destination of this name. No event expires
    /// there, and none lacks room: who hands them over waits.
    pub fn for_forwarding(self, name: &str) -> Result<Config, ConfigError> {
        let all = self.destinations.iter();
        let Some(named) = all.clone().find(|one| one.name == name) else {
            let names: Vec<&str> = all.map(|one| one.name.as_str()).collect();
            let problem = match names.is_empty() {
                true => {
                    "no destination is configured: give --options with those of the game, or set \
                         ANALYTICS_WEBHOOK_URL or ANALYTICS_WEBHOOK_FORMAT"
                        .to_owned()
                }
                false => format!("must be one of {}", names.join(", ")),
            };
            return Err(ConfigError::new("destination", problem));
        };
        let destination = DestinationSettings {
            // What tells the sessions of events to one tells them to all.
            sessions: self.forwards_sessions(),
            max_age: FOR_EVER,
            max_queue_bytes: usize::MAX,
            ..named.clone()
        };
        Ok(Config {
            destinations: vec![destination],
            ..self.for_reading(false)
        })
    }
}

fn database(source: &mut Source) -> Result<Option<String>, ConfigError> {
    let problem = "must be the name of a database: at most 63 bytes, no space and none of \
                   /\\.\"$*<>:|?";
    let env = "ANALYTICS_MONGODB_DATABASE";
    source.checked("database", env, is_database_name, problem)
}

/// As MongoDB allows them on every platform.
/// <https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions>
fn is_database_name(name: &str) -> bool {
    let is_allowed = |c: char| !c.is_whitespace() && !"/\\.\"$*<>:|?\0".contains(c);
    name.len() <= 63 && name.chars().all(is_allowed)
}

fn spool_dir(source: &mut Source) -> Result<Option<PathBuf>, ConfigError> {
    let problem = "must be the path of a folder";
    let has_no_nul = |path: &str| !path.contains('\0');
    let path = source.checked("spoolDir", "ANALYTICS_SPOOL_DIR", has_no_nul, problem)?;
    // The host may change its working directory.
    let absolute = |path: String| std::path::absolute(&path).unwrap_or(path.into());
    Ok(path.map(absolute))
}

fn instance_name(source: &mut Source) -> Result<Option<String>, ConfigError> {
    let problem = "must be a name of 1 to 64 characters, none of them a control character";
    let is_name = |name: &str| name.chars().count() <= 64 && !name.chars().any(char::is_control);
    source.checked("instanceName", "ANALYTICS_INSTANCE_NAME", is_name, problem)
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
        let uri = config.uri.expect("given");
        assert_eq!((uri.field, uri.text.as_str()), ("uri", "mongodb://option"));
        assert_eq!(config.flush_interval, Duration::from_millis(70));
    }

    #[test]
    fn each_error_names_the_field_as_the_user_wrote_it() {
        for (options, env, field) in [
            (r#"{"uri": 5}"#, "{}", "uri"),
            (r#"{"uri": ""}"#, "{}", "uri"),
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
        assert_eq!(config.fallback_uri.map(|uri| uri.field), Some("MONGO_URI"));
        assert!(config.destinations.is_empty());
    }

    #[test]
    fn what_forwards_stored_events_has_one_destination_with_room_for_all() {
        let options = r#"{"destinations": [{"url": "http://h/", "name": "a", "maxAgeMs": 100},
            {"url": "http://h/", "name": "b", "sessions": true}]}"#;
        let of = |options: &str, name| {
            let (config, _) = read(options, "{}").expect("valid");
            config.for_forwarding(name).map_err(|e| e.to_string())
        };
        let config = of(options, "a").expect("a destination");
        assert!(config.is_reader && !config.presence && config.destinations.len() == 1);
        let one = &config.destinations[0];
        assert_eq!((one.name.as_str(), one.sessions), ("a", true));
        assert_eq!((one.max_age, one.max_queue_bytes), (FOR_EVER, usize::MAX));
        let problem = of(options, "c").err();
        assert_eq!(problem.as_deref(), Some("destination: must be one of a, b"));
        let problem = of("{}", "a").err().unwrap_or_default();
        assert!(
            problem.starts_with("destination: no destination is configured"),
            "{problem}"
        );
    }

    #[test]
    fn debug_output_holds_no_credentials() {
        let options = r#"{"uri": "mongodb://u:hunter2@h", "webhookUrl": "http://u:hunter2@h/"}"#;
        let (config, _) = read(options, "{}").expect("valid");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
