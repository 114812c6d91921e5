//! Personal data: the documents that name a user.
//!
//! They are found by an index on `userId`, or by `_id`s that are listed: markers have no index on users, but
//! the `_id` of each follows from its user and its period. The `_id` of a player is the user's. They are changed by
//! `_id`, a page at a time, so that a request that is repeated goes on where it was interrupted.

use bson::raw::RawArrayBuf;
use bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::options::{FindOptions, Hint};
use mongodb::{ClientSession, Collection, SessionCursor};

use super::client::{MongoStore, WRITE_TIMEOUT};
use super::error::{unexpected, without_index};
use super::write_command::{raw, write_command};
use crate::record::day::Day;
use crate::record::pseudonym;
use crate::store::error::{Result, StoreError, is_unauthorized};
use crate::store::personal::{Page, Personal, PersonalStore, User};
use crate::store::uniques::Period;

/// Documents that are deleted together.
const DELETED: i64 = 1_000;
/// Documents of a page, and their bytes, after which no further document is read.
const PAGE: i64 = 200;
const PAGE_BYTES: usize = 4 << 20;

/// Markers outlive their day and their month by 35 days, and the server deletes them some time later. Clocks
/// of hosts may differ by a day.
const DAYS_BACK: i64 = 70;

impl PersonalStore for MongoStore {
    async fn personal_ids(&self, collection: Personal, user: &User) -> Result<RawArrayBuf> {
        let session = &mut self.session().await?;
        let options = FindOptions::builder().projection(doc! { "_id": 1 }).build();
        let mut found = self.find_named(collection, user, options, session).await?;
        let mut ids = RawArrayBuf::new();
        while found.advance(session).await? {
            let id = found.current().get("_id").ok().flatten();
            ids.push(id.ok_or_else(|| unexpected("an _id"))?);
        }
        Ok(ids)
    }

    async fn personal_documents(&self, collection: Personal, ids: Vec<Bson>) -> Result<Page> {
        let by_id = doc! { "_id": { "$in": &ids } };
        let documents = self.documents_of(collection);
        let found = documents.find(by_id).max_time(WRITE_TIMEOUT).await;
        let mut found = found.map_err(|error| self.refusal(error.into(), collection))?;
        let mut page = Page::default();
        let mut bytes = 0;
        while found.advance().await? {
            let document = found.current().to_owned();
            bytes += document.as_bytes().len();
            page.documents.push(document);
            if bytes >= PAGE_BYTES {
                let read = ids_of(&page.documents)?;
                page.left = ids.into_iter().filter(|id| !read.contains(id)).collect();
                break;
            }
        }
        Ok(page)
    }

    async fn erase(
        &self,
        collection: Personal,
        user: &User,
        pseudonym: Option<&str>,
    ) -> Result<u64> {
        let session = &mut self.session().await?;
        let mut erased = 0;
        loop {
            let found = match pseudonym {
                None => self.some_ids(collection, user, session).await?,
                Some(_) => self.some_documents(collection, user, session).await?,
            };
            if found.is_empty() {
                return Ok(erased);
            }
            let changed = match pseudonym {
                None if collection == Personal::Purchases => {
                    self.disown(collection, ids_of(&found)?, session).await?
                }
                None => self.delete(collection, ids_of(&found)?, session).await?,
                Some(new) => {
                    let names = (user.id.as_str(), new);
                    self.rename(collection, &found, names, session).await?
                }
            };
            if changed == 0 {
                let problem = "documents of the user are read that can no longer be changed";
                return Err(StoreError::transient(problem));
            }
            erased += changed;
        }
    }
}

type Found = SessionCursor<RawDocumentBuf>;

impl MongoStore {
    fn documents_of(&self, collection: Personal) -> Collection<RawDocumentBuf> {
        match collection {
            Personal::Events => self.events.clone(),
            Personal::Sessions => self.sessions.clone(),
            Personal::Uniques => self.uniques.clone_with_type(),
            Personal::Purchases => self.purchases.clone_with_type(),
            Personal::Players => self.players.clone_with_type(),
        }
    }

    async fn find_named(
        &self,
        collection: Personal,
        user: &User,
        mut options: FindOptions,
        session: &mut ClientSession,
    ) -> Result<Found> {
        let filter = match collection {
            Personal::Uniques => doc! { "_id": { "$in": marker_ids(user) } },
            Personal::Players => doc! { "_id": &user.id },
            Personal::Sessions | Personal::Events | Personal::Purchases => {
                let index = match collection {
                    Personal::Purchases => doc! { "userId": 1, "ts": 1 },
                    _ => doc! { "userId": 1 },
                };
                options.hint = Some(Hint::Keys(index));
                doc! { "userId": &user.id }
            }
        };
        options.max_time = Some(WRITE_TIMEOUT);
        let documents = self.documents_of(collection);
        let finding = documents.find(filter).with_options(options);
        let found = finding.session(session).await;
        found.map_err(|error| {
            let error = without_index(error, documents.name(), "userId");
            self.refusal(error, collection)
        })
    }

    async fn some_ids(
        &self,
        collection: Personal,
        user: &User,
        session: &mut ClientSession,
    ) -> Result<Vec<RawDocumentBuf>> {
        let options = FindOptions::builder()
            .projection(doc! { "_id": 1 })
            .limit(DELETED);
        let found = self.find_named(collection, user, options.build(), session);
        page(found.await?, session).await
    }

    async fn some_documents(
        &self,
        collection: Personal,
        user: &User,
        session: &mut ClientSession,
    ) -> Result<Vec<RawDocumentBuf>> {
        let options = FindOptions::builder().limit(PAGE).build();
        let found = self.find_named(collection, user, options, session);
        page(found.await?, session).await
    }

    async fn delete(
        &self,
        collection: Personal,
        ids: Vec<Bson>,
        session: &mut ClientSession,
    ) -> Result<u64> {
        let by_id = |id| doc! { "q": { "_id": id }, "limit": 1 };
        let deletes: Vec<Document> = ids.into_iter().map(by_id).collect();
        self.change(collection, "delete", "deletes", deletes, session)
            .await
    }

    /// Documents name no user any more.
    async fn disown(
        &self,
        collection: Personal,
        ids: Vec<Bson>,
        session: &mut ClientSession,
    ) -> Result<u64> {
        let nobody = |id| doc! { "q": { "_id": id }, "u": { "$set": { "userId": Bson::Null } } };
        let updates: Vec<Document> = ids.into_iter().map(nobody).collect();
        self.change(collection, "update", "updates", updates, session)
            .await
    }

    /// Puts the second of the names in place of the first. Where it is a part of the `_id`, another document
    /// takes the place of the old one.
    async fn rename(
        &self,
        collection: Personal,
        documents: &[RawDocumentBuf],
        (old, new): (&str, &str),
        session: &mut ClientSession,
    ) -> Result<u64> {
        let (mut updates, mut inserts, mut replaced) = (Vec::new(), Vec::new(), Vec::new());
        for document in documents {
            let document = Document::try_from(document.clone());
            let document = document.map_err(|_| unexpected("a readable document"))?;
            let id = document.get("_id").cloned();
            let id = id.ok_or_else(|| unexpected("an _id"))?;
            let renamed = pseudonym::renamed(&document, old, new);
            if renamed.get("_id") != Some(&id) {
                inserts.push(renamed);
                replaced.push(id);
                continue;
            }
            let is_new = |(key, value): &(String, Bson)| document.get(key) != Some(value);
            let set: Document = renamed.into_iter().filter(is_new).collect();
            updates.push(doc! { "q": { "_id": id }, "u": { "$set": set } });
        }
        let mut changed = 0;
        if !updates.is_empty() {
            let updating = self.change(collection, "update", "updates", updates, session);
            changed += updating.await?;
        }
        if !inserts.is_empty() {
            let name = self.documents_of(collection).name().to_owned();
            let inserted = self.insert_documents(&name, inserts).await;
            inserted.map_err(|error| self.refusal(error, collection))?;
            changed += self.delete(collection, replaced, session).await?;
        }
        Ok(changed)
    }

    /// Sends changes of documents by their `_id`; returns how many documents there were.
    async fn change(
        &self,
        collection: Personal,
        command: &str,
        field: &str,
        statements: Vec<Document>,
        session: &mut ClientSession,
    ) -> Result<u64> {
        let mut command = write_command(command, self.documents_of(collection).name());
        command.insert(field, statements);
        let sent = self.send(raw(&command)?, Some(session)).await;
        let reply = sent.map_err(|error| self.refusal(error, collection))?;
        if let Some(refused) = reply.dropped()?.into_iter().next() {
            return Err(StoreError::permanent(refused.message));
        }
        let done = reply.done();
        Ok(done.ok_or_else(|| unexpected("a number of documents"))? as u64)
    }

    /// What the operator has to change, where that is known.
    fn refusal(&self, error: StoreError, collection: Personal) -> StoreError {
        let name = self.documents_of(collection).name().to_owned();
        if !is_unauthorized(&error) {
            return error;
        }
        let right = error.missing_privilege.as_deref();
        let right = right.unwrap_or("find, insert, update or remove");
        let message = format!(
            "the user of the connection lacks the right {right} on {name}: grant it and call again"
        );
        StoreError { message, ..error }
    }
}

/// The first documents of a result, bounded in bytes.
async fn page(mut found: Found, session: &mut ClientSession) -> Result<Vec<RawDocumentBuf>> {
    let (mut documents, mut bytes) = (Vec::new(), 0);
    while bytes < PAGE_BYTES && found.advance(session).await? {
        let document = found.current().to_owned();
        bytes += document.as_bytes().len();
        documents.push(document);
    }
    Ok(documents)
}

fn ids_of(documents: &[RawDocumentBuf]) -> Result<Vec<Bson>> {
    let id = |document: &RawDocumentBuf| {
        let id = document.get("_id").ok().flatten();
        let id = id.and_then(|id| Bson::try_from(id).ok());
        id.ok_or_else(|| unexpected("an _id"))
    };
    documents.iter().map(id).collect()
}

/// Of all markers that a user may have.
fn marker_ids(user: &User) -> Vec<Document> {
    let days: Vec<Day> = (-DAYS_BACK..=1).map(|day| user.today.plus(day)).collect();
    let names = days
        .iter()
        .flat_map(|day| [Period::Day(day).name(), Period::Month(day).name()]);
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names.dedup();
    let id = |period| doc! { "p": period, "u": &user.id };
    names.into_iter().map(id).collect()
}
