//! The indexes the collections are expected to have, under the names that mongoose gives them.

use std::time::Duration;

use bson::{Document, doc};
use mongodb::error::{Error as DriverError, ErrorKind};
use mongodb::options::IndexOptions;
use mongodb::{Collection, IndexModel};

use super::{MongoStore, Result, StoreError, is_duplicate_key, store_error};

/// Events are kept for 7 days.
const EVENT_TTL: Duration = Duration::from_secs(604_800);
/// An index of that name or with those keys exists, with other options.
const OPTIONS_CONFLICT: [i32; 2] = [85, 86];
const UNAUTHORIZED: i32 = 13;

impl MongoStore {
    /// Creates what is missing; what exists with other options is left alone and remarked on.
    pub(super) async fn create_indexes(&self) -> Result<Vec<String>> {
        let mut remarks = Vec::new();
        let plain = IndexOptions::default;
        let daily = &self.daily;
        let unique = IndexOptions::builder().unique(true).build();
        create(daily, doc! { "day": 1 }, unique, &mut remarks).await?;
        create(daily, doc! { "month": 1 }, plain(), &mut remarks).await?;
        for keys in [
            doc! { "userId": 1 },
            doc! { "day": 1 },
            doc! { "month": 1 },
            doc! { "day": 1, "userId": 1 },
        ] {
            create(&self.sessions, keys, plain(), &mut remarks).await?;
        }
        let expiring = IndexOptions::builder().expire_after(EVENT_TTL).build();
        create(&self.events, doc! { "ts": 1 }, expiring, &mut remarks).await?;
        for keys in [doc! { "userId": 1 }, doc! { "event": 1 }] {
            create(&self.events, keys, plain(), &mut remarks).await?;
        }
        let at_once = IndexOptions::builder().expire_after(Duration::ZERO).build();
        create(&self.uniques, doc! { "x": 1 }, at_once, &mut remarks).await?;
        Ok(remarks)
    }
}

async fn create<T: Send + Sync>(
    collection: &Collection<T>,
    keys: Document,
    options: IndexOptions,
    remarks: &mut Vec<String>,
) -> Result<()> {
    let fields: Vec<&str> = keys.keys().map(String::as_str).collect();
    let what = format!("{} on {}", fields.join(", "), collection.name());
    let model = IndexModel::builder().keys(keys).options(options).build();
    let Err(error) = collection.create_index(model).await else {
        return Ok(());
    };
    let failure = store_error(error.clone());
    if failure.transient && !is_unauthorized(&error) {
        return Err(failure);
    }
    remarks.push(remark(&what, &error, &failure));
    Ok(())
}

fn is_unauthorized(error: &DriverError) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if command.code == UNAUTHORIZED)
}

/// Why an index that cannot be had is not there, and what to do about it.
fn remark(what: &str, error: &DriverError, failure: &StoreError) -> String {
    if is_duplicate_key(error) {
        return format!(
            "index {what} cannot be made unique, there are documents with the same value: {failure}. \
             Merge them and restart"
        );
    }
    match error.kind.as_ref() {
        ErrorKind::Command(command) if OPTIONS_CONFLICT.contains(&command.code) => {
            format!("index {what} exists with other options and is left as it is")
        }
        _ if is_unauthorized(error) => {
            format!("index {what} cannot be created: the user lacks the createIndex privilege")
        }
        _ => format!("index {what} cannot be created: {failure}"),
    }
}
