//! Personal data for `exportUser()` and `deleteUser()`.

use bson::raw::{RawArrayBuf, RawBson, cstr};
use bson::{Bson, Document, RawDocumentBuf, doc};

use crate::config::{Collection, Config};
use crate::record::document::number;
use crate::store::{PERSONAL, Result, Store, StoreError, User};

/// The `_id`s of all documents that name a user: `{ found: [{ collection, ids }] }`.
pub async fn ids<S: Store>(store: &S, user: &User) -> Result<RawDocumentBuf> {
    let mut found = RawArrayBuf::new();
    for collection in PERSONAL {
        let mut part = RawDocumentBuf::new();
        part.append(cstr!("collection"), collection.key());
        part.append(cstr!("ids"), &store.personal_ids(collection, user).await?);
        found.push(part);
    }
    let mut answer = RawDocumentBuf::new();
    answer.append(cstr!("found"), &found);
    Ok(answer)
}

/// A page of the documents with these `_id`s, which are `{ ids }` in BSON: `{ documents, left }`.
pub async fn documents<S: Store>(
    store: &S,
    collection: Collection,
    ids: &[u8],
) -> Result<RawDocumentBuf> {
    let ids: Option<Document> = bson::deserialize_from_slice(ids).ok();
    let ids = ids.and_then(|ids| Some(ids.get_array("ids").ok()?.clone()));
    let ids = ids.ok_or_else(unreadable)?;
    let page = store.personal_documents(collection, ids).await?;
    let mut documents = RawArrayBuf::new();
    page.documents
        .into_iter()
        .for_each(|one| documents.push(one));
    let mut left = RawArrayBuf::new();
    for id in page.left {
        left.push(RawBson::try_from(id).map_err(|_| unreadable())?);
    }
    let mut answer = RawDocumentBuf::new();
    answer.append(cstr!("documents"), &documents);
    answer.append(cstr!("left"), &left);
    Ok(answer)
}

fn unreadable() -> StoreError {
    StoreError::permanent("the list of documents cannot be read")
}

/// Erases a user: `{ documents: { <collection>: number }, notReached }`.
pub async fn erase<S: Store>(
    store: &S,
    config: &Config,
    user: &User,
    pseudonym: Option<&str>,
) -> Result<Document> {
    let mut documents = Document::new();
    for collection in PERSONAL {
        let erased = store.erase(collection, user, pseudonym).await?;
        documents.insert(collection.key(), number(erased as f64));
    }
    Ok(doc! { "documents": documents, "notReached": not_reached(config) })
}

/// Where copies may be that this process cannot erase.
fn not_reached(config: &Config) -> Vec<Bson> {
    let queues = "records of the user in queues and spools of other processes, which write them later: call \
                  deleteUser() again then";
    let others = "data of events of other users, in which this one may be named";
    let destinations = config.destinations.iter().map(|destination| {
        let name = &destination.name;
        format!("events that were or will be forwarded to {name}: erase them there")
    });
    let fixed = [queues, others].map(str::to_owned);
    fixed
        .into_iter()
        .chain(destinations)
        .map(Bson::String)
        .collect()
}
