//! The state of a preparation: of the unique index that totals wait for, or of the indexes that nothing
//! waits for. A failure is retried after a backoff.

use std::time::Duration;

use tokio::time::Instant;

use crate::util::backoff::Backoff;
use crate::util::random::Random;

/// How often it is checked whether the operator has removed the cause that blocks totals.
const CHECK_BLOCKED_EVERY: Duration = Duration::from_secs(3);

pub enum Preparation {
    Needed(Backoff),
    UnderWay(Backoff),
    /// Only the operator can remove the cause; checked again at this time.
    Blocked(Instant),
    Done,
}

impl Preparation {
    pub fn new(random: &Random) -> Self {
        Self::Needed(Backoff::new(random))
    }

    /// Whether it begins now; it is under way then.
    pub fn begin(&mut self, now: Instant, random: &Random) -> bool {
        match self {
            Self::Needed(backoff) if backoff.is_over(now) => {
                let backoff = std::mem::take(backoff);
                *self = Self::UnderWay(backoff);
                true
            }
            Self::Blocked(until) if *until <= now => {
                *self = Self::UnderWay(Backoff::new(random));
                true
            }
            _ => false,
        }
    }

    pub fn fail(&mut self, now: Instant) {
        if let Self::UnderWay(backoff) = self {
            backoff.fail(now);
            let backoff = std::mem::take(backoff);
            *self = Self::Needed(backoff);
        }
    }

    /// When the next attempt may begin, if one is needed.
    pub fn retry_at(&self) -> Option<Instant> {
        match self {
            Self::Needed(backoff) => backoff.until(),
            Self::Blocked(until) => Some(*until),
            _ => None,
        }
    }

    pub fn block(&mut self, now: Instant) {
        *self = Self::Blocked(now + CHECK_BLOCKED_EVERY);
    }

    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::UnderWay(_))
    }
}
