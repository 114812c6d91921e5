//! Requests of the host: each waits until the records before it are committed, reads if it has to, and is
//! answered within its time limit.

mod access;
mod concurrency;
mod game;
mod metrics;
mod operation;
mod personal;
mod reading;
mod stored;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bson::RawDocumentBuf;
use tokio::time::Instant;

use super::legacy::{Legacy, Refused};
use super::messages;
use super::task::{Tasks, run_to_end};
use crate::instance::error::Error;
use crate::instance::listener::Message;
use crate::instance::shared::Shared;
use crate::record::day::Day;
use crate::reports::{Access, Answers, Settings};
use crate::store::{Result, Store, StoreError};
use access::access;
pub use operation::Request;
use operation::{Operation, Phase, Turn};
use reading::Reading;

/// Before a read that failed is retried.
const READ_AGAIN: Duration = Duration::from_millis(200);

/// How long `stop()` waits for indexes: those of a new database are there by then, and the server goes
/// on with those that take longer.
const INDEX_WAIT: Duration = Duration::from_secs(3);

/// How long `stop()` waits for the last sample of presence.
const PRESENCE_WAIT: Duration = Duration::from_secs(1);

/// How long a scrape waits for the figures of the game: a scraper waits for 10 s as a rule.
const SCRAPE_WAIT: Duration = Duration::from_secs(3);

/// The result of a read, and the requests that it is for.
pub struct Answer {
    read: UnderWay,
    ids: Vec<u32>,
    /// `None` while what is read is being made.
    found: Result<Option<RawDocumentBuf>>,
}

impl Answer {
    pub fn error(&self) -> Option<&StoreError> {
        self.found.as_ref().err()
    }
}

/// A read that was begun, whether or not somebody still waits for it. Until it ends, or its time is over, an equal one
/// waits, so that callers who give up and come again do not pile up reads. At that time the database ends what it
/// does for reports and funnels, and goes on with the rest, which is a few documents as a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UnderWay {
    request: Request,
    until: Instant,
}

/// The state of the other modules that requests wait for.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Every record up to this one is committed.
    pub committed: i64,
    pub unforwarded: u64,
    pub has_store: bool,
    pub is_preparing: bool,
    pub is_indexing: bool,
    /// Nothing called `start()` after the `stop()` that waits.
    pub is_stopping: bool,
    /// What is stored may say that this instance is here.
    pub is_present: bool,
    pub is_spool_empty: bool,
    /// Records wait on disk only.
    pub is_spilled: bool,
}

pub struct Requests {
    shared: Arc<Shared>,
    open: Vec<Operation>,
    under_way: Vec<UnderWay>,
    settings: Arc<Settings>,
    answers: Arc<Answers>,
    tasks: Tasks<Answer>,
}

impl Requests {
    pub fn new(shared: &Arc<Shared>, settings: &Arc<Settings>) -> Self {
        Self {
            shared: Arc::clone(shared),
            open: Vec::new(),
            under_way: Vec::new(),
            settings: Arc::clone(settings),
            answers: answers(shared, settings),
            tasks: Tasks::new(),
        }
    }

    /// Takes a request that waits for every record up to `target`.
    pub fn accept(&mut self, id: u32, request: Request, target: i64) {
        if let Request::Report(query) = &request
            && access(&self.shared) == Access::None
        {
            let operation = query.name();
            return self.fail(id, Error::ReportsOff { operation });
        }
        let config = &self.shared.config;
        let limit = match request {
            Request::Stop => config.shutdown_timeout,
            Request::Game { .. } if !config.is_reader => config.operation_timeout.min(SCRAPE_WAIT),
            _ => config.operation_timeout,
        };
        self.open.push(Operation {
            id,
            request,
            target,
            deadline: Instant::now() + limit,
            limit,
            phase: Phase::Waiting,
            turn: Turn::Free,
            is_building: false,
        });
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether totals that are ready should be added without waiting for their interval.
    pub fn wait_for_totals(&self) -> bool {
        let waits =
            |op: &Operation| op.phase == Phase::Waiting && !op.request.reads_what_is_there();
        self.open.iter().any(waits)
    }

    pub fn wait_for_stop(&self) -> bool {
        self.open.iter().any(|op| op.request == Request::Stop)
    }

    /// The days whose month somebody asks for.
    pub fn metrics_days(&self) -> impl Iterator<Item = Day> {
        self.open.iter().filter_map(|op| match &op.request {
            Request::Metrics(today) => Some(today.clone()),
            _ => None,
        })
    }

    /// The users who are being erased.
    pub fn erased_users(&self) -> impl Iterator<Item = &str> {
        self.open.iter().filter_map(|op| match &op.request {
            Request::Erase { user, .. } => Some(user.id.as_str()),
            _ => None,
        })
    }

    /// Answers requests that are complete, and those whose time is over.
    pub fn poll(&mut self, progress: Progress, legacy: &Legacy, now: Instant) {
        let mut open = Vec::new();
        for operation in std::mem::take(&mut self.open) {
            if is_complete(&operation, progress, now) {
                self.succeed(operation.id, None);
            } else if operation.ends_at().is_some_and(|end| end <= now) {
                self.time_out(&operation, progress, legacy);
            } else {
                open.push(operation);
            }
        }
        self.open = open;
    }

    fn time_out(&self, operation: &Operation, progress: Progress, legacy: &Legacy) {
        if operation.request == Request::Stop {
            self.warn_of_unfinished(progress);
            return self.succeed(operation.id, None);
        }
        let waits_for_legacy = || {
            matches!(&operation.request, Request::Metrics(today) if !legacy.covers(today))
                && progress.committed >= operation.target
                && (legacy.is_building() || self.shared.database.get().connected)
        };
        let cause = self.cause(operation, progress);
        let is_building = operation.is_building || waits_for_legacy();
        self.fail(operation.id, operation.timeout(cause, is_building));
    }

    fn warn_of_unfinished(&self, progress: Progress) {
        let (queued, unforwarded) = (self.shared.health.queued(), progress.unforwarded);
        if queued > 0 || unforwarded > 0 || progress.is_spilled {
            let text = messages::unfinished_stop(queued, unforwarded, self.shared.spool.get());
            self.shared.log.warn(text);
        }
    }

    /// A problem that may have kept an operation from being completed.
    fn cause(&self, operation: &Operation, progress: Progress) -> Option<String> {
        if !progress.has_store {
            return Some(messages::NOT_CONNECTED.to_owned());
        }
        let begun = operation.begun().into_std();
        let blocked = self.shared.database.get().blocked;
        blocked.or_else(|| self.shared.health.error_since(begun))
    }

    /// Starts the reads that may begin now. Equal requests share one: at most one is under way and one waits, which
    /// finds what was stored since, with a time of its own.
    pub fn poll_reads<S: Store>(
        &mut self,
        store: &Arc<S>,
        committed: i64,
        legacy: &Legacy,
        now: Instant,
    ) {
        self.under_way.retain(|read| read.until > now);
        let may_read = |op: &Operation| may_read(op, committed, legacy, now);
        let is_free = |op: &Operation, under_way: &[UnderWay]| {
            under_way.iter().all(|read| read.request != op.request)
        };
        for operation in &mut self.open {
            if may_read(operation) && !is_free(operation, &self.under_way) {
                operation.wait_behind();
            }
        }
        let is_next =
            |op: &Operation, under_way: &[UnderWay]| may_read(op) && is_free(op, under_way);
        while let Some(next) = self.open.iter().find(|op| is_next(op, &self.under_way)) {
            let request = next.request.clone();
            let (mut ids, mut until) = (Vec::new(), now);
            for operation in &mut self.open {
                if operation.request == request && may_read(operation) {
                    operation.begin_read(now);
                    until = until.max(operation.deadline);
                    ids.push(operation.id);
                }
            }
            let read = UnderWay { request, until };
            self.under_way.push(read.clone());
            let reading = Reading {
                store: Arc::clone(store),
                shared: Arc::clone(&self.shared),
                baselines: Arc::clone(legacy.baselines()),
                answers: Arc::clone(&self.answers),
                until,
            };
            let request = read.request.clone();
            let found = run_to_end("read", async move { reading.answer(&request).await });
            self.tasks.spawn(async move {
                let found = found.await;
                Answer { read, ids, found }
            });
        }
    }

    /// Resolves with the next answer. Cancel-safe.
    pub async fn next(&mut self) -> Answer {
        self.tasks.next().await
    }

    pub fn handle(&mut self, answer: Answer, now: Instant) {
        self.under_way.retain(|read| *read != answer.read);
        let document = match answer.found {
            Ok(Some(document)) => document,
            Ok(None) => return self.read_again(&answer.ids, now + READ_AGAIN, true),
            Err(error) => {
                self.shared.health.error(error.message.clone());
                if error.may_succeed_later() {
                    return self.read_again(&answer.ids, now + READ_AGAIN, false);
                }
                return self.fail_all(&answer.ids, &error.message);
            }
        };
        for id in self.take(&answer.ids) {
            self.succeed(id, Some(document.as_bytes().to_vec()));
        }
    }

    /// The month of a day may be one that cannot be summed up.
    pub fn refuse_metrics(&mut self, refused: Option<Refused>) {
        let Some(refused) = refused else {
            return;
        };
        let request = Request::Metrics(refused.today);
        let waiting = self.open.iter().filter(|op| op.request == request);
        let ids: Vec<u32> = waiting.map(|op| op.id).collect();
        self.fail_all(&ids, &refused.message);
    }

    fn fail_all(&mut self, ids: &[u32], message: &str) {
        for id in self.take(ids) {
            let message = message.to_owned();
            self.fail(id, Error::Database { message });
        }
    }

    fn read_again(&mut self, ids: &[u32], at: Instant, is_building: bool) {
        for operation in &mut self.open {
            if ids.contains(&operation.id) {
                operation.phase = Phase::Again(at);
                operation.is_building = is_building;
            }
        }
    }

    /// The database is left: reads that are under way there are repeated in the next one.
    pub fn leave_database(&mut self) {
        self.tasks.detach();
        self.under_way.clear();
        self.answers = answers(&self.shared, &self.settings);
        for operation in &mut self.open {
            if operation.phase == Phase::Reading {
                operation.phase = Phase::Waiting;
            }
        }
    }

    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Those of these requests that are still open, which they are no longer.
    fn take(&mut self, ids: &[u32]) -> Vec<u32> {
        let ids: HashSet<&u32> = ids.iter().collect();
        let taken = self.open.extract_if(.., |op| ids.contains(&op.id));
        taken.map(|op| op.id).collect()
    }

    fn succeed(&self, request: u32, result: Option<Vec<u8>>) {
        self.shared.deliver(Message::Done { request, result });
    }

    fn fail(&self, request: u32, error: Error) {
        self.shared.deliver(Message::Failed { request, error });
    }

    /// When a request is due for something.
    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        let due = |op: &Operation| match op.phase {
            Phase::Again(at) => Some(at.min(op.deadline)),
            Phase::Waiting if op.request == Request::Stop => {
                let waits = [PRESENCE_WAIT, INDEX_WAIT].map(|wait| op.begun() + wait);
                let next = waits.into_iter().find(|end| now < *end);
                Some(next.map_or(op.deadline, |end| op.deadline.min(end)))
            }
            Phase::Waiting | Phase::Reading => op.ends_at(),
        };
        let under_way = self.under_way.iter().map(|read| read.until);
        let until = under_way.filter(|until| *until > now);
        self.open.iter().filter_map(due).chain(until).min()
    }
}

/// None of them knows what another database holds.
fn answers(shared: &Shared, settings: &Arc<Settings>) -> Arc<Answers> {
    let owner = format!("{}:answers", shared.incarnation.get());
    Arc::new(Answers::new(settings, owner))
}

fn is_complete(operation: &Operation, progress: Progress, now: Instant) -> bool {
    let is_committed = progress.committed >= operation.target;
    match operation.request {
        Request::Flush => is_committed,
        Request::Stop => {
            is_committed
                && progress.unforwarded == 0
                // A start after it goes on with the records on disk.
                && (!progress.is_stopping || progress.is_spool_empty)
                // Else the store could not be closed, and a start after it would find it open.
                && !progress.is_preparing
                && !(progress.is_indexing && now < operation.begun() + INDEX_WAIT)
                && !(progress.is_stopping
                    && progress.is_present
                    && now < operation.begun() + PRESENCE_WAIT)
        }
        _ => false,
    }
}

fn may_read(operation: &Operation, committed: i64, legacy: &Legacy, now: Instant) -> bool {
    let is_ready = match &operation.request {
        Request::Metrics(today) => committed >= operation.target && legacy.covers(today),
        Request::PersonalIds(_) | Request::Erase { .. } => committed >= operation.target,
        Request::Flush | Request::Stop => false,
        reading => reading.reads_what_is_there(),
    };
    is_ready
        && match operation.phase {
            Phase::Waiting => true,
            Phase::Reading => false,
            Phase::Again(at) => at <= now,
        }
}
