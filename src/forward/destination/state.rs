//! State of a destination: the decisions about its events, without network and clock. The time is an argument,
//! so that tests decide it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::circuit_breaker::{Admission, CircuitBreaker, CircuitState};
use super::partitions::{Lane, Partitions};
use super::profile::Profile;
use super::request::{Batch, Request};
use super::stats::{Counts, Report};
use crate::forward::event::ForwardedEvent;
use crate::forward::transport::{Disposition, Response};
use crate::forward::warning::Warning;
use crate::instance::health::LastError;
use crate::util::foreign_text;

/// How long an event waits for others to share a request.
const LINGER: Duration = Duration::from_secs(1);
/// Attempts on a configuration error (401, 403, 404) before the batch is refused: some twenty minutes by
/// default. The batches behind it have attempts of their own.
const CONFIG_ERROR_ATTEMPTS: u32 = 10;

pub struct State {
    profile: Arc<Profile>,
    pub partitions: Partitions,
    pub counts: Counts,
    /// Warnings to be logged.
    pub warnings: Vec<Warning>,
    breaker: CircuitBreaker,
    /// From the acceptance of an event to the response that took it, of the last request.
    lag: Option<Duration>,
    /// Events that were too old when the replay brought them back.
    expired_in_replay: u64,
    /// Somebody waits until the queue is empty.
    is_expedited: bool,
    /// The newest event found no room, and a warning said so.
    is_full: bool,
    /// No event follows.
    is_closed: bool,
    /// The service answered that it is gone for good.
    is_gone: bool,
}

/// The next step of the sender of a partition.
pub enum Step {
    Send(Batch),
    /// Until then, or until it is woken.
    Wait(Option<Instant>),
    /// Nothing is queued and nothing follows.
    End,
}

impl State {
    pub fn new(profile: &Arc<Profile>) -> Self {
        let settings = &profile.settings;
        Self {
            profile: Arc::clone(profile),
            partitions: Partitions::new(profile.limits),
            counts: Counts::default(),
            warnings: Vec::new(),
            breaker: CircuitBreaker::new(settings.min_retry_delay, settings.max_retry_delay),
            lag: None,
            expired_in_replay: 0,
            is_expedited: false,
            is_full: false,
            is_closed: false,
            is_gone: false,
        }
    }

    /// Returns the partition that the event is in, if its sender has to look.
    pub fn enqueue(&mut self, event: &Arc<ForwardedEvent>) -> Option<usize> {
        if !self.has_room(event) {
            return None;
        }
        let number = self.partitions.number_of(event);
        let partition = self.partitions.at(number);
        partition.push(Arc::clone(event));
        let is_news = partition.queue.len() == 1 || partition.is_full(self.profile.limits);
        is_news.then_some(number)
    }

    pub fn replay(&mut self, event: &Arc<ForwardedEvent>, now: Instant) {
        if !self.partitions.lacks(event) {
            return;
        }
        if event.accepted + self.profile.settings.max_age <= now {
            self.counts.expired += 1;
            self.expired_in_replay += 1;
        } else if self.has_room(event) {
            self.partitions.replay(event);
        }
    }

    pub fn end_replay(&mut self) {
        self.partitions.end_replay();
        let expired = std::mem::take(&mut self.expired_in_replay);
        self.warn_of_expired(expired);
    }

    fn warn_of_expired(&mut self, expired: u64) {
        let warning = (expired > 0).then_some(Warning::Expired(expired));
        self.warnings.extend(warning);
    }

    /// An event without room is dropped.
    fn has_room(&mut self, event: &ForwardedEvent) -> bool {
        if self.is_gone {
            self.counts.drop_events("disabled", 1);
            return false;
        }
        let bytes = self.partitions.queued_bytes() + event.bytes();
        let was_full = self.is_full;
        self.is_full = bytes > self.profile.settings.max_queue_bytes;
        if self.is_full {
            self.counts.drop_events("queue_full", 1);
            let warning = (!was_full).then_some(Warning::QueueFull);
            self.warnings.extend(warning);
        }
        !self.is_full
    }

    /// Decides the next step of the sender of a partition.
    pub fn poll(&mut self, partition: usize, now: Instant) -> Step {
        // Some systems know no moment before their start.
        if let Some(before) = now.checked_sub(self.profile.settings.max_age) {
            let expired = self.partitions.at(partition).expire(before) as u64;
            self.counts.expired += expired;
            self.warn_of_expired(expired);
        }
        let step = self.next_step(partition, now);
        let due = self.partitions.at(partition).throttled_until();
        match (step, due.filter(|due| *due > now)) {
            (Step::Wait(until), Some(due)) => Step::Wait(until.into_iter().chain([due]).min()),
            (Step::End, Some(due)) => Step::Wait(Some(due)),
            (step, _) => step,
        }
    }

    fn next_step(&mut self, number: usize, now: Instant) -> Step {
        if self.partitions.is_replaying() {
            return Step::Wait(None);
        }
        let limits = self.profile.limits;
        let partition = self.partitions.at(number);
        let lane = partition.lane(now);
        let Some(oldest) = partition.of(lane).0.oldest() else {
            return match self.is_closed {
                true => Step::End,
                false => Step::Wait(None),
            };
        };
        let expiry = oldest.accepted + self.profile.settings.max_age;
        if oldest.is_held() {
            return Step::Wait(Some(expiry));
        }
        let lingers_until = oldest.accepted + LINGER;
        let may_linger = limits.events > 1 && !self.is_expedited && !self.is_closed;
        let is_due = lane == Lane::Throttled
            || partition.is_full(limits)
            || self.breaker.has_failed()
            || partition.batch_size.is_limited();
        if may_linger && !is_due && lingers_until > now {
            return Step::Wait(Some(lingers_until.min(expiry)));
        }
        match self.breaker.admit(now) {
            Admission::NotBefore(until) => Step::Wait(Some(until.min(expiry))),
            Admission::AfterProbe => Step::Wait(Some(expiry)),
            Admission::Granted(permit) => Step::Send(Batch {
                partition: number,
                lane,
                permit,
                events: partition.batch(lane, limits),
            }),
        }
    }

    /// Handles the end of a request: the response, or why there is none.
    pub fn complete(&mut self, request: &Request, outcome: Result<Response, String>, now: Instant) {
        if let Some(error) = request.encode_error {
            self.warn_of_refusal(error.0);
        }
        if request.encoded.is_empty() {
            self.breaker.responded(request.batch.permit);
            self.acknowledge(request, 0);
        } else {
            self.handle_outcome(request, outcome, now);
        }
    }

    pub fn interrupted(&mut self, problem: String) {
        self.breaker.interrupted();
        self.warnings.push(Warning::Failing(problem));
    }

    fn handle_outcome(
        &mut self,
        request: &Request,
        outcome: Result<Response, String>,
        now: Instant,
    ) {
        let format = &self.profile.format;
        let (disposition, problem, retry_after) = match outcome {
            Ok(response) => (
                format.interpret(&response, request.encoded.len()),
                format!("it answered {}", response.status),
                response.retry_after.min(format.max_retry_after()),
            ),
            Err(problem) => (
                Disposition::Retry,
                foreign_text::shown(&problem),
                Duration::ZERO,
            ),
        };
        let (batch, permit) = (&request.batch, request.batch.permit);
        match disposition {
            Disposition::Delivered => {
                self.breaker.succeed();
                self.measure(request, now);
                self.acknowledge(request, 0);
                self.taken(request, now);
            }
            Disposition::Partly { refused, problem } => {
                self.breaker.succeed();
                self.measure(request, now);
                self.acknowledge(request, refused);
                self.taken(request, now);
                self.warn_of_refusal(&foreign_text::shown(&problem));
            }
            Disposition::RefusedAt { events, problem } => {
                self.breaker.responded(permit);
                self.refuse_some(request, &events);
                self.warn_of_refusal(&foreign_text::shown(&problem));
            }
            Disposition::Throttled(senders) => {
                let throttled = request.events_of(&senders, &self.profile);
                if throttled.is_empty() || retry_after > Duration::ZERO {
                    self.breaker.fail(permit, now, retry_after);
                } else {
                    self.breaker.responded(permit);
                    let partition = self.partitions.at(batch.partition);
                    partition.throttle(batch.lane, &throttled, now);
                }
                self.retry(request, &problem);
                self.warnings.push(Warning::Failing(problem));
            }
            Disposition::Retry => {
                self.breaker.fail(permit, now, retry_after);
                self.retry(request, &problem);
                self.warnings.push(Warning::Failing(problem));
            }
            Disposition::ConfigError => {
                self.breaker.fail(permit, now, retry_after);
                self.breaker.delay(now + self.profile.config_error_delay());
                let errors = &mut self.partitions.at(batch.partition).config_errors;
                *errors += 1;
                if *errors < CONFIG_ERROR_ATTEMPTS {
                    self.retry(request, &problem);
                    self.warnings.push(Warning::Failing(problem));
                } else {
                    self.refuse(request, &problem);
                }
            }
            Disposition::TooLarge | Disposition::Refused if request.encoded.len() > 1 => {
                self.breaker.responded(permit);
                let batch_size = self.partitions.at(batch.partition).of(batch.lane).1;
                match disposition {
                    Disposition::TooLarge => batch_size.shrink(batch.events.len()),
                    _ => batch_size.halve(batch.events.len()),
                }
                self.retry(request, &problem);
            }
            Disposition::TooLarge | Disposition::Refused => {
                self.breaker.responded(permit);
                self.refuse(request, &problem);
            }
            Disposition::Gone => {
                self.breaker.responded(permit);
                self.is_gone = true;
                let left = self.partitions.clear();
                self.counts.drop_events("disabled", left);
                self.remember(&problem);
                self.warnings.push(Warning::Gone);
            }
        }
    }

    /// The oldest event of a request has waited longest.
    fn measure(&mut self, request: &Request, now: Instant) {
        let oldest = request.batch.events.first();
        self.lag = oldest.map(|event| now.saturating_duration_since(event.accepted));
    }

    fn refuse(&mut self, request: &Request, problem: &str) {
        self.acknowledge(request, request.encoded.len());
        self.warn_of_refusal(problem);
    }

    /// The others are sent again.
    fn refuse_some(&mut self, request: &Request, positions: &BTreeSet<usize>) {
        let batch = &request.batch;
        let (queue, _) = self.partitions.at(batch.partition).of(batch.lane);
        let refused = positions.iter().filter_map(|at| request.encoded.get(*at));
        // Fewer than all if some have expired meanwhile.
        let refused = refused.filter(|seq| queue.remove(**seq)).count();
        self.counts.refused += refused as u64;
        self.counts.retried += (request.encoded.len() - refused) as u64;
    }

    fn taken(&mut self, request: &Request, now: Instant) {
        let batch = &request.batch;
        self.partitions.at(batch.partition).succeed(batch.lane, now);
    }

    fn warn_of_refusal(&mut self, problem: &str) {
        self.remember(problem);
        self.counts.last_refusal = self.counts.last_error.clone();
        self.warnings.push(Warning::Refused(problem.to_owned()));
    }

    /// Removes the events of a request from the queue. So many of those in the body were refused, and so
    /// were all that are not in it.
    fn acknowledge(&mut self, request: &Request, refused: usize) {
        let events = &request.batch.events;
        let Some(last) = events.last() else {
            return;
        };
        let partition = self.partitions.at(request.batch.partition);
        // Fewer than all if some have expired meanwhile.
        let (queue, batch_size) = partition.of(request.batch.lane);
        let done = queue.acknowledge(last.seq);
        // The service counts what throttled users send in a second: no larger request helps.
        if request.batch.lane == Lane::Common {
            batch_size.grow(self.profile.limits.events);
        }
        let refused = (refused + events.len() - request.encoded.len()).min(done);
        partition.config_errors = 0;
        self.counts.sent += (done - refused) as u64;
        self.counts.refused += refused as u64;
    }

    fn retry(&mut self, request: &Request, problem: &str) {
        self.counts.retried += request.encoded.len() as u64;
        self.remember(problem);
    }

    /// Keeps an error for the report. The message must not hold secrets.
    fn remember(&mut self, message: &str) {
        self.counts.last_error = Some(LastError::now(message.to_owned()));
    }

    /// Returns whether senders have to look: this shortens waits.
    pub fn expedite(&mut self, is_awaited: bool) -> bool {
        let was_awaited = std::mem::replace(&mut self.is_expedited, is_awaited);
        let is_news = is_awaited && !was_awaited;
        if is_news {
            self.breaker.expedite();
        }
        is_news
    }

    pub fn close(&mut self) {
        self.is_closed = true;
        self.partitions.end_replay();
    }

    pub fn discard(&mut self) {
        self.is_closed = true;
        self.partitions.discard();
    }

    pub fn report(&self, now: Instant) -> Report {
        let settings = &self.profile.settings;
        let oldest = self.partitions.oldest();
        Report {
            name: settings.name.clone(),
            format: settings.access.format(),
            queued: self.partitions.queued(),
            queued_bytes: self.partitions.queued_bytes() as u64,
            circuit: match self.is_gone {
                true => CircuitState::Disabled,
                false => self.breaker.state(),
            },
            oldest_waiting: oldest.map(|accepted| now.saturating_duration_since(accepted)),
            lag: self.lag,
            counts: self.counts.clone(),
        }
    }
}
