//! Results of queries, and numbers in them.

use bson::{Bson, Document};
use mongodb::error::Result;
use mongodb::{ClientSession, Cursor, SessionCursor};
use serde::de::DeserializeOwned;

pub async fn collect<T: DeserializeOwned>(mut cursor: Cursor<T>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    while cursor.advance().await? {
        all.push(cursor.deserialize_current()?);
    }
    Ok(all)
}

/// [`collect`] for a query in a session.
pub async fn collect_in(
    mut cursor: SessionCursor<Document>,
    session: &mut ClientSession,
) -> Result<Vec<Document>> {
    let mut all = Vec::new();
    while cursor.advance(session).await? {
        all.push(cursor.deserialize_current()?);
    }
    Ok(all)
}

/// The value of a number of any type but Decimal128.
pub fn number_in(value: &Bson) -> Option<f64> {
    match value {
        Bson::Int32(number) => Some(f64::from(*number)),
        Bson::Int64(number) => Some(*number as f64),
        Bson::Double(number) => Some(*number),
        _ => None,
    }
}
