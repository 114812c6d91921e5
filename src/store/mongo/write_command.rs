//! Write commands, sent as raw documents, and their replies. A reply says for each document whether it is
//! stored, there already, or refused for its content; anything else makes the whole command be repeated.

use std::time::Duration;

use bson::{Document, RawDocumentBuf, Utf8Lossy, doc};
use mongodb::ClientSession;
use mongodb::error::Error as DriverError;
use serde::Deserialize;

use super::client::{MongoStore, WRITE_CONCERN_TIMEOUT, WRITE_TIMEOUT};
use super::codes::DUPLICATE_KEY;
use super::error::{server_error, unexpected};
use crate::record::document::Batch;
use crate::store::error::{Fault, Result, StoreError};
use crate::store::records::{Dropped, Inserted};
use crate::util::foreign_text;

/// Before a lone document is sent again that was refused with a code that is not known: it may be about the moment.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
];
/// So many documents, each refused alone with a code that is not known, and none taken: it is the collection.
const ALONE: usize = 16;

impl MongoStore {
    /// Inserts documents that are not there yet. The driver's `insert_many` is not used: it copies each
    /// document twice and lists its `_id`, which costs more than all the rest of an event.
    pub(super) async fn insert(&self, collection: &str, batch: &Batch) -> Result<Inserted> {
        let head = raw(&write_command("insert", collection))?;
        let command = batch.append_to(head, "documents");
        let reply = self.send(command.map_err(unsendable)?, None).await?;
        reply.inserted(batch.len())
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
        self.send(raw(&command)?, None).await?.inserted(count)
    }

    /// The same; documents that the server refuses together are sent in halves, until those that it refuses
    /// stand alone, which are dropped: with a code that is not known only after several attempts, and where
    /// the collection has taken some of these, or `takes_others` and few are refused.
    pub(super) async fn insert_apart(
        &self,
        collection: &str,
        documents: Vec<Document>,
        takes_others: bool,
    ) -> Result<Inserted> {
        let (mut all, mut takes_some) = (Inserted::default(), false);
        let mut pauses = PAUSES.into_iter();
        let (mut parts, mut alone) = (vec![(0, documents)], Vec::new());
        while let Some((start, mut documents)) = parts.pop() {
            match self.insert_documents(collection, documents.clone()).await {
                Ok(inserted) => {
                    takes_some |= inserted.dropped.len() < documents.len();
                    let there = inserted.duplicates.into_iter().map(|index| start + index);
                    all.duplicates.extend(there);
                    all.dropped
                        .extend(inserted.dropped.into_iter().map(|one| Dropped {
                            index: start + one.index,
                            ..one
                        }));
                }
                Err(error) if error.is_of_connection() || error.fault == Fault::Collection => {
                    return Err(error);
                }
                Err(_) if documents.len() > 1 => {
                    let half = documents.len() / 2;
                    let rest = documents.split_off(half);
                    parts.extend([(start, documents), (start + half, rest)]);
                }
                Err(error) if error.fault == Fault::Content => all.dropped.push(Dropped {
                    index: start,
                    message: error.message,
                }),
                Err(error) => alone.push((start, documents, error)),
            }
            let is_refusing = alone.len() >= ALONE || parts.is_empty() && !takes_others;
            let is_refusing = is_refusing && !takes_some;
            if let Some((.., error)) = alone.first().filter(|_| is_refusing) {
                return Err(error.clone());
            }
            if !parts.is_empty() {
                continue;
            }
            let are_done = alone.is_empty();
            let refused = alone.drain(..);
            if let Some(pause) = pauses.next().filter(|_| !are_done) {
                tokio::time::sleep(pause).await;
                parts.extend(refused.map(|(start, document, _)| (start, document)));
            } else {
                all.dropped.extend(refused.map(|(index, _, error)| Dropped {
                    index,
                    message: error.message,
                }));
            }
        }
        Ok(all)
    }

    /// Sends a write command; an error when it has to be repeated as a whole.
    pub(super) async fn send(
        &self,
        command: RawDocumentBuf,
        session: Option<&mut ClientSession>,
    ) -> Result<Reply> {
        let sending = self.database.run_raw_command(command);
        let reply = match session {
            Some(session) => sending.session(session).await,
            None => sending.await,
        };
        let reply = match reply {
            Ok(reply) => bson::deserialize_from_document(reply)
                .map_err(|_| unexpected("a readable reply"))?,
            Err(error) => readable_reply(&error).ok_or_else(|| StoreError::from(error))?,
        };
        match &reply.write_concern_error {
            None => Ok(reply),
            Some(concern) => Err(StoreError {
                fault: Fault::Moment,
                ..concern.error()
            }),
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

/// The reply to a write command. Servers and proxies differ in the types of its numbers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    ok: f64,
    /// Documents that were inserted or matched.
    n: Option<f64>,
    #[serde(default)]
    write_errors: Vec<ServerError>,
    write_concern_error: Option<ServerError>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServerError {
    code: f64,
    errmsg: String,
    /// Position of the statement.
    index: Option<f64>,
    key_pattern: Option<Document>,
}

/// The reply to a command that was executed, where the driver cannot read it: the server cuts its quotes
/// of documents at a byte, also in the middle of a character.
fn readable_reply(error: &DriverError) -> Option<Reply> {
    let bytes = error.server_response()?.as_bytes();
    let Utf8Lossy(reply) = bson::deserialize_from_slice::<Utf8Lossy<Reply>>(bytes).ok()?;
    (reply.ok == 1.0).then_some(reply)
}

pub fn raw(command: &Document) -> Result<RawDocumentBuf> {
    RawDocumentBuf::try_from(command).map_err(unsendable)
}

fn unsendable(error: bson::error::Error) -> StoreError {
    StoreError::permanent(foreign_text::without_values(&error.to_string()))
}

impl Reply {
    pub fn done(&self) -> Option<usize> {
        self.n.map(|n| n as usize)
    }

    /// The outcome of an unordered insert of `count` documents. An error when it has to be repeated.
    fn inserted(&self, count: usize) -> Result<Inserted> {
        let errors = self.write_errors.len();
        let inserted = self.done();
        let done = inserted.ok_or_else(|| unexpected("a number of documents"))? + errors;
        if done != count {
            return Err(StoreError::transient(format!(
                "insert reply accounts for {done} of {count} documents: all are inserted again"
            )));
        }
        let own = self
            .write_errors
            .iter()
            .filter(|one| one.is_own_duplicate());
        Ok(Inserted {
            dropped: self.dropped()?,
            duplicates: own
                .filter_map(|one| one.index.map(|at| at as usize))
                .collect(),
        })
    }

    /// The statements that the server refuses for their content, in order. Documents already there under
    /// their `_id` are not among them. An error when anything else went wrong.
    pub fn dropped(&self) -> Result<Vec<Dropped>> {
        let mut all = Vec::new();
        for error in &self.write_errors {
            if error.is_own_duplicate() {
                continue;
            }
            let refusal = error.error();
            if refusal.fault != Fault::Content {
                return Err(refusal);
            }
            let index = error.index;
            let index = index.ok_or_else(|| unexpected("the index of a refused document"))?;
            all.push(Dropped {
                index: index as usize,
                message: refusal.message,
            });
        }
        all.sort_unstable_by_key(|dropped| dropped.index);
        Ok(all)
    }
}

impl ServerError {
    /// Whether a duplicate `_id` is from an attempt of ours whose reply was lost. Where errors are many, the
    /// server may leave their messages out.
    fn is_own_duplicate(&self) -> bool {
        let is_about_id = match &self.key_pattern {
            Some(key) => key.len() == 1 && key.contains_key("_id"),
            None => self.errmsg.contains("index: _id_ "),
        };
        self.code as i32 == DUPLICATE_KEY && is_about_id
    }

    fn error(&self) -> StoreError {
        server_error(&self.errmsg, self.code as i32)
    }
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

    fn inserted(reply: Document, count: usize) -> Result<Inserted> {
        let reply: Reply = bson::deserialize_from_document(reply).expect("a reply");
        reply.inserted(count)
    }

    fn reply(n: i32, errors: &[Document]) -> Document {
        doc! { "ok": 1.0, "n": n, "writeErrors": errors.to_vec() }
    }

    #[test]
    fn own_duplicates_count_as_inserted_and_others_as_dropped() {
        let errors = [
            refused(3, DUPLICATE_KEY, Some("data.note")),
            refused(1, DUPLICATE_KEY, Some("_id")),
            refused(0, 121, None),
        ];
        let inserted = inserted(reply(1, &errors), 4).expect("an outcome");
        let indices = inserted.dropped.iter().map(|dropped| dropped.index);
        assert_eq!(indices.collect::<Vec<_>>(), [0, 3]);
        assert_eq!(inserted.duplicates, [1]);
    }

    #[test]
    fn an_insert_is_repeated_for_transient_errors_and_for_replies_that_do_not_add_up() {
        let transient = reply(0, &[refused(0, 112, None)]);
        assert!(inserted(transient, 1).is_err_and(|error| error.is_transient()));
        assert!(inserted(reply(1, &[]), 2).is_err_and(|error| error.is_transient()));
        assert!(inserted(doc! { "ok": 1.0 }, 1).is_err());
        assert!(inserted(doc! { "ok": 1_i64, "n": 2_i64 }, 2).is_ok());
        assert!(inserted(doc! { "ok": 1, "n": 2.0 }, 2).is_ok());
    }
}
