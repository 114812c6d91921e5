//! Events: their documents are stored, beside their purchases.

use super::batches::{EventBatch, Written};
use super::purchases;
use crate::store::{Dropped, Inserted, Result, Store};
use crate::util::failpoint::failpoint;

/// Stores events and their purchases; can be repeated until it succeeds.
pub async fn write_events<S: Store>(store: &S, batch: &EventBatch) -> Result<Written> {
    failpoint!("events:before");
    let events = async {
        match batch.documents.is_empty() {
            true => Ok(Inserted::default()),
            false => store.insert_events(&batch.documents).await,
        }
    };
    let (inserted, purchases) = tokio::join!(events, purchases::insert(store, &batch.purchases));
    let (inserted, purchases) = (inserted?, purchases?);
    failpoint!("events:after");
    let mut written = Written {
        duplicates: inserted.duplicates.len() as u64,
        purchases,
        ..Written::default()
    };
    if !inserted.dropped.is_empty() {
        let places = batch.places();
        let dropped = inserted.dropped.into_iter();
        let place = |one: Dropped| Some((*places.get(one.index)?, one.message));
        written.dropped = dropped.filter_map(place).collect();
    }
    Ok(written)
}
