//! The indexes the collections are expected to have, under the names that mongoose gives them.

use std::time::Duration;

use bson::{Document, doc};
use mongodb::error::ErrorKind;
use mongodb::options::{CommitQuorum, CreateIndexOptions, IndexOptions};
use mongodb::{Collection, IndexModel};

use super::{DUPLICATE_KEY, MongoStore, Result, StoreError, store_error};
use crate::host::Level;

/// Events are kept for 7 days.
const EVENT_TTL: Duration = Duration::from_secs(604_800);
/// An index of that name or with those keys exists, with other options.
const OPTIONS_CONFLICT: [i32; 2] = [85, 86];
const UNAUTHORIZED: i32 = 13;
/// What no other quorum would change.
const KNOWN_REFUSALS: [i32; 4] = [DUPLICATE_KEY, UNAUTHORIZED, 85, 86];
/// MongoDB 4.4.
const WIRE_VERSION_OF_QUORUM: i32 = 9;

impl MongoStore {
    /// Creates it if it is missing. An index with other options is left alone and remarked on.
    pub(super) async fn create_unique_index(&self) -> Result<Vec<(Level, String)>> {
        let unique = IndexOptions::builder().unique(true).build();
        let index = with(doc! { "day": 1 }, unique);
        create_all(&self.daily, vec![index], self.quorum().await?).await
    }

    /// The same for all others.
    pub(super) async fn create_other_indexes(&self) -> Result<Vec<(Level, String)>> {
        let quorum = self.quorum().await?;
        let (daily, sessions, events, uniques) = tokio::join!(
            create_all(
                &self.daily,
                vec![plain(doc! { "month": 1 })],
                quorum.clone()
            ),
            create_all(&self.sessions, sessions(), quorum.clone()),
            create_all(&self.events, events(), quorum.clone()),
            create_all(&self.uniques, uniques(), quorum.clone()),
        );
        Ok([daily?, sessions?, events?, uniques?].concat())
    }

    /// How many members have to have built an index. By default all of them, so that one member that
    /// is down would block it; a server without a replica set refuses to be told.
    async fn quorum(&self) -> Result<Option<CreateIndexOptions>> {
        let hello = self.database.run_command(doc! { "hello": 1 }).await;
        let hello = hello.map_err(store_error)?;
        let is_cluster = hello.contains_key("setName")
            || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
        let knows = hello.get_i32("maxWireVersion").unwrap_or_default() >= WIRE_VERSION_OF_QUORUM;
        let options = CreateIndexOptions::builder().commit_quorum(CommitQuorum::Majority);
        Ok((is_cluster && knows).then(|| options.build()))
    }
}

fn plain(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}

fn with(keys: Document, options: IndexOptions) -> IndexModel {
    IndexModel::builder().keys(keys).options(options).build()
}

fn sessions() -> Vec<IndexModel> {
    vec![
        plain(doc! { "userId": 1 }),
        plain(doc! { "day": 1 }),
        plain(doc! { "month": 1 }),
        plain(doc! { "day": 1, "userId": 1 }),
    ]
}

fn events() -> Vec<IndexModel> {
    let expiring = IndexOptions::builder().expire_after(EVENT_TTL).build();
    vec![
        with(doc! { "ts": 1 }, expiring),
        plain(doc! { "userId": 1 }),
        plain(doc! { "event": 1 }),
    ]
}

fn uniques() -> Vec<IndexModel> {
    let at_once = IndexOptions::builder().expire_after(Duration::ZERO).build();
    vec![with(doc! { "x": 1 }, at_once)]
}

/// All with one command; if that is refused, one by one, to learn which cannot be had and why.
async fn create_all<T: Send + Sync>(
    collection: &Collection<T>,
    indexes: Vec<IndexModel>,
    quorum: Option<CreateIndexOptions>,
) -> Result<Vec<(Level, String)>> {
    let all = collection.create_indexes(indexes.clone());
    if all.with_options(quorum.clone()).await.is_ok() {
        return Ok(Vec::new());
    }
    let mut remarks = Vec::new();
    for index in indexes {
        remarks.extend(create(collection, index, quorum.clone()).await?);
    }
    Ok(remarks)
}

/// `None` when the index is there.
async fn create<T: Send + Sync>(
    collection: &Collection<T>,
    index: IndexModel,
    quorum: Option<CreateIndexOptions>,
) -> Result<Option<(Level, String)>> {
    let fields: Vec<&str> = index.keys.keys().map(String::as_str).collect();
    let what = format!("{} on {}", fields.join(", "), collection.name());
    // Servers that are compatible with MongoDB may not know the quorum.
    let attempts = if quorum.is_some() {
        vec![quorum, None]
    } else {
        vec![None]
    };
    let mut refusal = None;
    for quorum in attempts {
        let creation = collection.create_index(index.clone()).with_options(quorum);
        let Err(error) = creation.await else {
            return Ok(None);
        };
        let failure = store_error(error.clone());
        match error.kind.as_ref() {
            // What the server refuses for good.
            ErrorKind::Command(command) if !failure.transient => {
                refusal = Some(remark(&what, command.code, &failure));
                if KNOWN_REFUSALS.contains(&command.code) {
                    break;
                }
            }
            _ => return Err(failure),
        }
    }
    Ok(refusal)
}

/// Why an index that cannot be had is not there, and what to do about it.
fn remark(what: &str, code: i32, failure: &StoreError) -> (Level, String) {
    let text = match code {
        DUPLICATE_KEY => format!(
            "index {what} cannot be made unique, there are documents with the same value: {failure}. \
             Merge them and restart"
        ),
        UNAUTHORIZED => {
            format!("index {what} cannot be created: the user lacks the createIndex privilege")
        }
        code if OPTIONS_CONFLICT.contains(&code) => {
            format!("index {what} exists with other options and is left as it is")
        }
        _ => format!("index {what} cannot be created: {failure}"),
    };
    let is_harmless = OPTIONS_CONFLICT.contains(&code);
    (
        if is_harmless {
            Level::Info
        } else {
            Level::Warn
        },
        text,
    )
}
