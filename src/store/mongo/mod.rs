//! The store on a real MongoDB; the only place that names the `mongodb` driver.
//!
//! All writes ask for `{w: 'majority', j: true}`: an event that a fail-over takes back while its
//! total stays would make the totals wrong for ever. Book-keeping is read from the primary with read
//! concern `majority` for the same reason.

mod connect;
mod indexes;
mod legacy;
mod reads;
mod tls;
mod totals;
mod uniques;
mod writes;

pub use connect::{Connection, check, target};

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Document, RawDocumentBuf};
use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};
use mongodb::options::{Acknowledgment, CollectionOptions, ReadConcern, WriteConcern};
use mongodb::{Client, Collection, Database};

use super::error::{Result, StoreError};
use super::events::{Dropped, EventStore, Inserted};
use super::legacy::{Baseline, LegacyStore};
use super::lifecycle::{Lifecycle, Prepared};
use super::sessions::{CloseOutcome, SessionStore};
use super::totals::{Added, AppliedSeq, Delta, MonthView, SeqAdvance, Sums, TotalsStore};
use super::uniques::{Marker, UniquesStore};
use crate::config::Collections;
use crate::instance::listener::Level;
use crate::record::day::Day;
use crate::record::document::Batch;
use crate::record::item::Close;

/// How long the server may wait for a majority before the outcome counts as unknown.
const WRITE_CONCERN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may work on a write: less than an attempt is waited for, so that attempts do
/// not pile up on a server that is reachable and hangs.
const WRITE_TIMEOUT: Duration = Duration::from_secs(12);
/// Server error codes after which the same request may succeed (the retryable errors of the driver
/// specifications, then: out of disk space, quota, time limit, write conflict, blocked writes).
const TRANSIENT_CODES: [i32; 20] = [
    6, 7, 50, 64, 89, 91, 112, 134, 189, 262, 371, 9001, 10107, 11600, 11601, 11602, 12501, 13435,
    13436, 14031,
];
const DUPLICATE_KEY: i32 = 11000;

pub struct MongoStore {
    client: Client,
    database: Database,
    sessions: Collection<RawDocumentBuf>,
    daily: Collection<Document>,
    events: Collection<RawDocumentBuf>,
    uniques: Collection<Document>,
}

impl MongoStore {
    /// Makes the client; it connects when it is first used. Fails on bad settings and on DNS.
    pub async fn open(connection: &Connection, names: &Collections) -> Result<MongoStore> {
        let names = connection.collections(names);
        let settings = connection.settings().await?;
        let client = Client::with_options(settings.options.clone()).map_err(store_error)?;
        let database = client.database(&settings.database);
        Ok(MongoStore {
            sessions: database.collection_with_options(&names.sessions, durable()),
            daily: database.collection_with_options(&names.daily, durable()),
            events: database.collection_with_options(&names.events, durable()),
            uniques: database.collection_with_options(&names.uniques, durable()),
            client,
            database,
        })
    }
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

fn store_error(error: DriverError) -> StoreError {
    let (message, transient) = match error.kind.as_ref() {
        ErrorKind::Command(command) => (
            server_message(&command.message, command.code),
            TRANSIENT_CODES.contains(&command.code),
        ),
        ErrorKind::Write(WriteFailure::WriteError(error)) => (
            server_message(&error.message, error.code),
            TRANSIENT_CODES.contains(&error.code),
        ),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => {
            (server_message(&error.message, error.code), true)
        }
        kind @ (ErrorKind::Io(_)
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::DnsResolve { .. }) => (shortened(&kind.to_string()), true),
        kind => (shortened(&kind.to_string()), false),
    };
    StoreError { message, transient }
}

/// What the server said, without the command it quotes, which holds user ids.
fn server_message(message: &str, code: i32) -> String {
    let message = message.split(" to execute command").next().unwrap_or("");
    format!("{} (code {code})", shortened(message))
}

/// The driver's texts may go on about documents and every server; nobody reads that in a log.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Errors of one document's content: the same document will be refused again. Anything else may be a
/// matter of the server, the collection or the moment, and no accepted record is given up for it.
/// Among them: validators, unique and geo and text and array indexes, names, size.
/// <https://github.com/mongodb/mongo/blob/master/src/mongo/baseline/error_codes.yml>
fn is_about_content(code: i32) -> bool {
    const CODES: [i32; 17] = [
        2,
        9,
        14,
        22,
        52,
        55,
        57,
        121,
        171,
        10334,
        DUPLICATE_KEY,
        16755,
        17261,
        17262,
        17280,
        17419,
        31471,
    ];
    CODES.contains(&code)
}

/// An answer that does not have the form it should have.
fn unexpected(what: &str) -> StoreError {
    StoreError::permanent(format!("MongoDB answered without {what}"))
}

impl EventStore for MongoStore {
    async fn insert_events(&self, batch: &Batch) -> Result<Inserted> {
        self.insert(self.events.name(), batch).await
    }
}

impl SessionStore for MongoStore {
    async fn insert_sessions(&self, batch: &Batch) -> Result<Inserted> {
        self.insert(self.sessions.name(), batch).await
    }

    async fn close_sessions(&self, closes: &[Close]) -> Result<Vec<CloseOutcome>> {
        self.close_all(closes).await
    }
}

impl TotalsStore for MongoStore {
    async fn ensure_day(&self, day: &Day) -> Result<()> {
        self.upsert_day(day).await
    }

    async fn add(&self, day: &Day, advance: SeqAdvance<'_>, delta: &Delta) -> Result<Added> {
        self.compare_and_add(day, advance, delta).await
    }

    async fn applied_seq(&self, day: &Day, writer: &str) -> Result<AppliedSeq> {
        self.read_standing(day, writer).await
    }

    async fn confirm(&self, day: &Day, writer: &str, seq: Option<i64>) -> Result<bool> {
        self.touch_standing(day, writer, seq).await
    }

    async fn month(&self, today: &Day) -> Result<MonthView> {
        self.read_month(today).await
    }

    async fn newest_days(&self, count: u32) -> Result<Vec<RawDocumentBuf>> {
        self.read_newest(count).await
    }
}

impl UniquesStore for MongoStore {
    async fn find_markers(&self, period: &str, users: &[&str]) -> Result<Vec<Marker>> {
        self.read_markers(period, users).await
    }

    async fn insert_markers(&self, markers: &[Marker]) -> Result<()> {
        self.write_markers(markers).await
    }
}

impl LegacyStore for MongoStore {
    async fn baselines(&self, days: &[Day]) -> Result<Vec<Baseline>> {
        self.read_or_insert_baselines(days).await
    }

    async fn legacy_users(
        &self,
        day: &Day,
        users: &[&str],
        cutoff: ObjectId,
    ) -> Result<Vec<String>> {
        self.old_users(day, users, cutoff).await
    }

    async fn claim_legacy(&self, day: &Day, builder: &str) -> Result<bool> {
        self.claim_month(day, builder).await
    }

    async fn mark_baseline(&self, day: &Day, cutoff: ObjectId) -> Result<()> {
        self.mark_old_sessions(day, cutoff).await
    }

    async fn sum_baselines(&self, days: &[Day]) -> Result<()> {
        self.sum_marked(days).await
    }
}

impl Lifecycle for MongoStore {
    async fn prepare(&self) -> Result<Prepared> {
        self.make_days_unique().await
    }

    async fn create_indexes(&self) -> Result<Vec<(Level, String)>> {
        self.create_other_indexes().await
    }

    async fn close(&self) {
        self.client.clone().shutdown().immediate(true).await;
    }
}
