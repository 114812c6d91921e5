//! Results of queries.

use bson::Document;
use mongodb::error::Result;
use mongodb::{ClientSession, Cursor, SessionCursor};
use serde::de::DeserializeOwned;

/// All that a query finds.
pub async fn collect<T: DeserializeOwned>(
    query: impl IntoFuture<Output = Result<Cursor<T>>>,
) -> Result<Vec<T>> {
    let (mut cursor, mut all) = (query.await?, Vec::new());
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
