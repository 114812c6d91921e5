//! Circuit breaker: admits requests to a destination, or makes them wait after failures and for as long as
//! the service asks (`Retry-After`). All partitions of a destination share it.
//!
//! Five failures in a row open the circuit: one request at a time probes whether the service is back, once
//! per back-off, until one of them succeeds.

use std::time::Duration;

use tokio::time::Instant;

use crate::util::backoff::Backoff;

const FAILURES_TO_OPEN: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitState {
    Closed,
    Open,
    HalfOpen,
    /// The service is gone for good.
    Disabled,
}

/// The names of [`CircuitState`] in the public interface, in its order.
pub const CIRCUIT_STATES: [&str; 4] = ["closed", "open", "half-open", "disabled"];

impl CircuitState {
    pub fn name(self) -> &'static str {
        CIRCUIT_STATES[self as usize]
    }
}

#[derive(Debug)]
pub struct CircuitBreaker {
    backoff: Backoff,
    /// The end of the wait that the service asked for; nothing shortens it.
    retry_after: Option<Instant>,
    /// The end of a long wait that the service did not ask for.
    delayed: Option<Instant>,
    /// Failures in a row.
    failures: u32,
    /// Of several requests that were under way together and failed, the first one lengthens the back-off.
    round: u64,
    is_probing: bool,
}

/// Permission to send one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    round: u64,
    is_probe: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    Granted(Permit),
    NotBefore(Instant),
    /// The request of another partition probes the service.
    AfterProbe,
}

impl CircuitBreaker {
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self {
            backoff: Backoff::between(first, longest),
            retry_after: None,
            delayed: None,
            failures: 0,
            round: 0,
            is_probing: false,
        }
    }

    pub fn admit(&mut self, now: Instant) -> Admission {
        let until = self.backoff.until().max(self.retry_after).max(self.delayed);
        if let Some(until) = until.filter(|until| *until > now) {
            return Admission::NotBefore(until);
        }
        let is_probe = self.is_open();
        if is_probe && self.is_probing {
            return Admission::AfterProbe;
        }
        self.is_probing = is_probe;
        Admission::Granted(Permit {
            round: self.round,
            is_probe,
        })
    }

    pub fn succeed(&mut self) {
        self.expedite();
        self.retry_after = None;
        self.failures = 0;
        self.is_probing = false;
        self.round += 1;
    }

    /// A response that is neither success nor failure: the next request may be another one.
    pub fn responded(&mut self, permit: Permit) {
        self.is_probing &= !permit.is_probe;
    }

    /// A request, a probe perhaps, ended without a response.
    pub fn interrupted(&mut self) {
        self.is_probing = false;
    }

    /// The next request waits for the back-off, and for as long as the service asks.
    pub fn fail(&mut self, permit: Permit, now: Instant, retry_after: Duration) {
        self.responded(permit);
        self.failures = self.failures.saturating_add(1);
        self.retry_after = self.retry_after.max(Some(now + retry_after));
        if permit.round == self.round {
            self.round += 1;
            self.backoff.fail(now);
        }
    }

    /// After a failure that time alone does not mend, the next request waits at least until then.
    pub fn delay(&mut self, until: Instant) {
        self.delayed = self.delayed.max(Some(until));
    }

    /// Ends the waits that the service did not ask for; the next back-off is short.
    pub fn expedite(&mut self) {
        self.backoff.succeed();
        self.delayed = None;
    }

    pub fn has_failed(&self) -> bool {
        self.failures > 0
    }

    pub fn state(&self) -> CircuitState {
        match (self.is_open(), self.is_probing) {
            (false, _) => CircuitState::Closed,
            (true, false) => CircuitState::Open,
            (true, true) => CircuitState::HalfOpen,
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

    fn permit(breaker: &mut CircuitBreaker, now: Instant) -> Permit {
        match breaker.admit(now) {
            Admission::Granted(permit) => permit,
            other => panic!("{other:?}"),
        }
    }

    fn until(breaker: &mut CircuitBreaker, now: Instant) -> Duration {
        match breaker.admit(now) {
            Admission::NotBefore(until) => until - now,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_circuit_opens_after_five_failures_and_one_probe_closes_it() {
        let mut breaker = CircuitBreaker::new(FIRST, LONGEST);
        let mut now = Instant::now();
        for failure in 1..=5 {
            assert_eq!(
                breaker.state(),
                CircuitState::Closed,
                "before failure {failure}"
            );
            let permit = permit(&mut breaker, now);
            breaker.fail(permit, now, Duration::ZERO);
            let wait = until(&mut breaker, now);
            let bound = FIRST * 2_u32.pow(failure - 1);
            assert!(wait >= FIRST / 5 && wait <= bound, "{failure}: {wait:?}");
            now += wait;
        }
        assert_eq!(breaker.state(), CircuitState::Open);
        let probe = permit(&mut breaker, now);
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
        assert_eq!(breaker.admit(now), Admission::AfterProbe);
        breaker.fail(probe, now, Duration::ZERO);
        assert_eq!(breaker.state(), CircuitState::Open);
        now += until(&mut breaker, now);
        permit(&mut breaker, now);
        breaker.succeed();
        assert_eq!(breaker.state(), CircuitState::Closed);
        permit(&mut breaker, now);
        permit(&mut breaker, now);
    }

    #[test]
    fn requests_that_fail_together_lengthen_the_wait_once() {
        let mut breaker = CircuitBreaker::new(FIRST, LONGEST);
        let now = Instant::now();
        let together: Vec<Permit> = (0..4).map(|_| permit(&mut breaker, now)).collect();
        for permit in together {
            breaker.fail(permit, now, Duration::ZERO);
        }
        assert!(until(&mut breaker, now) <= FIRST);
    }

    #[test]
    fn the_wait_that_the_service_asks_for_is_never_shortened() {
        let mut breaker = CircuitBreaker::new(FIRST, LONGEST);
        let now = Instant::now();
        let first = permit(&mut breaker, now);
        breaker.fail(first, now, Duration::from_secs(40));
        assert_eq!(until(&mut breaker, now), Duration::from_secs(40));
        breaker.expedite();
        assert_eq!(until(&mut breaker, now), Duration::from_secs(40));
        let later = now + Duration::from_secs(40);
        let second = permit(&mut breaker, later);
        breaker.fail(second, later, Duration::ZERO);
        assert!(until(&mut breaker, later) <= 2 * FIRST);
        breaker.delay(later + LONGEST);
        assert_eq!(until(&mut breaker, later), LONGEST);
        breaker.expedite();
        permit(&mut breaker, later);
    }

    #[test]
    fn a_refusal_admits_the_next_probe() {
        let mut breaker = CircuitBreaker::new(FIRST, LONGEST);
        let mut now = Instant::now();
        for _ in 0..5 {
            let permit = permit(&mut breaker, now);
            breaker.fail(permit, now, Duration::ZERO);
            now += LONGEST;
        }
        let probe = permit(&mut breaker, now);
        breaker.responded(probe);
        assert_eq!(breaker.state(), CircuitState::Open);
        permit(&mut breaker, now);
    }
}
