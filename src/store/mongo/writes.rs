//! Events and sessions: inserts under an `_id` chosen beforehand, and the close of a session.

use bson::{DateTime, Document, RawDocumentBuf, doc};
use mongodb::error::{ErrorKind, WriteFailure};

use super::{
    Close, Closed, DUPLICATE_KEY, MongoStore, Result, SetAside, StoreError, WRITE_CONCERN_TIMEOUT,
    is_about_content, server_message, store_error, unexpected,
};
use crate::document::{Batch, number};

impl MongoStore {
    /// Inserts what is not there yet. The command is made here: the driver's `insert_many` copies each
    /// document twice and lists its `_id`, which costs more than all the rest of an event.
    pub(super) async fn insert(&self, collection: &str, batch: &Batch) -> Result<Vec<SetAside>> {
        let head = raw(&write_command("insert", collection))?;
        let command = batch.append_to(head, "documents");
        set_aside(&self.write(command.map_err(unsendable)?).await?)
    }

    /// The same for a few documents.
    pub(super) async fn insert_documents(
        &self,
        collection: &str,
        documents: Vec<Document>,
    ) -> Result<Vec<SetAside>> {
        let mut command = write_command("insert", collection);
        command.insert("documents", documents);
        set_aside(&self.write(raw(&command)?).await?)
    }

    /// Closes many sessions with one command; its answer is only a sum, so if that is short the
    /// statements are repeated one by one (they match again, being what they were).
    pub(super) async fn close_all(&self, closes: &[Close]) -> Result<Vec<Closed>> {
        let updates: Vec<Document> = closes
            .iter()
            .map(|close| doc! { "q": filter(close), "u": update(close) })
            .collect();
        let mut command = write_command("update", self.sessions.name());
        command.insert("updates", updates);
        let reply = self.write(raw(&command)?).await?;
        if reply.get_i32("n").is_ok_and(|n| n as usize == closes.len()) {
            return Ok(vec![Closed::ByThis; closes.len()]);
        }
        let mut closed = Vec::with_capacity(closes.len());
        for close in closes {
            closed.push(self.close(close).await?);
        }
        Ok(closed)
    }

    /// Sends a write command; an error when it has to be repeated as a whole.
    async fn write(&self, command: RawDocumentBuf) -> Result<Document> {
        let sent = self.database.run_raw_command(command).await;
        let reply = sent.map_err(store_error)?;
        match reply.get_document("writeConcernError") {
            Err(_) => Ok(reply),
            Ok(concern) => Err(StoreError {
                message: message_of(concern),
                transient: true,
            }),
        }
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

fn write_command(name: &str, collection: &str) -> Document {
    let timeout = WRITE_CONCERN_TIMEOUT.as_millis() as i64;
    let concern = doc! { "w": "majority", "j": true, "wtimeout": timeout };
    doc! { name: collection, "ordered": false, "writeConcern": concern }
}

fn raw(command: &Document) -> Result<RawDocumentBuf> {
    RawDocumentBuf::try_from(command).map_err(unsendable)
}

fn unsendable(error: bson::error::Error) -> StoreError {
    StoreError {
        message: error.to_string(),
        transient: false,
    }
}

/// Which documents of an unordered insert are refused for their content. Those that are there already
/// under their `_id` are not among them. An error when the insert has to be repeated.
fn set_aside(reply: &Document) -> Result<Vec<SetAside>> {
    let Ok(errors) = reply.get_array("writeErrors") else {
        return Ok(Vec::new());
    };
    let mut set_aside = Vec::new();
    for refused in errors.iter().filter_map(|error| error.as_document()) {
        if is_own_duplicate(refused) {
            continue;
        }
        let message = message_of(refused);
        if !is_about_content(code_of(refused)) {
            return Err(StoreError {
                message,
                transient: true,
            });
        }
        let index = refused.get_i32("index");
        let index = index.map_err(|_| unexpected("the place of a refused document"))?;
        set_aside.push(SetAside {
            index: index as usize,
            message,
        });
    }
    set_aside.sort_unstable_by_key(|refused| refused.index);
    Ok(set_aside)
}

/// A duplicate `_id` is ours, from an attempt whose answer was lost. Where errors are many, the server
/// may leave their messages out.
fn is_own_duplicate(error: &Document) -> bool {
    let is_about_id = match error.get_document("keyPattern") {
        Ok(key) => key.len() == 1 && key.contains_key("_id"),
        Err(_) => error
            .get_str("errmsg")
            .is_ok_and(|message| message.contains("index: _id_ ")),
    };
    code_of(error) == DUPLICATE_KEY && is_about_id
}

fn code_of(error: &Document) -> i32 {
    error.get_i32("code").unwrap_or_default()
}

fn message_of(error: &Document) -> String {
    server_message(error.get_str("errmsg").unwrap_or_default(), code_of(error))
}
