//! The client and its collections.

use std::time::{Duration, Instant};

use bson::{Document, RawDocumentBuf};
use mongodb::options::{Acknowledgment, CollectionOptions, ReadConcern, WriteConcern};
use mongodb::{Client, ClientSession, Collection, Database};
use tokio::sync::OnceCell;

use super::connection::Connection;
use crate::config::Config;
use crate::record::counters::Counter;
use crate::store::error::Result;

/// Time limit of the server for a majority to acknowledge; then the outcome of a write is unknown.
pub const WRITE_CONCERN_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit of the server for a write. It is less than that of an attempt, so that attempts do not pile
/// up on a server that is reachable and hangs.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(12);

pub struct MongoStore {
    pub(super) client: Client,
    pub(super) database: Database,
    pub(super) sessions: Collection<RawDocumentBuf>,
    pub(super) daily: Collection<Document>,
    pub(super) events: Collection<RawDocumentBuf>,
    pub(super) uniques: Collection<Document>,
    /// For what is written again soon.
    pub(super) reports: Collection<Document>,
    /// For what is kept, claims among it.
    pub(super) kept_reports: Collection<Document>,
    pub(super) players: Collection<Document>,
    /// Whether secondaries may answer what reports read.
    pub(super) reads_secondaries: bool,
    pub(super) purchases: Collection<Document>,
    /// What the server's clock said, and when.
    pub(super) clock: OnceCell<(i64, Instant)>,
    /// Beside the built-in ones.
    pub(super) own_counters: Vec<Counter>,
}

impl MongoStore {
    /// Makes the client, which connects when it is first used. Fails on bad settings and on DNS.
    pub async fn open(connection: &Connection, config: &Config) -> Result<MongoStore> {
        let names = connection.collections(&config.collections);
        let settings = connection.settings().await?;
        let client = Client::with_options(settings.options.clone())?;
        let database = client.database(&settings.database);
        Ok(MongoStore {
            sessions: database.collection_with_options(&names.sessions, durable()),
            daily: database.collection_with_options(&names.daily, durable()),
            events: database.collection_with_options(&names.events, durable()),
            uniques: database.collection_with_options(&names.uniques, durable()),
            reports: database.collection_with_options(&names.reports, light()),
            purchases: database.collection_with_options(&names.purchases, durable()),
            kept_reports: database.collection_with_options(&names.reports, durable()),
            players: database.collection_with_options(&names.players, durable()),
            reads_secondaries: config.reports.reads_secondaries,
            clock: OnceCell::new(),
            own_counters: config.counters.own().to_vec(),
            client,
            database,
        })
    }

    /// Reads in a session show no less than the read before them, and what was written in it.
    pub(super) async fn session(&self) -> Result<ClientSession> {
        Ok(self.client.start_session().await?)
    }
}

/// Of what is written again soon. It is read as it is on the primary: a majority that lags must not make it
/// look old.
fn light() -> CollectionOptions {
    CollectionOptions::builder()
        .write_concern(WriteConcern::nodes(1))
        .read_concern(ReadConcern::local())
        .build()
}

fn durable() -> CollectionOptions {
    CollectionOptions::builder()
        .write_concern(write_concern())
        .read_concern(ReadConcern::majority())
        .build()
}

fn write_concern() -> WriteConcern {
    WriteConcern::builder()
        .w(Acknowledgment::Majority)
        .journal(true)
        .w_timeout(WRITE_CONCERN_TIMEOUT)
        .build()
}
