//! Backoff: waits before a retry, exponential with full jitter, so that many processes do not come back
//! at the same moment.

use std::time::Duration;

use tokio::time::Instant;

use super::random::Random;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    random: Random,
    failures: u32,
    until: Option<Instant>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::between(FIRST, LONGEST)
    }
}

impl Backoff {
    /// The waits of the database's side.
    pub fn new(random: &Random) -> Self {
        Self {
            random: random.clone(),
            ..Self::default()
        }
    }

    /// The first wait is at most `first`, and none is above `longest`.
    pub fn between(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            random: Random::default(),
            failures: 0,
            until: None,
        }
    }

    pub fn succeed(&mut self) {
        self.failures = 0;
        self.until = None;
    }

    pub fn fail(&mut self, now: Instant) {
        let bound = self
            .first
            .saturating_mul(1 << self.failures.min(16))
            .min(self.longest);
        self.failures += 1;
        // Never at once: an error that is answered immediately must not become a hot loop.
        let range = (self.first / 5).min(bound)..=bound;
        self.until = Some(now + self.random.wait(range));
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
