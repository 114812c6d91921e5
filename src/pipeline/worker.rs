//! The worker: it owns the modules of an instance, and routes commands and results between them.
//!
//! Its fields are its own. `spawn` makes and runs it, `state` says what they mean together.
//!
//! It never waits for the database, the disk or a destination itself. Work that takes time runs in tasks of
//! the modules, whose results come back here; time limits are kept beside the tasks.

mod spawn;
mod state;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::closing::Closer;
use super::connection::Database;
use super::handle::Command;
use super::legacy::Legacy;
use super::lifecycle::Lifecycle;
use super::presence::Presence;
use super::record_path::{Admission, RecordPath};
use super::recovery::Recovery;
use super::reporting::Reporting;
use super::requests::{Request, Requests};
use crate::instance::shared::Shared;
use crate::store::Store;
pub use spawn::spawn;
#[cfg(test)]
pub use spawn::start;

/// Commands taken in one go.
const COMMANDS: usize = 256;
/// Longest sleep when nothing is due.
const IDLE: Duration = Duration::from_secs(3_600);

struct Worker<S: Store> {
    shared: Arc<Shared>,
    lifecycle: Lifecycle,
    path: RecordPath,
    legacy: Legacy,
    recovery: Recovery,
    database: Database<S>,
    presence: Presence,
    reporting: Reporting,
    closer: Closer,
    requests: Requests,
    commands: mpsc::UnboundedReceiver<Command>,
    /// Commands that are not handled yet.
    received: VecDeque<Command>,
}

impl<S: Store> Worker<S> {
    /// Starts what can be started, then waits for one thing and handles it. False at the end.
    async fn turn(&mut self) -> bool {
        while let Some(command) = self.received.pop_front() {
            self.handle_command(command);
        }
        if self.is_finished() {
            return false;
        }
        let wake = self.poll(Instant::now());
        let mut received = Vec::new();
        tokio::select! {
            count = self.commands.recv_many(&mut received, COMMANDS), if self.lifecycle.has_host => {
                self.lifecycle.received(count);
                self.received.extend(received);
            }
            result = self.path.next() => {
                let now = Instant::now();
                match self.path.handle(result, now) {
                    Ok(()) => self.database.upkeep.written(now),
                    Err(failed) => self.database.write_failed(failed, now),
                }
                if self.path.take_purchased() {
                    self.database.upkeep.purchased();
                }
                if self.path.take_day_gone() {
                    self.database.upkeep.suspect(now);
                }
            }
            result = self.database.next() => self.database.handle(result, Instant::now()),
            report = self.legacy.next() => {
                self.database.failed(report.error(), Instant::now());
                let refused = self.legacy.handle(report, Instant::now());
                self.requests.refuse_metrics(refused);
            }
            written = self.presence.next() => {
                let now = Instant::now();
                self.database.failed(written.error(), now);
                if let Some(sighting) = self.presence.handle(written, now)
                    && self.closer.see(sighting)
                {
                    self.presence.hasten(now);
                }
            }
            ended = self.closer.next() => self.closer.handle(ended, Instant::now()),
            ran = self.reporting.next() => {
                self.database.failed(ran.error(), Instant::now());
                self.reporting.handle(ran, Instant::now());
            }
            answer = self.requests.next() => {
                self.database.failed(answer.error(), Instant::now());
                self.requests.handle(answer, Instant::now());
            }
            result = self.recovery.next() => {
                self.recovery.handle(result, self.database.connection());
            }
            () = sleep_until(wake) => {}
            () = self.shared.wake.notified() => {}
        }
        true
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Frames { bytes, records } => self.path.take_frames(&bytes, records),
            Command::Connect(connection) => self.database.connect(connection),
            Command::SwitchDatabase(connection) => {
                self.path.seal();
                self.database.switch(connection, self.path.accepted());
            }
            Command::NothingFound(found) => self.database.nothing_found(found),
            Command::FlushTotals => self.path.flush_totals(),
            Command::Start { anew } => {
                self.database.start(anew);
                self.lifecycle.start();
            }
            Command::Request { id, request } => {
                if request == Request::Stop {
                    self.lifecycle.stop();
                }
                self.requests.accept(id, request, self.path.accepted());
            }
        }
    }

    /// Starts whatever can be started, and answers requests. Returns when something is due next.
    fn poll(&mut self, now: Instant) -> Instant {
        let is_exit = self.shared.exiting.load(Ordering::Acquire);
        let has_store = self.database.store().is_some();
        let is_ending = self.lifecycle.is_ending() || is_exit;
        self.path.poll(has_store, is_ending, now);
        self.requests.poll(self.progress(), &self.legacy, now);
        let committed = self.path.committed();
        if self.database.is_switch_due(committed, is_exit, now) {
            self.leave_database();
            self.database.complete_switch();
        }
        self.path.expedite(self.requests.wait_for_stop() || is_exit);
        if self.may_recover() {
            self.recovery.poll(now);
        }
        match self.database.store().cloned() {
            Some(store) => self.poll_store(&store, is_exit, now),
            None if self.needs_store() => self.database.poll_open(now),
            None => {}
        }
        self.wake_at(now)
    }

    fn poll_store(&mut self, store: &Arc<S>, is_exit: bool, now: Instant) {
        let restore = || self.path.restore_uniques(store);
        self.database.upkeep.poll(store, restore, now);
        let is_switching = self.database.is_switching();
        let is_last = is_switching || is_exit || !self.lifecycle.has_host;
        let is_here = !is_last && !self.lifecycle.is_ending();
        self.presence.poll(store, self.stay(), now);
        self.reporting.poll(store, is_here, now);
        let is_awaited = self.requests.wait_for_totals();
        let admission = Admission {
            last_record: self.database.last_record(),
            is_prepared: self.database.upkeep.is_prepared(),
            // Records on disk may wait for the memory that contributions take.
            is_urgent: is_last || is_awaited || self.shared.memory.is_half_full(),
        };
        let baselines = self.legacy.baselines();
        let day = self.path.poll_store(store, baselines, admission, now);
        self.legacy.observe_login(day);
        if !is_switching {
            if self.may_close() {
                let connected = || self.path.connected();
                self.closer
                    .poll(store, self.legacy.baselines(), connected, now);
            }
            self.legacy.want(self.requests.metrics_days());
            self.legacy.poll(store, now);
            self.path.forget_users(self.requests.erased_users());
            self.requests
                .poll_reads(store, self.path.committed(), &self.legacy, now);
        }
        let is_idle = self.path.is_idle()
            && self.database.is_idle()
            && self.requests.is_idle()
            && self.presence.is_idle();
        if self.lifecycle.is_stopping && !self.needs_store() && is_idle {
            self.leave_database();
        }
    }

    /// Only what would be acted upon counts, so that the loop rests.
    fn wake_at(&self, now: Instant) -> Instant {
        let has_store = self.database.store().is_some();
        let wakes = [
            self.path
                .wake_at(has_store, self.database.upkeep.is_prepared(), now),
            self.requests.wake_at(now),
            self.lifecycle.wake_at(now),
            self.database.wake_at(self.needs_store(), now),
            self.presence.wake_at().filter(|_| has_store),
            self.reporting.wake_at().filter(|_| has_store),
            self.closer.wake_at().filter(|_| self.may_close()),
            self.recovery.wake_at().filter(|_| self.may_recover()),
            self.legacy
                .retry_at()
                .filter(|_| has_store && !self.database.is_switching()),
        ];
        let wake = wakes.into_iter().flatten().min().unwrap_or(now + IDLE);
        wake.max(now + Duration::from_millis(1))
    }
}
