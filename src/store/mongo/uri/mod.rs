//! The connection strings of the settings, read as Node's driver reads them and written for ours. Nothing is
//! looked up, and no problem quotes more than the name of an option: a string may hold a password.

mod options;
mod parts;
mod reader;
#[cfg(test)]
mod tests;
mod tls;

use mongodb::error::ErrorKind;
use mongodb::options::ClientOptions;

use crate::config::{Config, ConfigError, Text};
use crate::record::target::Target;
use crate::store::error::{Result, StoreError};
use crate::util::fnv::fnv1a;
pub use options::harmless as harmless_options;
use reader::Uri;

/// Fails if our driver would refuse the connection string. Names of its options that have no effect here.
pub fn check(uri: &Text) -> std::result::Result<Vec<&'static str>, ConfigError> {
    match Uri::read(&uri.text) {
        Ok(read) => Ok(read.without_effect),
        Err(problem) => Err(ConfigError::new(uri.field, problem)),
    }
}

/// The options of a client.
pub async fn parse(uri: &Text) -> Result<ClientOptions> {
    let refused = |problem| StoreError::permanent(ConfigError::new(uri.field, problem).to_string());
    let read = Uri::read(&uri.text).map_err(refused)?;
    look_up(&read.text).await
}

/// As our driver reads it, which looks up an SRV record. Its own message may quote the string.
pub async fn look_up(text: &str) -> Result<ClientOptions> {
    ClientOptions::parse(text)
        .await
        .map_err(|error| match error.kind.as_ref() {
            ErrorKind::DnsResolve { .. } => unresolved(),
            _ => StoreError::permanent("the MongoDB connection string is not valid: correct it"),
        })
}

pub fn unresolved() -> StoreError {
    StoreError::transient(
        "the SRV record of the MongoDB connection string cannot be resolved: it is looked up again",
    )
}

/// Whether a connection string of the settings asks for TLS, and names no authorities of its own.
pub fn trusts_process(config: &Config) -> bool {
    let given = [&config.uri, &config.fallback_uri];
    let mut read = given
        .into_iter()
        .flatten()
        .filter_map(|uri| Uri::read(&uri.text).ok());
    read.any(|uri| uri.trusts_process)
}

/// The configured database and collections. Configurations that take the database from the
/// host's connection share one.
pub fn target(config: &Config) -> Target {
    let of_uri = || reader::database(&config.uri.as_ref()?.text);
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
