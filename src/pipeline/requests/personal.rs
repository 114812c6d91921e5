//! Personal data for `exportUser()` and `deleteUser()`.

use std::time::Duration;

use bson::raw::{RawArrayBuf, RawBson, cstr};
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, RawDocumentBuf, doc};

use crate::config::Config;
use crate::instance::shared::Shared;
use crate::record::document::number;
use crate::reports::{self, Lease};
use crate::store::{Personal, Result, Store, StoreError, User, is_unauthorized};

/// `_id`s that the thread of the host reads in one go, in about 1 ms.
const IDS: usize = 1_000;

/// The `_id`s of all documents that name a user: `{ found: [{ collection, ids }] }`, where `ids` are some of them, as
/// `{ ids }` in BSON.
pub async fn ids<S: Store>(store: &S, user: &User) -> Result<RawDocumentBuf> {
    let mut found = RawArrayBuf::new();
    for collection in Personal::ALL {
        let stored = store.personal_ids(collection, user).await?;
        let mut rest = stored.into_iter().peekable();
        while rest.peek().is_some() {
            let mut ids = RawArrayBuf::new();
            for id in rest.by_ref().take(IDS) {
                ids.push(id.map_err(|_| unreadable())?);
            }
            let mut some = RawDocumentBuf::new();
            some.append(cstr!("ids"), &ids);
            let ids = Binary {
                subtype: BinarySubtype::Generic,
                bytes: some.into_bytes(),
            };
            let mut part = RawDocumentBuf::new();
            part.append(cstr!("collection"), collection.key());
            part.append(cstr!("ids"), RawBson::Binary(ids));
            found.push(part);
        }
    }
    let mut answer = RawDocumentBuf::new();
    answer.append(cstr!("found"), &found);
    Ok(answer)
}

/// A page of the documents with these `_id`s, which are `{ ids }` in BSON: `{ documents, left }`.
pub async fn documents<S: Store>(
    store: &S,
    collection: Personal,
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

/// Erases a user: `{ documents: { <collection>: number }, notReached }`. No report is made meanwhile: one that has
/// read the sessions before would note the user as a player again.
pub async fn erase<S: Store>(
    store: &S,
    shared: &Shared,
    user: &User,
    pseudonym: Option<&str>,
) -> Result<Document> {
    let owner = format!("{}:erase", shared.incarnation.get());
    let lease = Lease::default();
    let take = |time| take_leases(store, &owner, time);
    let erasing = erase_everywhere(store, user, pseudonym, &lease);
    // An instance that makes none erases while others do.
    let Some(erased) = lease.during(take, erasing).await? else {
        // The one that was free is given back.
        take_leases(store, &owner, Duration::ZERO).await?;
        let problem = "reports are being made, which may name the user again: it is tried again";
        return Err(StoreError::transient(problem));
    };
    take_leases(store, &owner, Duration::ZERO).await?;
    Ok(doc! { "documents": erased?, "notReached": not_reached(&shared.config) })
}

/// Whether all were free. Who has no right to take one makes no reports either.
async fn take_leases<S: Store>(store: &S, owner: &str, time: Duration) -> Result<bool> {
    for lease in reports::LEASES {
        match store.take_lease(lease, owner, time).await {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) if is_unauthorized(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

async fn erase_everywhere<S: Store>(
    store: &S,
    user: &User,
    pseudonym: Option<&str>,
    lease: &Lease,
) -> Result<Document> {
    let mut documents = Document::new();
    for collection in Personal::ALL {
        lease.check()?;
        let erased = store.erase(collection, user, pseudonym).await?;
        documents.insert(collection.key(), number(erased as f64));
    }
    Ok(documents)
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
