//! Write commands, sent as raw documents, and their replies. A reply says for each document whether it is
//! stored, there already, or refused for its content; anything else makes the whole command be repeated.

use bson::{Bson, Document, RawDocumentBuf, Utf8Lossy, doc};
use mongodb::ClientSession;
use mongodb::error::Error as DriverError;

use super::client::{MongoStore, WRITE_CONCERN_TIMEOUT, WRITE_TIMEOUT};
use super::error::{DUPLICATE_KEY, is_about_content, server_message, store_error, unexpected};
use crate::record::document::Batch;
use crate::store::error::{Result, StoreError};
use crate::store::events::{Dropped, Inserted};

impl MongoStore {
    /// Inserts documents that are not there yet. The driver's `insert_many` is not used: it copies each
    /// document twice and lists its `_id`, which costs more than all the rest of an event.
    pub(super) async fn insert(&self, collection: &str, batch: &Batch) -> Result<Inserted> {
        let head = raw(&write_command("insert", collection))?;
        let command = batch.append_to(head, "documents");
        let reply = self.send(command.map_err(unsendable)?, None).await?;
        inserted(&reply, batch.len())
    }

    /// [`Self::insert`] for a few documents.
    pub(super) async fn insert_documents(
        &self,
        collection: &str,
        documents: Vec<Document>,
    ) -> Result<Inserted> {
        let count = documents.len();
        let mut command = write_command("insert", collection);
        command.insert("documents", documents);
        inserted(&self.send(raw(&command)?, None).await?, count)
    }

    /// Sends a write command; an error when it has to be repeated as a whole.
    pub(super) async fn send(
        &self,
        command: RawDocumentBuf,
        session: Option<&mut ClientSession>,
    ) -> Result<Document> {
        let sending = self.database.run_raw_command(command);
        let reply = match session {
            Some(session) => sending.session(session).await,
            None => sending.await,
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => readable_reply(&error).ok_or_else(|| store_error(error))?,
        };
        match reply.get_document("writeConcernError") {
            Err(_) => Ok(reply),
            Ok(concern) => Err(StoreError::transient(message_of(concern))),
        }
    }
}

pub fn write_command(name: &str, collection: &str) -> Document {
    let timeout = WRITE_CONCERN_TIMEOUT.as_millis() as i64;
    let concern = doc! { "w": "majority", "j": true, "wtimeout": timeout };
    doc! {
        name: collection, "ordered": false, "writeConcern": concern,
        "maxTimeMS": WRITE_TIMEOUT.as_millis() as i64,
    }
}

/// The reply to a command that was executed, where the driver cannot read it: the server cuts its quotes
/// of documents at a byte, also in the middle of a character.
fn readable_reply(error: &DriverError) -> Option<Document> {
    let bytes = error.server_response()?.as_bytes();
    let Utf8Lossy(reply) = bson::deserialize_from_slice::<Utf8Lossy<Document>>(bytes).ok()?;
    (number_of(&reply, "ok") == Some(1.0)).then_some(reply)
}

pub fn raw(command: &Document) -> Result<RawDocumentBuf> {
    RawDocumentBuf::try_from(command).map_err(unsendable)
}

fn unsendable(error: bson::error::Error) -> StoreError {
    StoreError::permanent(error.to_string())
}

/// The outcome of an unordered insert of `count` documents. An error when it has to be repeated.
fn inserted(reply: &Document, count: usize) -> Result<Inserted> {
    let errors = write_errors(reply).len();
    let done = integer(reply, "n").ok_or_else(|| unexpected("a number of documents"))?;
    let done = done as usize + errors;
    if done != count {
        return Err(StoreError::transient(format!(
            "insert reply accounts for {done} of {count} documents: all are inserted again"
        )));
    }
    let dropped = dropped(reply)?;
    Ok(Inserted {
        duplicates: (errors - dropped.len()) as u64,
        dropped,
    })
}

fn write_errors(reply: &Document) -> &[Bson] {
    reply
        .get_array("writeErrors")
        .map_or(&[][..], Vec::as_slice)
}

/// The statements that the server refuses for their content, in order. Documents already there under
/// their `_id` are not among them. An error when anything else went wrong.
pub fn dropped(reply: &Document) -> Result<Vec<Dropped>> {
    let mut all = Vec::new();
    let errors = write_errors(reply).iter();
    for error in errors.filter_map(|error| error.as_document()) {
        if is_own_duplicate(error) {
            continue;
        }
        let message = message_of(error);
        if !is_about_content(code_of(error)) {
            return Err(StoreError::transient(message));
        }
        let index = integer(error, "index");
        let index = index.ok_or_else(|| unexpected("the index of a refused document"))? as usize;
        all.push(Dropped { index, message });
    }
    all.sort_unstable_by_key(|dropped| dropped.index);
    Ok(all)
}

/// Whether a duplicate `_id` is from an attempt of ours whose reply was lost. Where errors are many, the server
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
    integer(error, "code").map_or(0, |code| code as i32)
}

pub fn integer(document: &Document, field: &str) -> Option<i64> {
    number_of(document, field).map(|number| number as i64)
}

/// Servers and proxies differ in the types of the numbers they answer.
fn number_of(document: &Document, field: &str) -> Option<f64> {
    match document.get(field)? {
        Bson::Int32(number) => Some(f64::from(*number)),
        Bson::Int64(number) => Some(*number as f64),
        Bson::Double(number) => Some(*number),
        _ => None,
    }
}

fn message_of(error: &Document) -> String {
    server_message(error.get_str("errmsg").unwrap_or_default(), code_of(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(index: i32, code: i32, key: Option<&str>) -> Document {
        let mut error = doc! { "index": index, "code": code, "errmsg": "E11000 …" };
        if let Some(key) = key {
            error.insert("keyPattern", doc! { key: 1 });
        }
        error
    }

    fn reply(n: i32, errors: &[Document]) -> Document {
        doc! { "ok": 1.0, "n": n, "writeErrors": errors.to_vec() }
    }

    #[test]
    fn own_duplicates_are_inserted_and_others_are_refused_for_their_content() {
        let errors = [
            refused(3, DUPLICATE_KEY, Some("data.note")),
            refused(1, DUPLICATE_KEY, Some("_id")),
            refused(0, 121, None),
        ];
        let inserted = inserted(&reply(1, &errors), 4).expect("a reply");
        let refused = inserted.dropped.iter();
        let places: Vec<usize> = refused.map(|refused| refused.index).collect();
        assert_eq!((places, inserted.duplicates), (vec![0, 3], 1));
    }

    #[test]
    fn an_insert_is_repeated_for_errors_of_the_moment_and_for_replies_that_do_not_add_up() {
        let moment = reply(0, &[refused(0, 112, None)]);
        assert!(inserted(&moment, 1).is_err_and(|error| error.transient));
        assert!(inserted(&reply(1, &[]), 2).is_err_and(|error| error.transient));
        assert!(inserted(&doc! { "ok": 1.0 }, 1).is_err());
        assert!(inserted(&doc! { "ok": 1.0, "n": 2_i64 }, 2).is_ok());
    }
}
