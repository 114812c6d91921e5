//! Serves requests: waits until what came before them is settled, reads, keeps their time limits.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bson::RawDocumentBuf;
use bson::raw::{RawArrayBuf, cstr};
use tokio::time::Instant;

use super::messages;
use super::metrics::{self, Reading};
use super::operations::{Kind, Operation, Phase, Request};
use super::preparation::Preparation;
use super::spooling::Spooling;
use super::worker::{Outcome, Worker};
use crate::instance::error::Error;
use crate::instance::listener::{Level, Message};
use crate::store::{Result, Store};

/// Daily documents that `getLast30Days()` returns.
const NEWEST_DAYS: u32 = 30;
/// Before a read that failed is repeated.
const READ_AGAIN: Duration = Duration::from_millis(200);

/// How long `stop()` waits for indexes: those of a new database are there by then, and the server goes
/// on with those that take longer.
const INDEX_WAIT: Duration = Duration::from_secs(3);

/// What a read brought back, and for whom.
pub(super) struct Answer {
    requests: Vec<u32>,
    found: Result<Found>,
}

enum Found {
    Metrics(Reading),
    Days(Vec<RawDocumentBuf>),
}

impl<S: Store> Worker<S> {
    pub(super) fn accept_request(&mut self, request: u32, what: &Request) {
        let config = &self.shared.config;
        let limit = match what {
            Request::Stop => config.shutdown_timeout,
            _ => config.operation_timeout,
        };
        if *what == Request::Stop {
            self.started = false;
            self.stopping = true;
        }
        self.operations.push(Operation {
            request,
            kind: what.kind(),
            target: self.intake.last_seq(),
            deadline: Instant::now() + limit,
            limit,
            phase: Phase::Waiting,
        });
    }

    /// Whether totals that are ready should be added without waiting for their interval.
    pub(super) fn somebody_waits(&self) -> bool {
        let waits = |op: &Operation| op.phase == Phase::Waiting && op.kind != Kind::Last30Days;
        self.operations.iter().any(waits)
    }

    pub(super) fn is_stop_awaited(&self) -> bool {
        self.operations.iter().any(|op| op.kind == Kind::Stop)
    }

    /// Answers who has what he waits for, and whose time is over.
    pub(super) fn finish_operations(&mut self, now: Instant) {
        let mut open = Vec::new();
        for operation in std::mem::take(&mut self.operations) {
            if self.is_through(&operation, now) {
                self.done(operation.request, None);
            } else if operation.deadline <= now {
                self.time_is_over(&operation);
            } else {
                open.push(operation);
            }
        }
        self.operations = open;
    }

    fn is_through(&self, operation: &Operation, now: Instant) -> bool {
        match operation.kind {
            Kind::Flush => self.is_settled(operation.target),
            Kind::Stop => {
                self.is_settled(operation.target)
                    && self.delivery.destinations().queued() == 0
                    // A start after it goes on with what is on disk.
                    && (!self.stopping || self.spool.as_ref().is_none_or(Spooling::is_empty))
                    // Else the store could not be closed, and a start after it would find it open.
                    && !matches!(self.preparation, Preparation::UnderWay(_))
                    && !(self.indexing.is_under_way() && now < operation.begun() + INDEX_WAIT)
            }
            Kind::Metrics(_) | Kind::Last30Days => false,
        }
    }

    fn time_is_over(&self, operation: &Operation) {
        if operation.kind == Kind::Stop {
            let left = self.shared.gauges();
            let unforwarded = self.delivery.destinations().queued();
            let is_behind = |spool: &Spooling| spool.cursors.is_any_behind();
            let is_on_disk = self.spool.as_ref().is_some_and(is_behind);
            if left.queued > 0 || unforwarded > 0 || is_on_disk {
                let text = messages::left_at_stop(left.queued, unforwarded, self.shared.spool());
                self.shared.log(Level::Warn, text);
            }
            return self.done(operation.request, None);
        }
        let error = operation.timeout(self.cause(operation), self.waits_for_history(operation));
        self.fail(operation.request, error);
    }

    /// What may have kept it from being finished.
    fn cause(&self, operation: &Operation) -> Option<String> {
        if self.link.store().is_none() {
            return Some(messages::NOT_CONNECTED.to_owned());
        }
        let begun = operation.begun().into_std();
        let blocked = self.shared.blocked();
        blocked.or_else(|| self.shared.health.error_since(begun))
    }

    fn waits_for_history(&self, operation: &Operation) -> bool {
        matches!(&operation.kind, Kind::Metrics(today) if !self.history.covers(today))
            && self.is_settled(operation.target)
            && (self.history.is_under_way() || self.shared.gauges().connected)
    }

    /// Starts the reads that may begin now; calls for the same day share one.
    pub(super) fn start_reads(&mut self, store: &Arc<S>, now: Instant) {
        while let Some(kind) = self.next_read(now) {
            let mut requests = Vec::new();
            for place in 0..self.operations.len() {
                if self.operations[place].kind == kind
                    && self.may_read(&self.operations[place], now)
                {
                    self.operations[place].phase = Phase::Reading;
                    requests.push(self.operations[place].request);
                }
            }
            let (store, baselines) = (Arc::clone(store), Arc::clone(&self.baselines));
            self.tasks.spawn(async move {
                let store = store.as_ref();
                let found = match &kind {
                    Kind::Metrics(today) => metrics::read(store, &baselines, today)
                        .await
                        .map(Found::Metrics),
                    _ => store.newest_days(NEWEST_DAYS).await.map(Found::Days),
                };
                Outcome::Read(Answer { requests, found })
            });
        }
    }

    fn next_read(&self, now: Instant) -> Option<Kind> {
        let operation = self.operations.iter().find(|op| self.may_read(op, now))?;
        Some(operation.kind.clone())
    }

    fn may_read(&self, operation: &Operation, now: Instant) -> bool {
        let is_ready = match &operation.kind {
            Kind::Metrics(today) => self.is_settled(operation.target) && self.history.covers(today),
            Kind::Last30Days => true,
            Kind::Flush | Kind::Stop => false,
        };
        is_ready
            && match operation.phase {
                Phase::Waiting => true,
                Phase::Reading => false,
                Phase::Again(at) => at <= now,
            }
    }

    pub(super) fn answered(&mut self, answer: Answer, now: Instant) {
        let result = match answer.found {
            Ok(found) => self.document(&found),
            Err(error) if error.transient => {
                self.shared.health.error(error.message);
                return self.read_again(&answer.requests, now + READ_AGAIN);
            }
            Err(error) => {
                self.shared.health.error(error.message.clone());
                let message = error.message;
                for request in self.take_operations(&answer.requests) {
                    let message = message.clone();
                    self.fail(request, Error::Database { message });
                }
                return;
            }
        };
        for request in self.take_operations(&answer.requests) {
            self.done(request, Some(result.as_bytes().to_vec()));
        }
    }

    fn document(&self, found: &Found) -> RawDocumentBuf {
        match found {
            Found::Metrics(reading) => reading.document(self.intake.active.len()),
            Found::Days(days) => {
                let mut list = RawArrayBuf::new();
                days.iter().for_each(|day| list.push(day));
                let mut document = RawDocumentBuf::new();
                document.append(cstr!("days"), &list);
                document
            }
        }
    }

    fn read_again(&mut self, requests: &[u32], at: Instant) {
        for operation in &mut self.operations {
            if requests.contains(&operation.request) {
                operation.phase = Phase::Again(at);
            }
        }
    }

    /// Reads that are under way will not be told of.
    pub(super) fn repeat_reads(&mut self) {
        for operation in &mut self.operations {
            if operation.phase == Phase::Reading {
                operation.phase = Phase::Waiting;
            }
        }
    }

    /// Of these requests those that are still open, which they are no longer.
    fn take_operations(&mut self, requests: &[u32]) -> Vec<u32> {
        let requests: HashSet<&u32> = requests.iter().collect();
        let taken = self
            .operations
            .extract_if(.., |op| requests.contains(&op.request));
        taken.map(|op| op.request).collect()
    }

    fn done(&self, request: u32, result: Option<Vec<u8>>) {
        self.shared.deliver(Message::Done { request, result });
    }

    pub(super) fn fail(&self, request: u32, error: Error) {
        self.shared.deliver(Message::Failed { request, error });
    }

    /// When a request is due for something.
    pub(super) fn next_operation(&self, now: Instant) -> Option<Instant> {
        let due = |op: &Operation| match op.phase {
            Phase::Again(at) => at.min(op.deadline),
            Phase::Waiting if op.kind == Kind::Stop && now < op.begun() + INDEX_WAIT => {
                op.deadline.min(op.begun() + INDEX_WAIT)
            }
            Phase::Waiting | Phase::Reading => op.deadline,
        };
        self.operations.iter().map(due).min()
    }
}
