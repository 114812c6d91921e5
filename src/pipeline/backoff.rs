//! When to repeat what failed: exponential with full jitter, so that many processes do not come back
//! at the same moment.

use std::time::Duration;

use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    pub fn succeed(&mut self) {
        *self = Self::default();
    }

    pub fn fail(&mut self, now: Instant) {
        let bound = FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST);
        self.failures += 1;
        // Never at once: an error that is answered immediately must not become a hot loop.
        let wait = rand::random_range(FIRST / 5..=bound);
        #[cfg(test)]
        let wait = super::tests::hooks::wait(FIRST / 5..=bound).unwrap_or(wait);
        self.until = Some(now + wait);
    }

    /// Whether the next attempt may begin.
    pub fn is_over(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until <= now)
    }

    /// When to look again, if waiting.
    pub fn until(&self) -> Option<Instant> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest_and_a_success_resets_them() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        assert!(backoff.is_over(now));
        for _ in 0..40 {
            backoff.fail(now);
            let wait = backoff.until().expect("waiting") - now;
            assert!(wait >= FIRST / 5 && wait <= LONGEST, "{wait:?}");
            assert!(!backoff.is_over(now));
        }
        backoff.succeed();
        assert!(backoff.is_over(now));
    }
}
