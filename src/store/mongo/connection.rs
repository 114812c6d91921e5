//! Client options, from a connection string or from the settings of the host's mongoose connection. Reads
//! always go to the primary, whatever the host reads from. No error quotes a connection string, which may
//! hold a password.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mongodb::options::{
    AuthMechanism, ClientOptions, Credential, DriverInfo, ReadPreference, ServerAddress, ServerApi,
    Tls,
};
use serde::Deserialize;
use tempfile::TempPath;
use tokio::time::timeout;

use super::tls::{self, AdoptedTls};
use super::uri;
use crate::config::{Collections, Text};
use crate::store::error::{Result, StoreError};
use crate::util::foreign_text;

/// The database of mongoose and the driver when nothing names one.
const DEFAULT_DATABASE: &str = "test";
/// Time limit of one attempt to find a server; the pipeline repeats it without end.
const SERVER_SELECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the driver looks at a server, unless the connection string says: also how long it takes no new
/// connections after one was refused, as when a user is missing. The driver's own default is 10 s.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Time limit of looking up an SRV record; then the hosts that mongoose has found are used.
const SRV_TIMEOUT: Duration = Duration::from_secs(5);

/// `Debug` leaves out everything that may hold credentials.
#[derive(Clone)]
pub enum Connection {
    Uri {
        uri: Text,
        database: Option<String>,
        /// Authorities that the host's process trusts, in PEM; none: those that the driver brings along.
        authorities: Option<Arc<str>>,
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
    pub server_api: Option<ServerApi>,
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
    #[cfg(test)]
    pub fn at(text: &str) -> Self {
        let text = text.to_owned();
        Self::Uri {
            uri: Text { field: "uri", text },
            database: None,
            authorities: None,
        }
    }

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
            Connection::Uri {
                uri,
                database,
                authorities,
            } => {
                let mut options = uri::parse(uri).await?;
                if let Some(authorities) = authorities {
                    tls::trust(&mut options, authorities, &mut files)?;
                }
                (options, database.clone())
            }
            Connection::Adopted(adopted) => {
                (adopted.options(&mut files).await?, adopted.database.clone())
            }
        };
        if let Some(credential) = &mut options.credential {
            leave_name_to_certificate(credential);
            hide(credential);
        }
        // Book-keeping that lags behind would be wrong.
        options.selection_criteria = Some(ReadPreference::Primary.into());
        options.server_selection_timeout = Some(SERVER_SELECTION_TIMEOUT);
        options.heartbeat_freq.get_or_insert(HEARTBEAT);
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

/// What a server is sent of it must not be shown.
fn hide(credential: &Credential) {
    let properties = credential.mechanism_properties.iter().flatten();
    let tokens = properties.filter_map(|(_, value)| value.as_str());
    let password = credential.password.as_deref();
    password
        .into_iter()
        .chain(tokens)
        .for_each(foreign_text::hide);
}

/// The settings of a client.
pub(super) struct Settings {
    pub options: ClientOptions,
    /// The name of the database.
    pub database: String,
    /// Certificates that were given as text; a client reads them only when it is made.
    _files: Vec<TempPath>,
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
        options.server_api = self.server_api.clone();
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
        match timeout(SRV_TIMEOUT, uri::look_up(&uri)).await {
            Ok(Ok(options)) => Ok(options),
            _ if !self.hosts.is_empty() => {
                Ok(ClientOptions::builder().hosts(self.hosts()?).build())
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(uri::unresolved()),
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

    fn adopted(json: &str) -> Connection {
        Connection::Adopted(serde_json::from_str(json).expect("settings"))
    }

    #[tokio::test]
    async fn the_database_is_the_named_one_then_the_uris_then_test() {
        let mut named = Connection::at("mongodb://h/path");
        if let Connection::Uri { database, .. } = &mut named {
            *database = Some("named".to_owned());
        }
        for (connection, database) in [
            (named, "named"),
            (Connection::at("mongodb://h/path"), "path"),
            (Connection::at("mongodb://h"), "test"),
            (
                adopted(r#"{"hosts": ["h:1"], "database": "named"}"#),
                "named",
            ),
        ] {
            assert_eq!(
                connection.settings().await.expect("valid").database,
                database
            );
        }
    }

    #[tokio::test]
    async fn an_adopted_connection_keeps_hosts_credentials_replica_set_and_server_api() {
        let json = r#"{"hosts": ["a:1", "[::1]:2"], "username": "u", "password": "p",
            "authSource": "admin", "authMechanism": "SCRAM-SHA-256", "replicaSet": "rs",
            "serverApi": {"apiVersion": "1", "apiStrict": true}}"#;
        let options = adopted(json).settings().await.expect("valid").options;
        assert_eq!(options.hosts.len(), 2);
        assert_eq!(options.repl_set_name.as_deref(), Some("rs"));
        assert_eq!(options.server_api.expect("declared").strict, Some(true));
        let credential = options.credential.expect("a credential");
        assert_eq!(credential.source.as_deref(), Some("admin"));
        assert_eq!(credential.mechanism, Some(AuthMechanism::ScramSha256));
    }

    #[tokio::test]
    async fn reads_go_to_the_primary() {
        let connection = Connection::at("mongodb://h/?readPreference=secondary");
        let criteria = connection
            .settings()
            .await
            .expect("valid")
            .options
            .selection_criteria;
        assert_eq!(criteria, Some(ReadPreference::Primary.into()));
    }

    #[tokio::test]
    async fn a_connection_string_that_cannot_be_read_is_not_quoted() {
        let connection = Connection::at("mongodb://user:hunter2@h:port/x");
        let error = connection.settings().await.err().expect("not valid");
        assert!(!error.message.contains("hunter2"), "{error}");
        assert!(!error.is_transient());
    }

    #[tokio::test]
    async fn where_only_the_host_can_resolve_an_srv_record_its_hosts_are_used() {
        let json = r#"{"srvHost": "cluster.nobody.invalid", "srvMaxHosts": 0,
            "srvServiceName": "mongodb", "hosts": ["a.nobody.invalid:1"], "replicaSet": "rs"}"#;
        let options = adopted(json).settings().await.expect("valid").options;
        assert_eq!(options.hosts.len(), 1);
        assert_eq!(options.repl_set_name.as_deref(), Some("rs"));
        assert_eq!(options.tls, Some(Tls::Disabled));

        let unknown = adopted(r#"{"srvHost": "cluster.nobody.invalid"}"#);
        let error = unknown.settings().await.err().expect("no hosts");
        assert!(error.is_transient(), "{error}");
    }
}
