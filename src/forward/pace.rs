//! When a destination may be sent to: waits after failures, what the receiver asked for, and the
//! circuit. All lanes of a destination share it.
//!
//! After five failures in a row the circuit is open: one request at a time probes whether the
//! receiver is back, once per step of the back-off, until one of them is answered with success.

use std::time::Duration;

use tokio::time::Instant;

use crate::util::backoff::Backoff;

const FAILURES_TO_OPEN: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    Closed,
    Open,
    HalfOpen,
    /// The receiver is gone for good.
    Disabled,
}

/// The names of [`Circuit`] in the public interface, in its order.
pub const CIRCUITS: [&str; 4] = ["closed", "open", "half-open", "disabled"];

impl Circuit {
    pub fn name(self) -> &'static str {
        CIRCUITS[self as usize]
    }
}

#[derive(Debug)]
pub struct Pace {
    backoff: Backoff,
    /// What the receiver asked for by `Retry-After`, which no hurry shortens.
    asked: Option<Instant>,
    /// The end of a long wait of ours.
    slow: Option<Instant>,
    /// Requests in a row that failed.
    failures: u32,
    /// Of several requests that were under way together and failed, one lengthens the wait.
    step: u64,
    is_probing: bool,
}

/// Leave to send one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    step: u64,
    is_probe: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    Granted(Leave),
    NotBefore(Instant),
    /// Another lane's request probes the receiver.
    AfterProbe,
}

impl Pace {
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self {
            backoff: Backoff::between(first, longest),
            asked: None,
            slow: None,
            failures: 0,
            step: 0,
            is_probing: false,
        }
    }

    pub fn admit(&mut self, now: Instant) -> Admission {
        let until = self.backoff.until().max(self.asked).max(self.slow);
        if let Some(until) = until.filter(|until| *until > now) {
            return Admission::NotBefore(until);
        }
        let is_probe = self.is_open();
        if is_probe && self.is_probing {
            return Admission::AfterProbe;
        }
        self.is_probing = is_probe;
        Admission::Granted(Leave {
            step: self.step,
            is_probe,
        })
    }

    pub fn succeed(&mut self) {
        self.hasten();
        self.asked = None;
        self.failures = 0;
        self.is_probing = false;
        self.step += 1;
    }

    /// The receiver answered, and the next request may be another: neither success nor failure.
    pub fn answered(&mut self, leave: Leave) {
        self.is_probing &= !leave.is_probe;
    }

    /// The next request begins later, and not before what the receiver `asked` for is over.
    pub fn fail(&mut self, leave: Leave, now: Instant, asked: Duration) {
        self.answered(leave);
        self.failures = self.failures.saturating_add(1);
        self.asked = self.asked.max(Some(now + asked));
        if leave.step == self.step {
            self.step += 1;
            self.backoff.fail(now);
        }
    }

    /// After a failure that time alone does not mend: at least so long.
    pub fn slow_down(&mut self, now: Instant, wait: Duration) {
        self.slow = self.slow.max(Some(now + wait));
    }

    /// Somebody waits for the rest: begins with short waits again.
    pub fn hasten(&mut self) {
        self.backoff.succeed();
        self.slow = None;
    }

    pub fn has_failed(&self) -> bool {
        self.failures > 0
    }

    pub fn circuit(&self) -> Circuit {
        match (self.is_open(), self.is_probing) {
            (false, _) => Circuit::Closed,
            (true, false) => Circuit::Open,
            (true, true) => Circuit::HalfOpen,
        }
    }

    fn is_open(&self) -> bool {
        self.failures >= FAILURES_TO_OPEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(300);

    fn leave(pace: &mut Pace, now: Instant) -> Leave {
        match pace.admit(now) {
            Admission::Granted(leave) => leave,
            other => panic!("{other:?}"),
        }
    }

    fn until(pace: &mut Pace, now: Instant) -> Duration {
        match pace.admit(now) {
            Admission::NotBefore(until) => until - now,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_circuit_opens_after_five_failures_and_one_probe_closes_it() {
        let mut pace = Pace::new(FIRST, LONGEST);
        let mut now = Instant::now();
        for failure in 1..=5 {
            assert_eq!(pace.circuit(), Circuit::Closed, "before failure {failure}");
            let leave = leave(&mut pace, now);
            pace.fail(leave, now, Duration::ZERO);
            let wait = until(&mut pace, now);
            let bound = FIRST * 2_u32.pow(failure - 1);
            assert!(wait >= FIRST / 5 && wait <= bound, "{failure}: {wait:?}");
            now += wait;
        }
        assert_eq!(pace.circuit(), Circuit::Open);
        let probe = leave(&mut pace, now);
        assert_eq!(pace.circuit(), Circuit::HalfOpen);
        assert_eq!(pace.admit(now), Admission::AfterProbe);
        pace.fail(probe, now, Duration::ZERO);
        assert_eq!(pace.circuit(), Circuit::Open);
        now += until(&mut pace, now);
        leave(&mut pace, now);
        pace.succeed();
        assert_eq!(pace.circuit(), Circuit::Closed);
        leave(&mut pace, now);
        leave(&mut pace, now);
    }

    #[test]
    fn requests_that_fail_together_lengthen_the_wait_once() {
        let mut pace = Pace::new(FIRST, LONGEST);
        let now = Instant::now();
        let together: Vec<Leave> = (0..4).map(|_| leave(&mut pace, now)).collect();
        for leave in together {
            pace.fail(leave, now, Duration::ZERO);
        }
        assert!(until(&mut pace, now) <= FIRST);
    }

    #[test]
    fn what_the_receiver_asks_for_is_a_lower_bound_that_no_hurry_shortens() {
        let mut pace = Pace::new(FIRST, LONGEST);
        let now = Instant::now();
        let first = leave(&mut pace, now);
        pace.fail(first, now, Duration::from_secs(40));
        assert_eq!(until(&mut pace, now), Duration::from_secs(40));
        pace.hasten();
        assert_eq!(until(&mut pace, now), Duration::from_secs(40));
        let later = now + Duration::from_secs(40);
        let second = leave(&mut pace, later);
        pace.fail(second, later, Duration::ZERO);
        assert!(until(&mut pace, later) <= 2 * FIRST);
        pace.slow_down(later, LONGEST);
        assert_eq!(until(&mut pace, later), LONGEST);
        pace.hasten();
        leave(&mut pace, later);
    }

    #[test]
    fn an_answer_that_is_no_success_lets_the_next_probe_go() {
        let mut pace = Pace::new(FIRST, LONGEST);
        let mut now = Instant::now();
        for _ in 0..5 {
            let leave = leave(&mut pace, now);
            pace.fail(leave, now, Duration::ZERO);
            now += LONGEST;
        }
        let probe = leave(&mut pace, now);
        pace.answered(probe);
        assert_eq!(pace.circuit(), Circuit::Open);
        leave(&mut pace, now);
    }
}
