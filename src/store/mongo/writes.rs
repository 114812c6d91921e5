//! Events and sessions: inserts under an `_id` chosen beforehand, and the close of a session.

use bson::{Bson, DateTime, Document, RawDocumentBuf, Utf8Lossy, doc};
use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};

use super::{
    Close, Closed, DUPLICATE_KEY, MongoStore, Result, SetAside, StoreError, WRITE_CONCERN_TIMEOUT,
    WRITE_TIMEOUT, is_about_content, server_message, store_error, unexpected,
};
use crate::document::{Batch, number};

impl MongoStore {
    /// Inserts what is not there yet. The command is made here: the driver's `insert_many` copies each
    /// document twice and lists its `_id`, which costs more than all the rest of an event.
    pub(super) async fn insert(&self, collection: &str, batch: &Batch) -> Result<Vec<SetAside>> {
        let head = raw(&write_command("insert", collection))?;
        let command = batch.append_to(head, "documents");
        let reply = self.write(command.map_err(unsendable)?).await?;
        set_aside(&reply, batch.len())
    }

    /// The same for a few documents.
    pub(super) async fn insert_documents(
        &self,
        collection: &str,
        documents: Vec<Document>,
    ) -> Result<Vec<SetAside>> {
        let count = documents.len();
        let mut command = write_command("insert", collection);
        command.insert("documents", documents);
        set_aside(&self.write(raw(&command)?).await?, count)
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
        if integer(&reply, "n") == Some(closes.len() as i64) {
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
        let reply = match self.database.run_raw_command(command).await {
            Ok(reply) => reply,
            Err(error) => readable_reply(&error).ok_or_else(|| store_error(error))?,
        };
        match reply.get_document("writeConcernError") {
            Err(_) => Ok(reply),
            Ok(concern) => Err(StoreError::transient(message_of(concern))),
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
    StoreError {
        message: error.to_string(),
        transient: false,
    }
}

/// Which of so many documents of an unordered insert are refused for their content. Those that are
/// there already under their `_id` are not among them. An error when the insert has to be repeated.
fn set_aside(reply: &Document, count: usize) -> Result<Vec<SetAside>> {
    let errors = reply
        .get_array("writeErrors")
        .map_or(&[][..], Vec::as_slice);
    let inserted = integer(reply, "n").ok_or_else(|| unexpected("a number of documents"))?;
    if inserted + errors.len() as i64 != count as i64 {
        let done = inserted as usize + errors.len();
        return Err(StoreError::transient(format!(
            "MongoDB spoke of {done} of {count} documents"
        )));
    }
    let mut set_aside = Vec::new();
    for refused in errors.iter().filter_map(|error| error.as_document()) {
        if is_own_duplicate(refused) {
            continue;
        }
        let message = message_of(refused);
        if !is_about_content(code_of(refused)) {
            return Err(StoreError::transient(message));
        }
        let index = integer(refused, "index");
        let index = index.ok_or_else(|| unexpected("the place of a refused document"))?;
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
        let set_aside = set_aside(&reply(1, &errors), 4).expect("a reply");
        let places: Vec<usize> = set_aside.iter().map(|refused| refused.index).collect();
        assert_eq!(places, [0, 3]);
    }

    #[test]
    fn an_insert_is_repeated_for_errors_of_the_moment_and_for_replies_that_do_not_add_up() {
        let moment = reply(0, &[refused(0, 112, None)]);
        assert!(set_aside(&moment, 1).is_err_and(|error| error.transient));
        assert!(set_aside(&reply(1, &[]), 2).is_err_and(|error| error.transient));
        assert!(set_aside(&doc! { "ok": 1.0 }, 1).is_err());
        assert!(set_aside(&doc! { "ok": 1.0, "n": 2_i64 }, 2).is_ok());
    }
}
