//! The indexes the collections are expected to have, under the names that mongoose gives them.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::error::{Error as DriverError, ErrorKind};
use mongodb::options::{CommitQuorum, CreateIndexOptions, IndexOptions};
use mongodb::{Collection, IndexModel};

use super::{DUPLICATE_KEY, MongoStore, Prepared, Result, StoreError, store_error};
use crate::instance::listener::Level;

/// Events are kept for 7 days.
const EVENT_TTL: Duration = Duration::from_secs(604_800);
/// An index of that name or with those keys exists, with other options.
const OPTIONS_CONFLICT: [i32; 2] = [85, 86];
const UNAUTHORIZED: i32 = 13;
const NO_COLLECTION: i32 = 26;
/// What no other quorum would change.
const KNOWN_REFUSALS: [i32; 4] = [DUPLICATE_KEY, UNAUTHORIZED, 85, 86];
/// Of the days that are double, so many are named.
const DAYS_NAMED: usize = 10;
/// MongoDB 4.4.
const WIRE_VERSION_OF_QUORUM: i32 = 9;

impl MongoStore {
    /// Creates the unique index of days if it is missing. Where it cannot be had, totals of two
    /// processes could go to two documents of one day.
    pub(super) async fn make_days_unique(&self) -> Result<Prepared> {
        let unique = IndexOptions::builder().unique(true).build();
        let index = with(doc! { "day": 1 }, unique);
        let Some(refusal) = create(&self.daily, index, self.quorum().await?).await? else {
            return Ok(Prepared::Ready(Vec::new()));
        };
        let indexes = existing(&self.daily).await?;
        let known = indexes.as_deref().unwrap_or_default();
        if !known.iter().any(makes_days_unique) {
            if let Some(days) = self.double_days().await? {
                return Ok(Prepared::Blocked(days));
            }
            // Where nobody may look, it is taken for there, as it is wherever the replaced class has
            // run.
            if indexes.is_some() {
                return Ok(Prepared::Blocked(self.no_index(&refusal)));
            }
        }
        Ok(Prepared::Ready(refusal.remark(known).into_iter().collect()))
    }

    /// Which days have several documents, and how to mend it; nothing if none has.
    async fn double_days(&self) -> Result<Option<String>> {
        let found = self.daily.aggregate([
            doc! { "$group": { "_id": "$day", "documents": { "$sum": 1 } } },
            doc! { "$match": { "documents": { "$gt": 1 } } },
            doc! { "$sort": { "_id": 1 } },
        ]);
        let mut found = found.await.map_err(store_error)?;
        let mut days = Vec::new();
        while found.advance().await.map_err(store_error)? {
            let document = found.deserialize_current().map_err(store_error)?;
            days.push(match document.get("_id") {
                Some(Bson::String(day)) => day.clone(),
                other => other.map_or("null".to_owned(), Bson::to_string),
            });
        }
        if days.is_empty() {
            return Ok(None);
        }
        let more = days.len().saturating_sub(DAYS_NAMED);
        days.truncate(DAYS_NAMED);
        let (name, days) = (self.daily.name(), days.join(", "));
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more days"),
        };
        Ok(Some(format!(
            "{name} has several documents for {days}{more}. Make one of each day's: add the others' \
             numbers to it and delete them"
        )))
    }

    fn no_index(&self, refusal: &Refusal) -> String {
        let name = self.daily.name();
        let mend = match OPTIONS_CONFLICT.contains(&refusal.code) {
            true => "Drop the index that is in its way, and create it",
            false => "Grant the privilege, or create it",
        };
        format!(
            "{name} has no unique index on day, and it cannot be created: {}. {mend}: \
             db.{name}.createIndex({{ day: 1 }}, {{ unique: true }})",
            refusal.failure
        )
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
        let hello = match self.database.run_command(doc! { "hello": 1 }).await {
            Ok(hello) => hello,
            // The first releases of 4.2 and 4.4 do not know the command.
            Err(error) if matches!(*error.kind, ErrorKind::Command(_)) => return Ok(None),
            Err(error) => return Err(store_error(error)),
        };
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
    let mut refusals = Vec::new();
    for index in indexes {
        refusals.extend(create(collection, index, quorum.clone()).await?);
    }
    if refusals.is_empty() {
        return Ok(Vec::new());
    }
    let existing = existing(collection).await?.unwrap_or_default();
    let remarks = refusals.iter().filter_map(|one| one.remark(&existing));
    Ok(remarks.collect())
}

/// `None` when the index is there.
async fn create<T: Send + Sync>(
    collection: &Collection<T>,
    index: IndexModel,
    quorum: Option<CreateIndexOptions>,
) -> Result<Option<Refusal>> {
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

/// The indexes of a collection; `None` when the user may not see them.
async fn existing<T: Send + Sync>(collection: &Collection<T>) -> Result<Option<Vec<IndexModel>>> {
    let listed = async {
        let mut found = collection.list_indexes().await?;
        let mut indexes = Vec::new();
        while found.advance().await? {
            indexes.push(found.deserialize_current()?);
        }
        Ok(indexes)
    };
    let listed: std::result::Result<Vec<IndexModel>, DriverError> = listed.await;
    match listed {
        Ok(indexes) => Ok(Some(indexes)),
        Err(error) => match error.kind.as_ref() {
            ErrorKind::Command(command) if command.code == UNAUTHORIZED => Ok(None),
            ErrorKind::Command(command) if command.code == NO_COLLECTION => Ok(Some(Vec::new())),
            _ => Err(store_error(error)),
        },
    }
}

fn makes_days_unique(index: &IndexModel) -> bool {
    let is_unique = |options: &IndexOptions| {
        options.unique == Some(true) && options.partial_filter_expression.is_none()
    };
    same_keys(&index.keys, &doc! { "day": 1 }) && index.options.as_ref().is_some_and(is_unique)
}

/// The old shell wrote directions as doubles.
fn same_keys(one: &Document, other: &Document) -> bool {
    let directions = |keys: &Document| -> Vec<(String, Option<f64>)> {
        let number = |value: &Bson| match value {
            Bson::Int32(value) => Some(f64::from(*value)),
            Bson::Int64(value) => Some(*value as f64),
            Bson::Double(value) => Some(*value),
            _ => None,
        };
        let keys = keys.iter();
        keys.map(|(name, value)| (name.clone(), number(value)))
            .collect()
    };
    directions(one) == directions(other)
}

/// An index that cannot be created.
struct Refusal {
    collection: String,
    index: IndexModel,
    code: i32,
    failure: StoreError,
}

impl Refusal {
    /// Why it is not there, and what to do about it; nothing when it is among the existing ones after
    /// all, and only must not be asked for.
    fn remark(&self, existing: &[IndexModel]) -> Option<(Level, String)> {
        let fields: Vec<&str> = self.index.keys.keys().map(String::as_str).collect();
        let what = format!("{} on {}", fields.join(", "), self.collection);
        let is_there = existing
            .iter()
            .any(|index| same_keys(&index.keys, &self.index.keys));
        match self.code {
            UNAUTHORIZED if is_there => None,
            UNAUTHORIZED => {
                let why = "the user lacks the createIndex privilege";
                Some((
                    Level::Warn,
                    format!("index {what} cannot be created: {why}"),
                ))
            }
            code if OPTIONS_CONFLICT.contains(&code) => {
                let text = format!("index {what} exists with other options and is left as it is");
                Some((Level::Info, text))
            }
            _ => Some((
                Level::Warn,
                format!("index {what} cannot be created: {}", self.failure),
            )),
        }
    }
}
