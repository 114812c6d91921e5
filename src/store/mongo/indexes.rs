//! Indexes of the collections, under the names that mongoose gives them. An index that exists with other
//! options is kept.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::error::ErrorKind;
use mongodb::options::{CreateIndexOptions, IndexOptions};
use mongodb::{Collection, IndexModel};

use super::cursor::{collect, number_in};
use super::error::DUPLICATE_KEY;
use crate::instance::listener::Level;
use crate::store::error::{Result, StoreError};

/// Events are kept for 7 days.
const EVENT_TTL: Duration = Duration::from_secs(604_800);
/// An index of that name or with those keys exists, with other options.
const OPTIONS_CONFLICT: [i32; 2] = [85, 86];
const UNAUTHORIZED: i32 = 13;
const NO_COLLECTION: i32 = 26;
/// Refusals that no other quorum would change.
const KNOWN_REFUSALS: [i32; 4] = [DUPLICATE_KEY, UNAUTHORIZED, 85, 86];

fn plain(keys: Document) -> IndexModel {
    with(keys, None)
}

fn with(keys: Document, options: impl Into<Option<IndexOptions>>) -> IndexModel {
    IndexModel::builder().keys(keys).options(options).build()
}

pub fn unique_day() -> IndexModel {
    let unique = IndexOptions::builder().unique(true).build();
    with(doc! { "day": 1 }, unique)
}

/// But for the unique one.
pub fn daily() -> Vec<IndexModel> {
    vec![plain(doc! { "month": 1 })]
}

pub fn sessions() -> Vec<IndexModel> {
    vec![
        plain(doc! { "userId": 1 }),
        plain(doc! { "day": 1 }),
        plain(doc! { "month": 1 }),
        plain(doc! { "day": 1, "userId": 1 }),
    ]
}

pub fn events() -> Vec<IndexModel> {
    let expiring = IndexOptions::builder().expire_after(EVENT_TTL).build();
    vec![
        with(doc! { "ts": 1 }, expiring),
        plain(doc! { "userId": 1 }),
        plain(doc! { "event": 1 }),
    ]
}

pub fn uniques() -> Vec<IndexModel> {
    let at_once = IndexOptions::builder().expire_after(Duration::ZERO).build();
    vec![with(doc! { "x": 1 }, at_once)]
}

/// Creates indexes; returns log lines about those that cannot be created.
pub async fn create_all<T: Send + Sync>(
    collection: &Collection<T>,
    indexes: Vec<IndexModel>,
    quorum: &Option<CreateIndexOptions>,
) -> Result<Vec<(Level, String)>> {
    let mut refusals = Vec::new();
    for index in indexes {
        refusals.extend(create(collection, index, quorum.clone()).await?);
    }
    if refusals.is_empty() {
        return Ok(Vec::new());
    }
    let existing = existing(collection).await?.unwrap_or_default();
    let lines = refusals.iter().filter_map(|one| one.log_line(&existing));
    Ok(lines.collect())
}

/// Creates an index; `None` when it is there.
pub async fn create<T: Send + Sync>(
    collection: &Collection<T>,
    index: IndexModel,
    quorum: Option<CreateIndexOptions>,
) -> Result<Option<Refusal>> {
    // Servers that are compatible with MongoDB may not know the quorum.
    let attempts = quorum.map(Some).into_iter().chain([None]);
    let mut refusal = None;
    for quorum in attempts {
        let creation = collection.create_index(index.clone()).with_options(quorum);
        let Err(error) = creation.await else {
            return Ok(None);
        };
        let failure = StoreError::from(error.clone());
        match error.kind.as_ref() {
            // A permanent refusal.
            ErrorKind::Command(command) if !failure.transient => {
                refusal = Some(Refusal {
                    collection: collection.name().to_owned(),
                    index: index.clone(),
                    code: command.code,
                    failure,
                });
                if KNOWN_REFUSALS.contains(&command.code) {
                    break;
                }
            }
            _ => return Err(failure),
        }
    }
    Ok(refusal)
}

/// The indexes of a collection; `None` when the user may not list them.
pub async fn existing<T: Send + Sync>(
    collection: &Collection<T>,
) -> Result<Option<Vec<IndexModel>>> {
    let listed = match collection.list_indexes().await {
        Ok(cursor) => collect(cursor).await,
        Err(error) => Err(error),
    };
    listed.map(Some).or_else(|error| match error.kind.as_ref() {
        ErrorKind::Command(command) if command.code == UNAUTHORIZED => Ok(None),
        ErrorKind::Command(command) if command.code == NO_COLLECTION => Ok(Some(Vec::new())),
        _ => Err(error.into()),
    })
}

pub fn makes_days_unique(index: &IndexModel) -> bool {
    let is_unique = |options: &IndexOptions| {
        options.unique == Some(true) && options.partial_filter_expression.is_none()
    };
    same_keys(&index.keys, &doc! { "day": 1 }) && index.options.as_ref().is_some_and(is_unique)
}

/// The old shell wrote directions as doubles.
fn same_keys(one: &Document, other: &Document) -> bool {
    let directions = |(name, value): (&String, &Bson)| (name.clone(), number_in(value));
    one.iter().map(directions).eq(other.iter().map(directions))
}

/// An index that cannot be created.
pub struct Refusal {
    collection: String,
    index: IndexModel,
    code: i32,
    pub failure: StoreError,
}

impl Refusal {
    pub fn is_options_conflict(&self) -> bool {
        OPTIONS_CONFLICT.contains(&self.code)
    }

    /// A line that says which index is missing, what that means and what to do; `None` when the index exists
    /// after all, and the user only may not create it.
    pub fn log_line(&self, existing: &[IndexModel]) -> Option<(Level, String)> {
        let fields: Vec<&str> = self.index.keys.keys().map(String::as_str).collect();
        let what = format!("index {} on {}", fields.join(", "), self.collection);
        if self.is_options_conflict() {
            let line = format!("{what} exists with other options: it is kept as it is");
            return Some((Level::Info, line));
        }
        let is_there = existing
            .iter()
            .any(|index| same_keys(&index.keys, &self.index.keys));
        let (why, repair) = match self.code {
            UNAUTHORIZED if is_there => return None,
            UNAUTHORIZED => (
                "the user lacks the createIndex privilege".to_owned(),
                "Grant it or create the index",
            ),
            _ => (self.failure.to_string(), "Create it"),
        };
        let effect = self.effect();
        let line = format!("{what} cannot be created: {why}. Without it, {effect}. {repair}");
        Some((Level::Warn, line))
    }

    fn effect(&self) -> &'static str {
        match &self.index.options {
            Some(options) if options.unique == Some(true) => "a day can get two documents",
            Some(options) if options.expire_after.is_some() => "documents do not expire",
            _ => "queries read the whole collection",
        }
    }
}
