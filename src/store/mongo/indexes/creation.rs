//! The creation of indexes, and what is said of those that cannot be created.

use bson::{Bson, Document};
use mongodb::options::CreateIndexOptions;
use mongodb::{Collection, IndexModel};

use crate::instance::listener::Level;
use crate::record::document::number_in;
use crate::store::error::{Result, StoreError};
use crate::store::mongo::codes::{DUPLICATE_KEY, UNAUTHORIZED};
use crate::store::mongo::cursor::collect;
use crate::store::mongo::error::code_of;

/// An index of that name or with those keys exists, with other options.
const OPTIONS_CONFLICT: [i32; 2] = [85, 86];
const NO_COLLECTION: i32 = 26;
/// Refusals that no other quorum would change.
const KNOWN_REFUSALS: [i32; 4] = [DUPLICATE_KEY, UNAUTHORIZED, 85, 86];

/// Creates indexes; returns log lines about those that cannot be created. One command reads the collection once
/// for all of them; it is refused as a whole, and then each is created alone.
pub async fn create_all<T: Send + Sync>(
    collection: &Collection<T>,
    indexes: Vec<IndexModel>,
    quorum: &Option<CreateIndexOptions>,
) -> Result<Vec<(Level, String)>> {
    if indexes.is_empty() || send(collection, &indexes, quorum).await?.is_none() {
        return Ok(Vec::new());
    }
    let mut refusals = Vec::new();
    for index in indexes {
        refusals.extend(create(collection, index, quorum).await?);
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
    quorum: &Option<CreateIndexOptions>,
) -> Result<Option<Refusal>> {
    let refused = send(collection, std::slice::from_ref(&index), quorum).await?;
    Ok(refused.map(|(code, failure)| Refusal {
        collection: collection.name().to_owned(),
        index,
        code,
        failure,
    }))
}

/// Sends the command that creates indexes; the code and the text of its refusal.
async fn send<T: Send + Sync>(
    collection: &Collection<T>,
    indexes: &[IndexModel],
    quorum: &Option<CreateIndexOptions>,
) -> Result<Option<(i32, StoreError)>> {
    // Servers that are compatible with MongoDB may not know the quorum.
    let attempts = quorum.iter().cloned().map(Some).chain([None]);
    let mut refusal = None;
    for quorum in attempts {
        let creation = collection.create_indexes(indexes.to_vec());
        let Err(error) = creation.with_options(quorum).await else {
            return Ok(None);
        };
        let (code, failure) = (code_of(&error), StoreError::from(error));
        let Some(code) = code.filter(|_| !failure.is_of_connection()) else {
            return Err(failure);
        };
        refusal = Some((code, failure));
        if KNOWN_REFUSALS.contains(&code) {
            break;
        }
    }
    Ok(refusal)
}

/// The indexes of a collection; `None` when the user may not list them.
pub(in crate::store::mongo) async fn existing<T: Send + Sync>(
    collection: &Collection<T>,
) -> Result<Option<Vec<IndexModel>>> {
    let listed = collect(collection.list_indexes()).await;
    listed.map(Some).or_else(|error| match code_of(&error) {
        Some(UNAUTHORIZED) => Ok(None),
        Some(NO_COLLECTION) => Ok(Some(Vec::new())),
        _ => Err(error.into()),
    })
}

/// The old shell wrote directions as doubles.
pub fn same_keys(one: &Document, other: &Document) -> bool {
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
