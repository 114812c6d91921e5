//! One attempt at a write. It runs to its end whatever happens, since the driver's futures must not be
//! dropped half-way, but it is not waited for for ever: a server that neither answers nor dies must
//! not stop the queue. Every write can be repeated, also beside an attempt that is still under way.

use std::future::Future;
use std::time::Duration;

use crate::store::{Result, StoreError};

/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_secs(15);

/// The outcome of the task; a panic in it is an error like any other.
pub async fn attempt<T: Send + 'static>(
    task: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    attempt_within(LIMIT, task).await
}

/// The same for what takes longer than a write.
pub async fn attempt_within<T: Send + 'static>(
    limit: Duration,
    task: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let problem = match tokio::time::timeout(limit, tokio::spawn(task)).await {
        Ok(Ok(outcome)) => return outcome,
        Ok(Err(error)) => format!("internal: {error}"),
        Err(_) => format!("MongoDB gave no answer within {} s", limit.as_secs()),
    };
    Err(StoreError::transient(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_panics_or_hangs_is_an_error() {
        let panics: Result<()> = attempt(async { panic!("on purpose") }).await;
        assert!(panics.is_err_and(|error| error.message.contains("internal")));
        let hangs: Result<()> = attempt(std::future::pending()).await;
        assert!(hangs.is_err_and(|error| error.message.contains("15 s")));
        assert_eq!(attempt(async { Ok(1) }).await, Ok(1));
    }
}
