//! Events and sessions: inserts under an `_id` chosen beforehand, and the close of a session.

use bson::{DateTime, Document, RawDocumentBuf, doc};
use mongodb::Collection;
use mongodb::error::{Error as DriverError, ErrorKind, IndexedWriteError, WriteFailure};

use super::{
    Close, Closed, DUPLICATE_KEY, MongoStore, Result, SetAside, StoreError, is_about_content,
    server_message, store_error, write_concern,
};
use crate::document::number;

/// Inserts what is not there yet. A duplicate `_id` is ours, from an attempt whose answer was lost.
pub(super) async fn insert(
    collection: &Collection<RawDocumentBuf>,
    documents: &[&RawDocumentBuf],
) -> Result<Vec<SetAside>> {
    let inserted = collection.insert_many(documents.iter().copied());
    match inserted.ordered(false).await {
        Ok(_) => Ok(Vec::new()),
        Err(error) => refused_documents(error),
    }
}

/// Which documents of an unordered insert are refused for their content. Those that are there already
/// under their `_id` are not among them. An error when the insert has to be repeated.
pub(super) fn refused_documents(error: DriverError) -> Result<Vec<SetAside>> {
    let ErrorKind::InsertMany(failed) = error.kind.as_ref() else {
        return Err(store_error(error));
    };
    if let Some(concern) = &failed.write_concern_error {
        return Err(StoreError {
            message: server_message(&concern.message, concern.code),
            transient: true,
        });
    }
    let mut set_aside = Vec::new();
    for refused in failed.write_errors.iter().flatten() {
        if is_own_duplicate(refused) {
            continue;
        }
        let message = server_message(&refused.message, refused.code);
        if !is_about_content(refused.code) {
            return Err(StoreError {
                message,
                transient: true,
            });
        }
        set_aside.push(SetAside {
            index: refused.index,
            message,
        });
    }
    set_aside.sort_unstable_by_key(|refused| refused.index);
    Ok(set_aside)
}

fn is_own_duplicate(error: &IndexedWriteError) -> bool {
    error.code == DUPLICATE_KEY && error.message.contains("index: _id_ ")
}

impl MongoStore {
    /// Closes many sessions with one command; its answer is only a sum, so if that is short the
    /// statements are repeated one by one (they match again, being what they were).
    pub(super) async fn close_all(&self, closes: &[Close]) -> Result<Vec<Closed>> {
        let updates: Vec<Document> = closes
            .iter()
            .map(|close| doc! { "q": filter(close), "u": update(close) })
            .collect();
        let command = doc! {
            "update": self.sessions.name(),
            "updates": updates,
            "ordered": false,
            "writeConcern": bson::serialize_to_bson(&write_concern())
                .map_err(|error| StoreError { message: error.to_string(), transient: false })?,
        };
        let reply = self
            .database
            .run_command(command)
            .await
            .map_err(store_error)?;
        if let Ok(concern) = reply.get_document("writeConcernError") {
            return Err(StoreError {
                message: server_message(
                    concern.get_str("errmsg").unwrap_or_default(),
                    concern.get_i32("code").unwrap_or_default(),
                ),
                transient: true,
            });
        }
        if reply.get_i32("n").is_ok_and(|n| n as usize == closes.len()) {
            return Ok(vec![Closed::ByThis; closes.len()]);
        }
        let mut closed = Vec::with_capacity(closes.len());
        for close in closes {
            closed.push(self.close(close).await?);
        }
        Ok(closed)
    }

    async fn close(&self, close: &Close) -> Result<Closed> {
        let result = self.sessions.update_one(filter(close), update(close)).await;
        let error = match result {
            Ok(result) if result.matched_count == 1 => return Ok(Closed::ByThis),
            Ok(_) => return Ok(Closed::NotByThis),
            Err(error) => error,
        };
        match error.kind.as_ref() {
            ErrorKind::Write(WriteFailure::WriteError(refused))
                if is_about_content(refused.code) =>
            {
                Ok(Closed::Refused(server_message(
                    &refused.message,
                    refused.code,
                )))
            }
            _ => Err(store_error(error)),
        }
    }
}

/// Matches an open session, and the one this very close has ended already.
fn filter(close: &Close) -> Document {
    let logout = DateTime::from_millis(close.logout_ms);
    doc! { "_id": close.session, "logoutAt": { "$in": [null, logout] } }
}

fn update(close: &Close) -> Document {
    let logout = DateTime::from_millis(close.logout_ms);
    doc! { "$set": { "logoutAt": logout, "durationS": number(close.duration_s) } }
}
