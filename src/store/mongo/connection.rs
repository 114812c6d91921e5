//! Client options, from a connection string or from the settings of the host's mongoose connection. Reads
//! always go to the primary, whatever the host reads from. No error quotes a connection string, which may
//! hold a password.

use std::fmt;
use std::time::Duration;

use mongodb::error::ErrorKind;
use mongodb::options::{
    AuthMechanism, ClientOptions, Credential, DriverInfo, ReadPreference, ServerAddress, Tls,
};
use serde::Deserialize;
use tempfile::TempPath;
use tokio::time::timeout;

use super::tls::AdoptedTls;
use crate::config::Collections;
use crate::store::error::{Result, StoreError};

/// The database of mongoose and the driver when nothing names one.
const DEFAULT_DATABASE: &str = "test";
/// Time limit of one attempt to find a server; the pipeline repeats it without end.
const SERVER_SELECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections for which no kind of work waits for another: two batches of events, logins, totals, and
/// the summing up of legacy sessions.
const CONNECTIONS: u32 = 5;
/// Time limit of looking up an SRV record; then the hosts that mongoose has found are used.
const SRV_TIMEOUT: Duration = Duration::from_secs(5);

/// `Debug` leaves out everything that may hold credentials.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Connection {
    Uri {
        uri: String,
        database: Option<String>,
    },
    /// The settings of the host's driver, from its URI and its option objects.
    Adopted(Box<Adopted>),
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub struct Adopted {
    /// `host:port` or socket paths; with an SRV record those that mongoose has found so far.
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
    /// The collections of the host's own models.
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
    /// The given names of collections, with those of the host's own models in place of defaults.
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
        // Book-keeping that lags behind would be wrong.
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

/// The settings of a client.
pub(super) struct Settings {
    pub options: ClientOptions,
    /// The name of the database.
    pub database: String,
    /// Certificates that were given as text; a client reads them only when it is made.
    _files: Vec<TempPath>,
}

/// The driver's own message may quote the string, so it is not passed on.
async fn parse(uri: &str) -> Result<ClientOptions> {
    ClientOptions::parse(uri)
        .await
        .map_err(|error| match error.kind.as_ref() {
            ErrorKind::DnsResolve { .. } => unresolved(),
            _ => StoreError::permanent("the MongoDB connection string is not valid: correct it"),
        })
}

fn unresolved() -> StoreError {
    StoreError::transient(
        "the SRV record of the MongoDB connection string cannot be resolved: it is looked up again",
    )
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

    /// A client that looks up the record itself also follows its changes. Where only the host's resolver
    /// knows the record, the hosts of that moment have to do.
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
            StoreError::permanent("the hosts of the mongoose connection are not valid: set uri")
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

/// Leaves out the user's name, which servers know from the certificate and refuse in the driver's field.
fn leave_name_to_certificate(credential: &mut Credential) {
    if credential.mechanism == Some(AuthMechanism::MongoDbX509) {
        credential.username = None;
    }
}

fn mechanism(name: &str) -> Result<AuthMechanism> {
    name.parse().map_err(|_| {
        StoreError::permanent(format!(
            "the authentication mechanism {name} is not supported: use another, or set uri"
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
        assert!(!error.is_transient());
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
        assert!(error.is_transient(), "{error}");
    }
}
