//! Purchases are stored beside their events. What the server refuses of them costs them only: events, totals and
//! sessions never wait for their collection, but for a second where nobody knows whether it is a refusal.

use std::time::Duration;

use crate::store::{Fault, Inserted, Purchase, Result, Store, StoreError};
use crate::util::failpoint::failpoint;

/// Before a request is repeated whose answer says nothing, as a code that is not known: it may be about the moment.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

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
    let inserted = match refused(|| store.insert_purchases(purchases)).await? {
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
pub async fn refused<T, A>(request: impl Fn() -> A) -> Result<Result<T>>
where
    A: Future<Output = Result<T>>,
{
    for pause in PAUSES {
        match request().await {
            Err(error) if error.fault == Fault::Unknown => tokio::time::sleep(pause).await,
            answer => return refusal_in(answer),
        }
    }
    refusal_in(request().await)
}

fn refusal_in<T>(answer: Result<T>) -> Result<Result<T>> {
    match answer {
        Err(error) if error.is_of_connection() => Err(error),
        answer => Ok(answer),
    }
}
