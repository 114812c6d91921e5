//! Purchases are stored beside their events. What the server refuses of them costs them only: events, totals and
//! sessions never wait for their collection.

use crate::store::{Fault, Inserted, Purchase, Result, Store, StoreError};
use crate::util::failpoint::failpoint;

/// What became of purchases.
#[derive(Debug, Default)]
pub struct Recorded {
    pub stored: usize,
    pub lost: usize,
    /// Places of those that were there already.
    pub there: Vec<usize>,
    /// Why they were lost, or cannot be read.
    pub refusal: Option<StoreError>,
}

/// Stores purchases; can be repeated until it succeeds.
pub async fn insert<S: Store>(store: &S, purchases: &[Purchase]) -> Result<Recorded> {
    if purchases.is_empty() {
        return Ok(Recorded::default());
    }
    failpoint!("purchases:before");
    let inserted = match refused(store.insert_purchases(purchases).await)? {
        Ok(inserted) => inserted,
        Err(refusal) => {
            return Ok(Recorded {
                lost: purchases.len(),
                refusal: Some(refusal),
                ..Recorded::default()
            });
        }
    };
    failpoint!("purchases:after");
    let Inserted {
        dropped,
        duplicates: there,
    } = inserted;
    let lost = dropped.len();
    let mut messages = dropped.into_iter().map(|one| one.message);
    Ok(Recorded {
        stored: purchases.len() - lost,
        lost,
        there,
        refusal: messages
            .next()
            .map(|message| StoreError::new(Fault::Content, message)),
    })
}

/// A refusal as a result; an error is what may go by.
pub fn refused<T>(answer: Result<T>) -> Result<Result<T>> {
    match answer {
        Err(error) if error.is_of_connection() => Err(error),
        answer => Ok(answer),
    }
}
