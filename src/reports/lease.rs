//! Lease: whoever has it makes reports alone, for as long as that takes. It is renewed beside the work.
//!
//! A process that was frozen may find that it has lost it meanwhile. It writes nothing more then: another process may
//! have erased a user whom it has read before.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::store::{Result, StoreError};

/// How long it is held without renewal, and how often it is renewed.
const HELD_FOR: Duration = Duration::from_secs(120);
const RENEWED_EVERY: Duration = Duration::from_secs(30);

/// A lease of which this process knows until when it has it.
#[derive(Default)]
pub struct Lease {
    until: Mutex<Option<Instant>>,
}

impl Lease {
    /// The result of the work; `None` where somebody else has the lease, or has got it meanwhile. `take` takes or
    /// renews it for a time. It is not given back.
    pub async fn during<T, R: Future<Output = Result<bool>>>(
        &self,
        take: impl Fn(Duration) -> R,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>> {
        if !self.renew(&take).await? {
            return Ok(None);
        }
        let ended = Notify::new();
        let working = async {
            let done = work.await;
            ended.notify_one();
            done
        };
        let renewing = async {
            while timeout(RENEWED_EVERY, ended.notified()).await.is_err() {
                // What was lost is not taken again, and an error is tried again.
                if self.check().is_ok() {
                    self.renew(&take).await.ok();
                }
            }
        };
        let (done, ()) = tokio::join!(working, renewing);
        Ok(self.check().is_ok().then_some(done))
    }

    async fn renew<R: Future<Output = Result<bool>>>(
        &self,
        take: &impl Fn(Duration) -> R,
    ) -> Result<bool> {
        // Before it is taken, so that it is never believed for longer than it is held.
        let until = Instant::now() + HELD_FOR;
        let is_mine = take(HELD_FOR).await?;
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = is_mine.then_some(until);
        Ok(is_mine)
    }

    /// An error once it is lost: before each write.
    pub fn check(&self) -> Result<()> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        match until.is_some_and(|until| Instant::now() < until) {
            true => Ok(()),
            false => Err(StoreError::transient(
                "reports are made by another process since this one stood still",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::sleep;

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[tokio::test(start_paused = true)]
    async fn it_is_renewed_as_long_as_the_work_takes() {
        let taken = AtomicU32::new(0);
        let lease = Lease::default();
        let take = |time: Duration| {
            assert!(time > RENEWED_EVERY * 3);
            taken.fetch_add(1, Ordering::Relaxed);
            async { Ok(true) }
        };
        let work = async {
            sleep(LONG).await;
            lease.check()
        };
        assert_eq!(lease.during(take, work).await, Ok(Some(Ok(()))));
        assert!(taken.load(Ordering::Relaxed) >= 20);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_written_once_another_has_it() {
        let taken = AtomicU32::new(0);
        let lease = Lease::default();
        // Somebody else has it for a moment, and gives it back.
        let take = |_| {
            let nth = taken.fetch_add(1, Ordering::Relaxed);
            async move { Ok(nth != 2) }
        };
        let work = async {
            sleep(RENEWED_EVERY * 5).await;
            lease.check().is_err()
        };
        assert_eq!(lease.during(take, work).await, Ok(None));
        assert_eq!(taken.load(Ordering::Relaxed), 3);
        let refused = lease.during(|_| async { Ok(false) }, async {}).await;
        assert_eq!(refused, Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_lost_when_it_cannot_be_renewed_in_time() {
        let taken = AtomicU32::new(0);
        let lease = Lease::default();
        let take = |_| {
            let is_first = taken.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                match is_first {
                    true => Ok(true),
                    false => Err(StoreError::transient("away")),
                }
            }
        };
        let work = async {
            sleep(HELD_FOR - RENEWED_EVERY).await;
            assert!(lease.check().is_ok());
            sleep(RENEWED_EVERY).await;
            lease.check().is_err()
        };
        assert_eq!(lease.during(take, work).await, Ok(None));
    }
}
