//! The state of a preparation: of the unique index that totals wait for, or of the indexes that nothing
//! waits for.

use std::time::Duration;

use tokio::time::Instant;

use crate::util::backoff::Backoff;
use crate::util::random::Random;

/// How often it is checked whether the operator has removed the cause that blocks totals.
const CHECK_BLOCKED_EVERY: Duration = Duration::from_secs(3);

pub struct Preparation {
    state: State,
    /// A failure is retried after it.
    backoff: Backoff,
    blocked_until: Option<Instant>,
}

#[derive(PartialEq, Eq)]
enum State {
    Needed,
    UnderWay,
    Done,
}

impl Preparation {
    pub fn new(random: &Random) -> Self {
        Self {
            state: State::Needed,
            backoff: Backoff::new(random),
            blocked_until: None,
        }
    }

    /// Whether it begins now; it is under way then.
    pub fn begin(&mut self, now: Instant) -> bool {
        let begins = self.state == State::Needed && self.retry_at().is_none_or(|at| at <= now);
        if begins {
            self.state = State::UnderWay;
        }
        begins
    }

    pub fn succeed(&mut self) {
        self.state = State::Done;
    }

    pub fn fail(&mut self, now: Instant) {
        (self.state, self.blocked_until) = (State::Needed, None);
        self.backoff.fail(now);
    }

    /// Only the operator can remove the cause; it is checked again after a while.
    pub fn block(&mut self, now: Instant) {
        (self.state, self.blocked_until) = (State::Needed, Some(now + CHECK_BLOCKED_EVERY));
        self.backoff.succeed();
    }

    /// When the next attempt may begin, if one is needed.
    pub fn retry_at(&self) -> Option<Instant> {
        let retry_at = self.blocked_until.or(self.backoff.until());
        retry_at.filter(|_| self.state == State::Needed)
    }

    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    pub fn is_under_way(&self) -> bool {
        self.state == State::UnderWay
    }
}
