//! Tasks: work that takes long and whose result comes back to a module, and attempts at a request of the
//! database.
//!
//! An attempt runs to its end whatever happens, since the driver's futures must not be dropped half-way.
//! It is not waited for without limit: a server that neither answers nor dies must not stop a queue. Every
//! write can be repeated, also beside an attempt that is still running.

use std::future::{Future, pending};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::store::{Result, StoreError};
use crate::util::panics::catch_in;

/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_secs(15);

/// The running tasks of a module. Those that have not ended when this is dropped are aborted. A panic in what
/// they wait for has to be part of their result: else the module would wait for ever.
pub struct Tasks<T>(JoinSet<T>);

impl<T: Send + 'static> Tasks<T> {
    pub fn new() -> Self {
        Self(JoinSet::new())
    }

    pub fn spawn(&mut self, task: impl Future<Output = T> + Send + 'static) {
        self.0.spawn(task);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Resolves with the result of the task that ends next; never, while there is none. Cancel-safe.
    pub async fn next(&mut self) -> T {
        loop {
            match self.0.join_next().await {
                Some(Ok(result)) => return result,
                // It was aborted.
                Some(Err(_)) => {}
                None => pending().await,
            }
        }
    }

    /// Forgets the tasks, which run to their end.
    pub fn detach(&mut self) {
        self.0.detach_all();
    }
}

/// A request that is to be retried, for so many records.
pub struct Failed {
    pub error: StoreError,
    pub records: usize,
}

/// The result of one attempt; a panic in it is an error like any other.
pub async fn attempt<T: Send + 'static>(
    task: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    attempt_within(LIMIT, task).await
}

/// The same for work that takes longer than a write.
pub async fn attempt_within<T: Send + 'static>(
    limit: Duration,
    task: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let timeout = tokio::time::timeout(limit, run_to_end("request", task)).await;
    timeout.unwrap_or_else(|_| {
        let problem = format!("MongoDB gave no answer within {} s", limit.as_secs());
        Err(StoreError::transient(problem))
    })
}

/// The result of work without a time limit; `kind` names it to tests. It runs to its end also when nobody
/// waits for it any more; a panic in it is an error like any other.
pub async fn run_to_end<T: Send + 'static>(
    kind: &'static str,
    task: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let task = tokio::spawn(catch_in(kind, task));
    match task.await {
        Ok(Ok(result)) => result,
        Ok(Err(panicked)) => Err(StoreError::transient(panicked.to_string())),
        Err(error) => Err(StoreError::transient(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_panics_or_hangs_is_an_error() {
        let panics: Result<()> = attempt(async { panic!("on purpose") }).await;
        assert!(panics.is_err_and(|error| error.message.contains("task.rs:")));
        let hangs: Result<()> = attempt(pending()).await;
        assert!(hangs.is_err_and(|error| error.message.contains("15 s")));
        assert_eq!(attempt(async { Ok(1) }).await, Ok(1));
    }
}
