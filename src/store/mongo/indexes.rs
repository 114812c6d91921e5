//! The indexes the collections are expected to have, under the names that mongoose gives them.

use std::time::Duration;

use bson::{Document, doc};
use mongodb::error::ErrorKind;
use mongodb::options::IndexOptions;
use mongodb::{Collection, IndexModel};

use super::{DUPLICATE_KEY, MongoStore, Result, StoreError, store_error};
use crate::host::Level;

/// Events are kept for 7 days.
const EVENT_TTL: Duration = Duration::from_secs(604_800);
/// An index of that name or with those keys exists, with other options.
const OPTIONS_CONFLICT: [i32; 2] = [85, 86];
const UNAUTHORIZED: i32 = 13;

impl MongoStore {
    /// Creates what is missing; what exists with other options is left alone and remarked on.
    pub(super) async fn create_indexes(&self) -> Result<Vec<(Level, String)>> {
        let (daily, sessions, events, uniques) = tokio::join!(
            create_all(&self.daily, daily()),
            create_all(&self.sessions, sessions()),
            create_all(&self.events, events()),
            create_all(&self.uniques, uniques()),
        );
        Ok([daily?, sessions?, events?, uniques?].concat())
    }
}

fn plain(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}

fn with(keys: Document, options: IndexOptions) -> IndexModel {
    IndexModel::builder().keys(keys).options(options).build()
}

fn daily() -> Vec<IndexModel> {
    let unique = IndexOptions::builder().unique(true).build();
    vec![with(doc! { "day": 1 }, unique), plain(doc! { "month": 1 })]
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
) -> Result<Vec<(Level, String)>> {
    if collection.create_indexes(indexes.clone()).await.is_ok() {
        return Ok(Vec::new());
    }
    let mut remarks = Vec::new();
    for index in indexes {
        remarks.extend(create(collection, index).await?);
    }
    Ok(remarks)
}

/// `None` when the index is there.
async fn create<T: Send + Sync>(
    collection: &Collection<T>,
    index: IndexModel,
) -> Result<Option<(Level, String)>> {
    let fields: Vec<&str> = index.keys.keys().map(String::as_str).collect();
    let what = format!("{} on {}", fields.join(", "), collection.name());
    let Err(error) = collection.create_index(index).await else {
        return Ok(None);
    };
    let failure = store_error(error.clone());
    match error.kind.as_ref() {
        // What the server refuses for good.
        ErrorKind::Command(command) if !failure.transient => {
            Ok(Some(remark(&what, command.code, &failure)))
        }
        _ => Err(failure),
    }
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
