//! The database that is written to: it is found, opened, prepared, switched when the host switches, and
//! closed.
//!
//! A host may connect its mongoose to another database while records are on their way. Records that were
//! accepted before are written to the old one for a moment; those for which the moment is too short go to
//! the new one, as mongoose does with the operations that it has buffered. No record that is tracked
//! after the new settings can be read is ever written to the old database.
//!
//! `upkeep` prepares the open one for totals, and sees to it that it stays prepared.

mod facts;
mod preparation;
mod search;
mod switch;
mod upkeep;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::messages;
use super::refusal::refused;
use super::task::{Failed, Tasks, attempt};
use crate::config::Collection;
use crate::instance::listener::Message;
use crate::instance::shared::Shared;
use crate::store::{Connection, Fault, Result, Store, StoreError};
use crate::util::backoff::Backoff;
use crate::util::panics::catch_in;
pub use search::{NothingFound, Outlook, remark_on};
use search::{Search, tell_failure};
use switch::Switch;
pub use upkeep::Upkeep;
use upkeep::UpkeepResult;

/// A store whose connections are useless is replaced at most this often.
const RENEW_EVERY: Duration = Duration::from_secs(1);

/// Makes a store from a connection.
pub type Opener<S> =
    Arc<dyn Fn(Connection) -> Pin<Box<dyn Future<Output = Result<S>> + Send>> + Send + Sync>;

/// The result of a task.
pub enum DatabaseResult<S> {
    Opened(Result<S>),
    Upkeep(UpkeepResult),
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
    pub upkeep: Upkeep,
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
            upkeep: Upkeep::new(shared),
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

    /// Whether nothing is under way but the making of indexes.
    pub fn is_idle(&self) -> bool {
        !matches!(self.state, State::Opening) && self.upkeep.is_idle()
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

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> DatabaseResult<S> {
        tokio::select! {
            result = self.tasks.next() => result,
            result = self.upkeep.next() => DatabaseResult::Upkeep(result),
        }
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
            DatabaseResult::Upkeep(result) => {
                self.failed(result.error(), now);
                self.upkeep.handle(result, now);
            }
        }
    }

    /// Counts and logs a write that is to be retried.
    pub fn write_failed(&mut self, failed: Failed, now: Instant) {
        let Failed { error, records } = failed;
        self.failed(Some(&error), now);
        let message = error.message.clone();
        match (error.fault, error.collection) {
            (Fault::Moment | Fault::Connection, _) | (_, None) => {
                let is_answer = error.is_answer();
                self.shared.database.change(|db| db.connected = is_answer);
                self.shared
                    .log
                    .warn_once("outage", || messages::cannot_write(&message));
            }
            (Fault::Collection, Some(collection)) => refused(&self.shared, collection, &error),
            // An addition has no content that could be dropped.
            (_, Some(collection @ (Collection::Daily | Collection::Uniques))) => {
                refused(&self.shared, collection, &error);
            }
            // The batch is split, until what is refused stands alone.
            (Fault::Content | Fault::Unknown, Some(_)) => {}
        }
        self.shared
            .health
            .count(|counts| counts.retried += records as u64);
        self.shared.health.error(message);
    }

    /// A request of this instance may have failed. Connections whose user was dropped stay useless when the user is
    /// made again: the store is given up, unless that was done just now, and requests that were under way report it.
    pub fn failed(&mut self, error: Option<&StoreError>, now: Instant) {
        let is_useless = error.is_some_and(StoreError::is_unauthenticated);
        let is_renewed = self.renewed_at.is_some_and(|at| now < at + RENEW_EVERY);
        if !is_useless || is_renewed || self.store().is_none() {
            return;
        }
        if let Some(store) = self.give_up() {
            self.renewed_at = Some(now);
            self.backoff.fail(now);
            close(store);
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

    /// The host has switched to another database; `last` is the newest record.
    pub fn switch(&mut self, to: Connection, last: i64) {
        let before = self.switch.take();
        self.switch = Some(Switch::new(to, last, before, &self.shared.config));
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
        let switch = self.switch.as_mut();
        switch.is_some_and(|switch| switch.is_due(committed, is_exit, now))
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
        self.tasks.detach();
        self.upkeep.close();
        self.upkeep = Upkeep::new(&self.shared);
        self.shared.database.change(std::mem::take);
        if let Some(store) = self.give_up() {
            close(store);
        }
    }

    /// Closes the store at the end of the worker.
    pub async fn close(mut self) {
        self.tasks.detach();
        self.upkeep.close();
        if let Some(store) = self.give_up() {
            store.close().await;
        }
    }

    /// When a retry is due, or the end of a switch.
    pub fn wake_at(&self, needs_store: bool, now: Instant) -> Option<Instant> {
        let switch = self.switch.as_ref().map(|switch| switch.until);
        let open = self.search.wake_at().or(self.backoff.until());
        let step = match self.state {
            State::Closed => open.filter(|_| needs_store),
            State::Opening => None,
            State::Open(_) => self.upkeep.wake_at(),
        };
        let wakes = [step, switch.filter(|until| *until > now)];
        wakes.into_iter().flatten().min()
    }
}

/// Closes a store that is left, beside everything else.
fn close<S: Store>(store: Arc<S>) {
    tokio::spawn(catch_in("close", async move { store.close().await }));
}
