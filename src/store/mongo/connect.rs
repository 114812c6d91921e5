//! How to reach the database: a connection string, or what the host's mongoose connection is set to.

use std::fmt;
use std::time::Duration;

use mongodb::options::{
    AuthMechanism, ClientOptions, ConnectionString, Credential, DriverInfo, ReadPreference,
    ServerAddress, Tls,
};
use serde::Deserialize;
use tempfile::TempPath;
use tokio::time::timeout;

use super::tls::AdoptedTls;
use super::{Result, StoreError};
use crate::config::{Collections, Config, ConfigError};
use crate::record::target::Target;
use crate::util::fnv::fnv1a;

/// Where mongoose and the driver look when nothing names a database.
const DEFAULT_DATABASE: &str = "test";
/// How long one attempt looks for a server; the pipeline repeats it for as long as it takes.
const SERVER_SELECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// The fewest connections that keep one kind of work from waiting for another: two groups of events,
/// logins, totals, and the summing up of old sessions.
const CONNECTIONS: u32 = 5;
/// How long an SRV record is looked up before the hosts that mongoose has found are used.
const SRV_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks the connection string of the settings with the driver's parser; looks nothing up.
pub fn check(config: &Config) -> std::result::Result<(), ConfigError> {
    match &config.uri {
        Some(uri) if ConnectionString::parse(&uri.text).is_err() => {
            let problem = "must be a MongoDB connection string, mongodb://… or mongodb+srv://…";
            Err(ConfigError::new(uri.field, problem))
        }
        _ => Ok(()),
    }
}

/// The configured database and collections. Configurations that take the database from the
/// host's connection share one.
pub fn target(config: &Config) -> Target {
    let of_uri = || {
        let uri = config.uri.as_ref()?;
        ConnectionString::parse(&uri.text).ok()?.default_database
    };
    let database = config.database.clone().or_else(of_uri);
    let names = &config.collections;
    let parts = [
        &database.unwrap_or_default(),
        &names.sessions,
        &names.daily,
        &names.events,
        &names.uniques,
    ];
    Target(fnv1a(parts.map(String::as_str).join("\0").as_bytes()))
}

/// `Debug` leaves out everything that may hold credentials.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Connection {
    Uri {
        uri: String,
        database: Option<String>,
    },
    /// What the host's driver is set to, whether it came from its URI or from option objects.
    Adopted(Box<Adopted>),
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub struct Adopted {
    /// `host:port`, or a socket path; of an SRV record those that mongoose has found, if any yet.
    pub hosts: Vec<String>,
    pub srv_host: Option<String>,
    pub srv_service_name: Option<String>,
    pub srv_max_hosts: Option<u32>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub auth_source: Option<String>,
    pub auth_mechanism: Option<String>,
    pub tls: Option<AdoptedTls>,
    pub replica_set: Option<String>,
    pub direct_connection: Option<bool>,
    pub load_balanced: Option<bool>,
    pub database: Option<String>,
    /// Where the host's own models keep their documents.
    pub collections: AdoptedCollections,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AdoptedCollections {
    pub sessions: Option<String>,
    pub daily: Option<String>,
    pub events: Option<String>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Connection::Uri { .. } => "Connection::Uri",
            Connection::Adopted(_) => "Connection::Adopted",
        })
    }
}

impl Connection {
    /// The names of the collections: those given, with the host's own in place of defaults.
    pub(super) fn collections(&self, given: &Collections) -> Collections {
        let default = Collections::default();
        let mut names = given.clone();
        if let Connection::Adopted(adopted) = self {
            let AdoptedCollections {
                sessions,
                daily,
                events,
            } = &adopted.collections;
            for (name, default, own) in [
                (&mut names.sessions, default.sessions, sessions),
                (&mut names.daily, default.daily, daily),
                (&mut names.events, default.events, events),
            ] {
                if let (true, Some(own)) = (*name == default, own) {
                    name.clone_from(own);
                }
            }
        }
        names
    }

    pub(super) async fn settings(&self) -> Result<Settings> {
        let mut files = Vec::new();
        let (mut options, database) = match self {
            Connection::Uri { uri, database } => (parse(uri).await?, database.clone()),
            Connection::Adopted(adopted) => {
                (adopted.options(&mut files).await?, adopted.database.clone())
            }
        };
        if let Some(credential) = &mut options.credential {
            leave_name_to_certificate(credential);
        }
        // Book-keeping that lags behind would be wrong, whatever the host may read elsewhere.
        options.selection_criteria = Some(ReadPreference::Primary.into());
        options.max_pool_size = options.max_pool_size.map(|most| most.max(CONNECTIONS));
        options.server_selection_timeout = Some(SERVER_SELECTION_TIMEOUT);
        options.driver_info = Some(
            DriverInfo::builder()
                .name("gso-analytics")
                .version(env!("CARGO_PKG_VERSION").to_owned())
                .build(),
        );
        let database = database
            .or_else(|| options.default_database.clone())
            .unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
        Ok(Settings {
            options,
            database,
            _files: files,
        })
    }
}

/// What a client is made of.
pub(super) struct Settings {
    pub options: ClientOptions,
    /// The name of the database.
    pub database: String,
    /// Certificates that were given as text; a client reads them when it is made, not later.
    _files: Vec<TempPath>,
}

/// The driver's own message may quote the string, and with it the password: it is not passed on.
async fn parse(uri: &str) -> Result<ClientOptions> {
    ClientOptions::parse(uri).await.map_err(|error| {
        let transient = matches!(
            error.kind.as_ref(),
            mongodb::error::ErrorKind::DnsResolve { .. }
        );
        if transient {
            return unresolved();
        }
        StoreError {
            message: "the MongoDB connection string is not valid".to_owned(),
            transient,
        }
    })
}

fn unresolved() -> StoreError {
    StoreError::transient("the SRV record of the MongoDB connection string could not be resolved")
}

impl Adopted {
    async fn options(&self, files: &mut Vec<TempPath>) -> Result<ClientOptions> {
        let mut options = match &self.srv_host {
            Some(host) => self.srv_options(host).await?,
            None => ClientOptions::builder().hosts(self.hosts()?).build(),
        };
        options.credential = self.credential()?;
        if let Some(tls) = &self.tls {
            options.tls = Some(tls.options(files)?);
        } else if self.srv_host.is_some() {
            options.tls = Some(Tls::Disabled);
        }
        if self.replica_set.is_some() {
            options.repl_set_name = self.replica_set.clone();
        }
        options.direct_connection = self.direct_connection;
        options.load_balanced = self.load_balanced;
        Ok(options)
    }

    /// A client that looks the record up itself also follows its changes. Where only the host's
    /// resolver knows it, the hosts of that moment have to do.
    async fn srv_options(&self, host: &str) -> Result<ClientOptions> {
        let mut uri = format!("mongodb+srv://{host}/");
        let mut separator = '?';
        let max_hosts = self.srv_max_hosts.map(|max| max.to_string());
        for (name, value) in [
            ("srvServiceName", &self.srv_service_name),
            ("srvMaxHosts", &max_hosts),
        ] {
            if let Some(value) = value {
                uri.push_str(&format!("{separator}{name}={value}"));
                separator = '&';
            }
        }
        match timeout(SRV_TIMEOUT, parse(&uri)).await {
            Ok(Ok(options)) => Ok(options),
            _ if !self.hosts.is_empty() => {
                Ok(ClientOptions::builder().hosts(self.hosts()?).build())
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(unresolved()),
        }
    }

    fn hosts(&self) -> Result<Vec<ServerAddress>> {
        let parsed = self.hosts.iter().map(ServerAddress::parse);
        parsed.collect::<std::result::Result<_, _>>().map_err(|_| {
            StoreError::permanent("the hosts of the mongoose connection cannot be read")
        })
    }

    fn credential(&self) -> Result<Option<Credential>> {
        let mechanism = match self.auth_mechanism.as_deref() {
            None | Some("DEFAULT") => None,
            Some(name) => Some(mechanism(name)?),
        };
        if self.username.is_none() && mechanism.is_none() {
            return Ok(None);
        }
        let mut credential = Credential::default();
        credential.username = self.username.clone();
        credential.password = self.password.clone();
        credential.source = self.auth_source.clone();
        credential.mechanism = mechanism;
        Ok(Some(credential))
    }
}

/// The driver sends the user's name in a field that servers refuse; they know it from the certificate.
fn leave_name_to_certificate(credential: &mut Credential) {
    if credential.mechanism == Some(AuthMechanism::MongoDbX509) {
        credential.username = None;
    }
}

fn mechanism(name: &str) -> Result<AuthMechanism> {
    name.parse().map_err(|_| {
        StoreError::permanent(format!(
            "the authentication mechanism {name} is not supported"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn options_of(json: &str) -> Result<(ClientOptions, String)> {
        let connection: Connection = serde_json::from_str(json).expect("a connection");
        let settings = connection.settings().await?;
        Ok((settings.options, settings.database))
    }

    #[tokio::test]
    async fn the_database_is_the_named_one_then_the_uris_then_test() {
        for (json, database) in [
            (
                r#"{"uri": {"uri": "mongodb://h/path", "database": "named"}}"#,
                "named",
            ),
            (r#"{"uri": {"uri": "mongodb://h/path"}}"#, "path"),
            (r#"{"uri": {"uri": "mongodb://h"}}"#, "test"),
            (
                r#"{"adopted": {"hosts": ["h:1"], "database": "named"}}"#,
                "named",
            ),
        ] {
            assert_eq!(options_of(json).await.expect("valid").1, database);
        }
    }

    #[test]
    fn an_error_about_a_connection_string_names_the_field_as_the_user_wrote_it() {
        for (options, environment, field) in [
            (r#"{"uri": "localhost:27017"}"#, "{}", "uri"),
            (
                "{}",
                r#"{"ANALYTICS_MONGODB_URI": "mongodb://a:b"}"#,
                "ANALYTICS_MONGODB_URI",
            ),
        ] {
            let (config, _) = Config::from_json(options, environment).expect("text");
            let error = check(&config).expect_err(field).to_string();
            let expected = format!("{field}: must be a MongoDB connection string");
            assert!(error.starts_with(&expected), "{error}");
        }
    }

    #[test]
    fn a_target_follows_the_configured_database_and_collections() {
        let of = |options: &str| target(&Config::from_json(options, "{}").expect("valid").0);
        let game = of(r#"{"uri": "mongodb://h/game"}"#);
        assert_eq!(game, of(r#"{"database": "game"}"#));
        assert_eq!(
            game,
            of(r#"{"uri": "mongodb://other/x", "database": "game"}"#)
        );
        assert_ne!(game, of("{}"));
        assert_ne!(
            game,
            of(r#"{"database": "game", "collections": {"daily": "d"}}"#)
        );
    }

    #[tokio::test]
    async fn an_adopted_connection_keeps_hosts_credentials_and_replica_set() {
        let json = r#"{"adopted": {"hosts": ["a:1", "[::1]:2"], "username": "u", "password": "p",
            "authSource": "admin", "authMechanism": "SCRAM-SHA-256", "replicaSet": "rs"}}"#;
        let (options, _) = options_of(json).await.expect("valid");
        assert_eq!(options.hosts.len(), 2);
        assert_eq!(options.repl_set_name.as_deref(), Some("rs"));
        let credential = options.credential.expect("a credential");
        assert_eq!(credential.source.as_deref(), Some("admin"));
        assert_eq!(credential.mechanism, Some(AuthMechanism::ScramSha256));
    }

    #[tokio::test]
    async fn reads_go_to_the_primary_and_there_are_connections_for_all_kinds_of_work() {
        for (given, connections) in [
            ("?readPreference=secondary&maxPoolSize=1", Some(CONNECTIONS)),
            ("?maxPoolSize=50", Some(50)),
            ("", None),
        ] {
            let json = format!(r#"{{"uri": {{"uri": "mongodb://h/{given}"}}}}"#);
            let (options, _) = options_of(&json).await.expect("valid");
            let primary = options.selection_criteria;
            assert_eq!(primary, Some(ReadPreference::Primary.into()));
            assert_eq!(options.max_pool_size, connections, "{given}");
        }
    }

    #[tokio::test]
    async fn a_connection_string_that_cannot_be_read_is_not_quoted() {
        let json = r#"{"uri": {"uri": "mongodb://user:hunter2@h:port/x"}}"#;
        let error = options_of(json).await.expect_err("not valid");
        assert!(!error.message.contains("hunter2"), "{error}");
        assert!(!error.transient);
    }

    #[tokio::test]
    async fn where_only_the_host_can_resolve_an_srv_record_its_hosts_are_used() {
        let json = r#"{"adopted": {"srvHost": "cluster.nobody.invalid", "srvMaxHosts": 0,
            "srvServiceName": "mongodb", "hosts": ["a.nobody.invalid:1"], "replicaSet": "rs"}}"#;
        let (options, _) = options_of(json).await.expect("valid");
        assert_eq!(options.hosts.len(), 1);
        assert_eq!(options.repl_set_name.as_deref(), Some("rs"));
        assert_eq!(options.tls, Some(Tls::Disabled));

        let unknown = r#"{"adopted": {"srvHost": "cluster.nobody.invalid"}}"#;
        let error = options_of(unknown).await.expect_err("no hosts");
        assert!(error.transient, "{error}");
    }
}
