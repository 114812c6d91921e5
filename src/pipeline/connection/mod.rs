//! The database that is written to: it is found, opened, prepared, switched when the host switches, and
//! closed.
//!
//! A host may connect its mongoose to another database while records are on their way. Records that were
//! accepted before are written to the old one for a moment; those for which the moment is too short go to
//! the new one, as mongoose does with the operations that it has buffered. No record that is tracked
//! after the new settings can be read is ever written to the old database.
//!
//! Totals wait for one unique index, on a small collection. The other indexes may take minutes on a big
//! one, and nothing but `stop()` waits for them. Where the unique index cannot be made, totals wait until
//! the operator has removed the cause; events and sessions go on.

mod preparation;
mod search;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::messages;
use super::task::{Failed, Tasks, attempt, run_to_end};
use crate::config::Collection;
use crate::instance::listener::{Level, Message};
use crate::instance::shared::Shared;
use crate::store::{Connection, Fault, Prepared, Result, Store, StoreError};
use crate::util::backoff::Backoff;
use preparation::Preparation;
pub use search::{NothingFound, Outlook, remark_on};
use search::{Search, tell_failure};

/// How long the old database is written to after the host has switched; half of the shortest time limit
/// of a caller, if that is less.
const SWITCH_GRACE: Duration = Duration::from_secs(2);
/// The same at the end of the process.
const SWITCH_GRACE_AT_EXIT: Duration = Duration::from_millis(300);
/// A store whose connections are useless is replaced at most this often.
const RENEW_EVERY: Duration = Duration::from_secs(1);

/// Makes a store from a connection.
pub type Opener<S> =
    Arc<dyn Fn(Connection) -> Pin<Box<dyn Future<Output = Result<S>> + Send>> + Send + Sync>;

type Lines = Vec<(Level, String)>;

/// The host has switched the database.
struct Switch {
    to: Connection,
    /// The last record that was accepted before.
    last: i64,
    until: Instant,
}

/// The result of a task.
pub enum DatabaseResult<S> {
    Opened(Result<S>),
    Prepared(Result<Prepared>),
    Indexed(Result<Lines>),
}

enum State<S> {
    Closed,
    Opening,
    Open(Arc<S>),
}

pub struct Database<S> {
    shared: Arc<Shared>,
    opener: Opener<S>,
    search: Search,
    state: State<S>,
    backoff: Backoff,
    renewed_at: Option<Instant>,
    switch: Option<Switch>,
    preparation: Preparation,
    indexing: Preparation,
    tasks: Tasks<DatabaseResult<S>>,
}

impl<S: Store> Database<S> {
    pub fn new(shared: &Arc<Shared>, opener: Opener<S>) -> Self {
        let random = &shared.context.random;
        Self {
            search: Search::new(shared),
            state: State::Closed,
            backoff: Backoff::new(random),
            renewed_at: None,
            switch: None,
            preparation: Preparation::new(random),
            indexing: Preparation::new(random),
            tasks: Tasks::new(),
            shared: Arc::clone(shared),
            opener,
        }
    }

    pub fn store(&self) -> Option<&Arc<S>> {
        match &self.state {
            State::Open(store) => Some(store),
            _ => None,
        }
    }

    pub fn connection(&self) -> Option<&Connection> {
        self.search.found()
    }

    /// Whether totals may be added.
    pub fn is_prepared(&self) -> bool {
        self.preparation.is_done()
    }

    pub fn is_preparing(&self) -> bool {
        self.preparation.is_under_way()
    }

    pub fn is_indexing(&self) -> bool {
        self.indexing.is_under_way()
    }

    /// Whether nothing is under way but the making of indexes.
    pub fn is_idle(&self) -> bool {
        !matches!(self.state, State::Opening) && !self.is_preparing()
    }

    /// Asks the host for a connection, or opens the one that is known.
    pub fn poll_open(&mut self, now: Instant) {
        if !matches!(self.state, State::Closed) {
            return;
        }
        let Some(connection) = self.search.found() else {
            return self.search.poll(now);
        };
        if self.backoff.is_over(now) {
            let opening = attempt((self.opener)(connection.clone()));
            self.tasks
                .spawn(async { DatabaseResult::Opened(opening.await) });
            self.state = State::Opening;
        }
    }

    /// Begins to prepare the open database for totals, and to make its indexes.
    pub fn poll_prepare(&mut self, store: &Arc<S>, now: Instant) {
        if self.preparation.begin(now) {
            let store = Arc::clone(store);
            let preparing = attempt(async move { store.prepare().await });
            self.tasks
                .spawn(async { DatabaseResult::Prepared(preparing.await) });
        }
        if self.indexing.begin(now) {
            let store = Arc::clone(store);
            let indexing = run_to_end(async move { store.create_indexes().await });
            self.tasks
                .spawn(async { DatabaseResult::Indexed(indexing.await) });
        }
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> DatabaseResult<S> {
        self.tasks.next().await
    }

    pub fn handle(&mut self, result: DatabaseResult<S>, now: Instant) {
        match result {
            DatabaseResult::Opened(Ok(store)) => {
                self.backoff.succeed();
                self.state = State::Open(Arc::new(store));
            }
            DatabaseResult::Opened(Err(error)) => {
                tell_failure(&error, &self.shared.log);
                self.shared.health.error(error.message);
                self.backoff.fail(now);
                self.state = State::Closed;
            }
            DatabaseResult::Prepared(Ok(Prepared::Ready(lines))) => self.ready(lines),
            DatabaseResult::Prepared(Ok(Prepared::Blocked(why))) => self.blocked(why, now),
            DatabaseResult::Prepared(Err(error)) => {
                match error.fault {
                    Fault::Collection => self.refused(Collection::Daily, &error),
                    Fault::Moment | Fault::Content | Fault::Unknown => {
                        let log = &self.shared.log;
                        log.warn_once("outage", || messages::cannot_write(&error.message));
                    }
                }
                self.shared.health.error(error.message);
                self.preparation.fail(now);
            }
            DatabaseResult::Indexed(Ok(lines)) => {
                self.indexing.succeed();
                self.log(lines);
            }
            DatabaseResult::Indexed(Err(error)) => {
                self.shared.health.error(error.message);
                self.indexing.fail(now);
            }
        }
    }

    fn ready(&mut self, lines: Lines) {
        self.preparation.succeed();
        self.shared.accepted(Collection::Daily);
        self.log(lines);
        let blocked = self.shared.database.change(|database| {
            database.connected = true;
            database.blocked.take()
        });
        if blocked.is_some() {
            self.shared.log.info(messages::TOTALS_UNBLOCKED);
        }
    }

    fn blocked(&mut self, why: String, now: Instant) {
        self.preparation.block(now);
        self.shared
            .log
            .warn_once("blocked", || messages::totals_blocked(&why));
        self.shared.health.error(why.clone());
        self.shared.database.change(|database| {
            database.connected = true;
            database.blocked = Some(why);
        });
    }

    fn log(&self, lines: Lines) {
        for (level, line) in lines {
            self.shared.log.line(level, line);
        }
    }

    /// Counts and logs a write that is to be retried; a store whose connections are useless is replaced.
    pub fn write_failed(&mut self, failed: Failed, now: Instant) {
        let Failed { error, records } = failed;
        if error.is_unauthenticated() {
            self.renew(now);
        }
        let message = error.message.clone();
        match (error.fault, error.collection) {
            (Fault::Moment, _) | (_, None) => {
                self.shared.database.change(|db| db.connected = false);
                self.shared
                    .log
                    .warn_once("outage", || messages::cannot_write(&message));
            }
            (Fault::Collection, Some(collection)) => self.refused(collection, &error),
            // An addition has no content that could be dropped.
            (_, Some(collection @ (Collection::Daily | Collection::Uniques))) => {
                self.refused(collection, &error);
            }
            // The batch is split, until what is refused stands alone.
            (Fault::Content | Fault::Unknown, Some(_)) => {}
        }
        self.shared
            .health
            .count(|counts| counts.retried += records as u64);
        self.shared.health.error(message);
    }

    fn refused(&self, collection: Collection, error: &StoreError) {
        let privilege = error.missing_privilege.clone();
        self.shared.database.change(|database| {
            database.refuse(collection, error.code, privilege, error.message.clone());
        });
        let reason = format!("refused:{}", collection.key());
        let name = self.shared.config.collections.name(collection);
        self.shared.log.warn_once(&reason, || {
            messages::collection_refuses(name, collection, error)
        });
    }

    /// Gives up a store whose connections are useless, unless that was done just now: requests that were
    /// under way on the one before may still report it.
    fn renew(&mut self, now: Instant) {
        let is_renewed = self.renewed_at.is_some_and(|at| now < at + RENEW_EVERY);
        if is_renewed || self.store().is_none() {
            return;
        }
        if let Some(store) = self.give_up() {
            self.renewed_at = Some(now);
            self.backoff.fail(now);
            tokio::spawn(async move { store.close().await });
        }
    }

    /// The next store is opened when it is needed; one that is being opened is not waited for.
    fn give_up(&mut self) -> Option<Arc<S>> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(store) => Some(store),
            _ => None,
        }
    }

    /// The host has a connection.
    pub fn connect(&mut self, connection: Connection) {
        self.search.offer(connection);
    }

    /// The host has no connection.
    pub fn nothing_found(&mut self, found: NothingFound) {
        self.search.nothing_found(found, Instant::now());
    }

    /// Whether a database is known, now that the host cannot be asked any more.
    pub fn is_known_at_last(&mut self) -> bool {
        self.nothing_found(NothingFound {
            outlook: Outlook::NoTime,
            other: None,
        });
        self.connection().is_some()
    }

    /// `anew` when the host has left its connection, and is to be asked for another.
    pub fn start(&mut self, anew: bool) {
        if anew && self.shared.config.uri.is_none() && self.store().is_none() {
            self.search.forget();
            self.leave();
        }
        if self.connection().is_some() {
            self.shared.deliver(Message::ConnectionKnown);
        }
    }

    /// The host has switched to another database; `last` is the newest record. If it switches again before
    /// the old one is left, records in between go to the newest.
    pub fn switch(&mut self, to: Connection, last: i64) {
        let config = &self.shared.config;
        let grace = SWITCH_GRACE
            .min(config.ack_timeout / 2)
            .min(config.operation_timeout / 2)
            .min(config.shutdown_timeout / 2);
        let until = Instant::now() + grace;
        let before = self.switch.take().map(|before| (before.last, before.until));
        let (last, until) = before.unwrap_or((last, until));
        self.switch = Some(Switch { to, last, until });
    }

    pub fn is_switching(&self) -> bool {
        self.switch.is_some()
    }

    /// The newest record that may be written to the open database.
    pub fn last_record(&self) -> i64 {
        self.switch.as_ref().map_or(i64::MAX, |switch| switch.last)
    }

    /// Whether the old database is to be left now.
    pub fn is_switch_due(&mut self, committed: i64, is_exit: bool, now: Instant) -> bool {
        let Some(switch) = &mut self.switch else {
            return false;
        };
        if is_exit {
            switch.until = switch.until.min(now + SWITCH_GRACE_AT_EXIT);
        }
        committed >= switch.last || now >= switch.until
    }

    /// Uses the database that the host has switched to. The old one has been left.
    pub fn complete_switch(&mut self) {
        if let Some(switch) = self.switch.take() {
            self.search.replace(switch.to);
            self.backoff.succeed();
        }
    }

    /// Closes the store. Requests that are under way there run to their end, and their results are ignored:
    /// every write can be repeated. Knowledge of this database may be wrong for the next.
    pub fn leave(&mut self) {
        let random = &self.shared.context.random;
        self.tasks.detach();
        self.preparation = Preparation::new(random);
        self.indexing = Preparation::new(random);
        self.shared.database.change(std::mem::take);
        if let Some(store) = self.give_up() {
            tokio::spawn(async move { store.close().await });
        }
    }

    /// Closes the store at the end of the worker.
    pub async fn close(mut self) {
        self.tasks.detach();
        if let Some(store) = self.give_up() {
            store.close().await;
        }
    }

    /// When a retry is due, or the end of a switch.
    pub fn wake_at(&self, needs_store: bool, now: Instant) -> Option<Instant> {
        let switch = self.switch.as_ref().map(|switch| switch.until);
        let open = self.search.wake_at().or(self.backoff.until());
        let [prepare, index] = [&self.preparation, &self.indexing].map(Preparation::retry_at);
        let steps = match self.state {
            State::Closed => [open.filter(|_| needs_store), None],
            State::Opening => [None, None],
            State::Open(_) => [prepare, index],
        };
        let wakes = steps
            .into_iter()
            .chain([switch.filter(|until| *until > now)]);
        wakes.flatten().min()
    }
}
