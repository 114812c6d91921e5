//! What an answer changes: which events are through, which are set aside, and how long to wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::event::Event;
use super::pace::Leave;
use super::receiver::{Receiver, Remark, State};
use super::retry_after;
use super::verdict::{Answer, Verdict};

/// How often a batch meets an answer that only a change of settings turns, before it is set aside:
/// some twenty minutes by default. The batches behind it have their own tries, until they are too old.
const REFUSALS: u32 = 10;
/// Before each of them it waits for so many times the usual bound, two minutes by default.
const SLOWLY: u32 = 120;

/// One attempt.
pub struct Attempt {
    /// Everything it stands for, in the order of the queue.
    pub events: Vec<Arc<Event>>,
    /// Places of `events` that are in the request.
    pub sent: Vec<usize>,
    /// Why another one is not, if any is not.
    pub unfit: Option<&'static str>,
    pub leave: Leave,
}

/// When it is: the clocks are the caller's.
#[derive(Clone, Copy)]
pub struct Now {
    pub instant: Instant,
    /// System clock, ms since 1970.
    pub time_ms: i64,
}

impl Receiver {
    /// Takes in how an attempt ended; the error of one without an answer says what went wrong.
    pub fn settle(
        &self,
        lane: usize,
        attempt: &Attempt,
        outcome: Result<Answer, String>,
        now: Now,
    ) -> Vec<Remark> {
        let mut state = self.state();
        let unfit = attempt.unfit.map(|unfit| set_aside(&mut state, unfit));
        let remark = match attempt.sent.is_empty() {
            true => {
                state.pace.answered(attempt.leave);
                self.give_up(&mut state, lane, attempt);
                None
            }
            false => self.take_in(&mut state, lane, attempt, outcome, now),
        };
        drop(state);
        self.wake_all();
        unfit.into_iter().chain(remark).collect()
    }

    fn take_in(
        &self,
        state: &mut State,
        lane: usize,
        attempt: &Attempt,
        outcome: Result<Answer, String>,
        now: Now,
    ) -> Option<Remark> {
        let (verdict, problem, asked) = match outcome {
            Ok(answer) => (
                self.format.judge(&answer, attempt.sent.len()),
                format!("it answered {}", answer.status),
                self.asked(&answer, now).unwrap_or_default(),
            ),
            Err(problem) => (Verdict::Retry, problem, Duration::ZERO),
        };
        match verdict {
            Verdict::Delivered => {
                state.pace.succeed();
                self.through(state, lane, attempt, 0);
                None
            }
            Verdict::Partly { refused, problem } => {
                state.pace.succeed();
                self.through(state, lane, attempt, refused.len());
                Some(set_aside(state, &self.without_secrets(&problem)))
            }
            Verdict::Retry => {
                state.pace.fail(attempt.leave, now.instant, asked);
                Some(failing(state, attempt, problem))
            }
            Verdict::RetrySlowly => {
                state.pace.fail(attempt.leave, now.instant, asked);
                state.pace.slow_down(now.instant, self.slowly());
                state.lanes[lane].refusals += 1;
                if state.lanes[lane].refusals < REFUSALS {
                    return Some(failing(state, attempt, problem));
                }
                self.give_up(state, lane, attempt);
                Some(set_aside(state, &problem))
            }
            Verdict::TooLarge | Verdict::Refused if attempt.sent.len() > 1 => {
                state.pace.answered(attempt.leave);
                let width = &mut state.lanes[lane].width;
                match verdict {
                    Verdict::TooLarge => width.narrow(attempt.events.len()),
                    _ => width.halve(attempt.events.len()),
                }
                repeated(state, attempt, &problem);
                None
            }
            Verdict::TooLarge | Verdict::Refused => {
                state.pace.answered(attempt.leave);
                self.give_up(state, lane, attempt);
                Some(set_aside(state, &problem))
            }
            Verdict::Gone => {
                state.pace.answered(attempt.leave);
                state.disable();
                state.error(&problem);
                Some(Remark::Disabled)
            }
        }
    }

    fn asked(&self, answer: &Answer, now: Now) -> Option<Duration> {
        let value = answer.retry_after.as_deref()?;
        retry_after::parse(value, now.time_ms, self.format.longest_retry_after())
    }

    fn give_up(&self, state: &mut State, lane: usize, attempt: &Attempt) {
        self.through(state, lane, attempt, attempt.events.len());
    }

    /// The batch is behind us; of those that were sent so many, and all that were not, are set aside.
    fn through(&self, state: &mut State, number: usize, attempt: &Attempt, refused: usize) {
        let lane = &mut state.lanes[number];
        let Some(last) = attempt.events.last() else {
            return;
        };
        // Less than all when they were given up meanwhile.
        let settled = lane.queue.acknowledge(last.seq);
        let unfit = attempt.events.len() - attempt.sent.len();
        let set_aside = (refused + unfit).min(attempt.events.len()).min(settled);
        lane.refusals = 0;
        lane.width.succeed(self.format.limits().events);
        state.counts.sent += (settled - set_aside) as u64;
        state.counts.refused += set_aside as u64;
    }

    fn slowly(&self) -> Duration {
        let longest = self.settings.max_retry_delay;
        let bound = self.settings.min_retry_delay.saturating_mul(SLOWLY);
        bound.min(longest)
    }

    /// A receiver may quote what it was sent.
    fn without_secrets(&self, problem: &str) -> String {
        let mut clean = problem.to_owned();
        for secret in self.settings.access.secrets() {
            clean = clean.replace(secret, "…");
        }
        clean.chars().take(200).collect()
    }
}

fn failing(state: &mut State, attempt: &Attempt, problem: String) -> Remark {
    repeated(state, attempt, &problem);
    Remark::Failing(problem)
}

fn repeated(state: &mut State, attempt: &Attempt, problem: &str) {
    state.counts.retried += attempt.sent.len() as u64;
    state.error(problem);
}

fn set_aside(state: &mut State, problem: &str) -> Remark {
    state.error(problem);
    Remark::SetAside(format!("an event was set aside: {problem}"))
}
