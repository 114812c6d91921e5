//! Events and sessions: inserts under an `_id` chosen beforehand, and the close of a session.

use std::collections::HashMap;

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, RawDocumentBuf, Utf8Lossy, doc};
use mongodb::ClientSession;
use mongodb::error::Error as DriverError;

use super::{
    CloseOutcome, DUPLICATE_KEY, Dropped, Inserted, MongoStore, Result, StoreError,
    WRITE_CONCERN_TIMEOUT, WRITE_TIMEOUT, is_about_content, server_message, store_error,
    unexpected,
};
use crate::record::document::{Batch, number};
use crate::record::item::Close;

impl MongoStore {
    /// Inserts what is not there yet. The command is made here: the driver's `insert_many` copies each
    /// document twice and lists its `_id`, which costs more than all the rest of an event.
    pub(super) async fn insert(&self, collection: &str, batch: &Batch) -> Result<Inserted> {
        let head = raw(&write_command("insert", collection))?;
        let command = batch.append_to(head, "documents");
        let reply = self.write(command.map_err(unsendable)?).await?;
        inserted(&reply, batch.len())
    }

    /// The same for a few documents.
    pub(super) async fn insert_documents(
        &self,
        collection: &str,
        documents: Vec<Document>,
    ) -> Result<Inserted> {
        let count = documents.len();
        let mut command = write_command("insert", collection);
        command.insert("documents", documents);
        inserted(&self.write(raw(&command)?).await?, count)
    }

    /// Closes many sessions with one command. Its answer is only a sum, so if that is short, it is read
    /// which of them stand as they were to be closed.
    pub(super) async fn close_all(&self, closes: &[Close]) -> Result<Vec<CloseOutcome>> {
        let updates: Vec<Document> = closes
            .iter()
            .map(|close| doc! { "q": filter(close), "u": update(close) })
            .collect();
        let mut command = write_command("update", self.sessions.name());
        command.insert("updates", updates);
        let session = &mut self.session().await?;
        let reply = self.write_in(raw(&command)?, Some(session)).await?;
        let mut closed = vec![CloseOutcome::Applied; closes.len()];
        let mut refused = 0;
        for (place, message) in refused_statements(&reply)? {
            if let Some(closed) = closed.get_mut(place) {
                *closed = CloseOutcome::Dropped(message);
                refused += 1;
            }
        }
        if integer(&reply, "n") == Some(closes.len() as i64 - refused) {
            return Ok(closed);
        }
        let ends = self.ends(closes, session).await?;
        for (close, closed) in closes.iter().zip(&mut closed) {
            if *closed == CloseOutcome::Applied
                && ends.get(&close.session) != Some(&close.logout_ms)
            {
                *closed = CloseOutcome::NoMatch;
            }
        }
        Ok(closed)
    }

    /// When those of these sessions ended that are there. In the session of a write it shows what that
    /// has changed.
    async fn ends(
        &self,
        closes: &[Close],
        session: &mut ClientSession,
    ) -> Result<HashMap<ObjectId, i64>> {
        let ids: Vec<ObjectId> = closes.iter().map(|close| close.session).collect();
        let found = self
            .sessions
            .find(doc! { "_id": { "$in": ids } })
            .projection(doc! { "logoutAt": 1 })
            .max_time(WRITE_TIMEOUT)
            .session(&mut *session)
            .await;
        let mut found = found.map_err(store_error)?;
        let mut ends = HashMap::new();
        while let Some(document) = found.next(session).await {
            let document = document.map_err(store_error)?;
            let id = document.get_object_id("_id");
            let end = document.get_datetime("logoutAt");
            if let (Ok(id), Ok(end)) = (id, end) {
                ends.insert(id, end.timestamp_millis());
            }
        }
        Ok(ends)
    }

    /// Sends a write command; an error when it has to be repeated as a whole.
    async fn write(&self, command: RawDocumentBuf) -> Result<Document> {
        self.write_in(command, None).await
    }

    async fn write_in(
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
    doc! {
        name: collection, "ordered": false, "writeConcern": concern,
        "maxTimeMS": WRITE_TIMEOUT.as_millis() as i64,
    }
}

/// The reply to a command that was done, where the driver cannot read it: the server cuts what it
/// quotes of a document at a byte, also in the middle of a character.
fn readable_reply(error: &DriverError) -> Option<Document> {
    let bytes = error.server_response()?.as_bytes();
    let Utf8Lossy(reply) = bson::deserialize_from_slice::<Utf8Lossy<Document>>(bytes).ok()?;
    (number_of(&reply, "ok") == Some(1.0)).then_some(reply)
}

fn raw(command: &Document) -> Result<RawDocumentBuf> {
    RawDocumentBuf::try_from(command).map_err(unsendable)
}

fn unsendable(error: bson::error::Error) -> StoreError {
    StoreError::permanent(error.to_string())
}

/// What became of so many documents of an unordered insert. An error when it has to be repeated.
fn inserted(reply: &Document, count: usize) -> Result<Inserted> {
    let errors = write_errors(reply);
    let done = integer(reply, "n").ok_or_else(|| unexpected("a number of documents"))?;
    if done + errors.len() as i64 != count as i64 {
        let done = done as usize + errors.len();
        return Err(StoreError::transient(format!(
            "MongoDB spoke of {done} of {count} documents"
        )));
    }
    let refused = refused_statements(reply)?;
    let mut dropped: Vec<Dropped> = refused
        .into_iter()
        .map(|(index, message)| Dropped { index, message })
        .collect();
    dropped.sort_unstable_by_key(|refused| refused.index);
    Ok(Inserted {
        duplicates: (errors.len() - dropped.len()) as u64,
        dropped,
    })
}

fn write_errors(reply: &Document) -> &[Bson] {
    reply
        .get_array("writeErrors")
        .map_or(&[][..], Vec::as_slice)
}

/// The places of statements that the server refuses for their content, with what it says. Documents
/// that are there already under their `_id` are not among them. An error when anything else went wrong.
fn refused_statements(reply: &Document) -> Result<Vec<(usize, String)>> {
    let mut all = Vec::new();
    let errors = write_errors(reply).iter();
    for refused in errors.filter_map(|error| error.as_document()) {
        if is_own_duplicate(refused) {
            continue;
        }
        let message = message_of(refused);
        if !is_about_content(code_of(refused)) {
            return Err(StoreError::transient(message));
        }
        let index = integer(refused, "index");
        let index = index.ok_or_else(|| unexpected("the place of a refused statement"))?;
        all.push((index as usize, message));
    }
    Ok(all)
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
    integer(error, "code").map_or(0, |code| code as i32)
}

fn integer(document: &Document, field: &str) -> Option<i64> {
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
