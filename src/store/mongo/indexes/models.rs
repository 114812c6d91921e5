//! The indexes of each collection.

use std::time::Duration;

use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::options::IndexOptions;

use super::creation::same_keys;

/// Events are kept for 7 days.
pub const EVENT_TTL: Duration = Duration::from_secs(604_800);

pub(in crate::store::mongo) fn plain(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}

pub(in crate::store::mongo) fn unique_day() -> IndexModel {
    let unique = IndexOptions::builder().unique(true).build();
    let day = IndexModel::builder().keys(doc! { "day": 1 });
    day.options(unique).build()
}

/// Documents are deleted so long after the time in this field.
pub(in crate::store::mongo) fn expiring(field: &str, after: Duration) -> IndexModel {
    let expiring = IndexOptions::builder().expire_after(after).build();
    let field = IndexModel::builder().keys(doc! { field: 1 });
    field.options(expiring).build()
}

pub(in crate::store::mongo) fn of_sessions() -> Vec<IndexModel> {
    let day_and_user = plain(doc! { "day": 1, "userId": 1 });
    let single = ["userId", "day", "month"].map(|field| plain(doc! { field: 1 }));
    single.into_iter().chain([day_and_user]).collect()
}

pub(in crate::store::mongo) fn of_events() -> Vec<IndexModel> {
    vec![
        expiring("ts", EVENT_TTL),
        plain(doc! { "userId": 1 }),
        plain(doc! { "event": 1 }),
    ]
}

pub(in crate::store::mongo) fn of_purchases() -> Vec<IndexModel> {
    vec![
        plain(doc! { "day": 1 }),
        plain(doc! { "userId": 1, "ts": 1 }),
    ]
}

pub fn makes_days_unique(index: &IndexModel) -> bool {
    let is_unique = |options: &IndexOptions| {
        options.unique == Some(true) && options.partial_filter_expression.is_none()
    };
    same_keys(&index.keys, &doc! { "day": 1 }) && index.options.as_ref().is_some_and(is_unique)
}
