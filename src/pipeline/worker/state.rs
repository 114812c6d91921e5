//! The state of a worker, as its modules make it up together: what there is to do, and whether it has come to an
//! end: it leaves the database, it has nothing left to do, it is closed.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::Worker;
use crate::pipeline::journal::Journal;
use crate::pipeline::presence::Stay;
use crate::pipeline::requests::Progress;
use crate::store::Store;

impl<S: Store> Worker<S> {
    pub(super) fn stay(&self) -> Stay {
        let is_exit = self.shared.exiting.load(Ordering::Acquire);
        if self.database.is_switching() {
            return Stay::Elsewhere;
        }
        match is_exit || self.lifecycle.is_ending() || !self.lifecycle.has_host {
            true => Stay::Over,
            false => Stay::Here,
        }
    }

    pub(super) fn progress(&self) -> Progress {
        Progress {
            committed: self.path.committed(),
            unforwarded: self.path.unforwarded(),
            has_store: self.database.store().is_some(),
            is_preparing: self.database.upkeep.is_preparing(),
            is_indexing: self.database.upkeep.is_indexing(),
            is_stopping: self.lifecycle.is_stopping,
            is_present: self.presence.is_present(),
            is_spool_empty: self.path.journal().is_none_or(Journal::is_empty),
            is_spilled: self.path.is_behind(),
        }
    }

    pub(super) fn needs_store(&self) -> bool {
        self.lifecycle.is_started
            || self.has_records()
            || self.has_players()
            || !self.requests.is_empty()
    }

    /// Whether slots of crashed processes may be recovered. Their events can be forwarded while the
    /// database is away, and all but totals be written while those cannot be added.
    pub(super) fn may_recover(&self) -> bool {
        let is_ready = match self.recovery.has_destinations() {
            true => self.lifecycle.is_started && self.database.connection().is_some(),
            false => self.database.store().is_some(),
        };
        let may = self.path.journal().is_some() && !self.lifecycle.is_recovery();
        is_ready && may && !self.database.is_switching()
    }

    /// In memory or on disk.
    fn has_records(&self) -> bool {
        self.shared.health.queued() > 0 || self.path.is_behind()
    }

    /// Whether samples must say that players are online through this instance: others would take its silence for
    /// death.
    fn has_players(&self) -> bool {
        let has_some = self.shared.active_sessions.load(Ordering::Acquire) > 0;
        has_some && self.shared.config.presence && self.stay() == Stay::Here
    }

    /// Whether sessions of dead processes may be closed, and added to the totals.
    pub(super) fn may_close(&self) -> bool {
        self.stay() == Stay::Here && self.database.upkeep.is_prepared()
    }

    /// What is under way begins again. Knowledge of this database may be wrong for the next.
    pub(super) fn leave_database(&mut self) {
        if let Some(store) = self.database.store().cloned() {
            // Those who stay there need not wonder where this instance is.
            self.presence.poll(&store, self.stay(), Instant::now());
        }
        self.requests.leave_database();
        self.legacy.leave_database();
        self.recovery.leave_database();
        self.presence.leave_database();
        self.reporting.leave_database();
        self.closer.leave_database();
        self.path.leave_database(self.legacy.baselines());
        self.database.leave();
    }

    /// The host is gone, and nothing that it left is pending, or nobody can say any more where to write.
    pub(super) fn is_finished(&mut self) -> bool {
        let (journal, has_host) = (self.path.journal(), self.lifecycle.has_host);
        if self.lifecycle.is_recovery() {
            return !has_host || self.is_recovered();
        }
        let is_leaving = self.presence.is_present() && self.database.store().is_some();
        if has_host || is_leaving || !journal.is_none_or(Journal::is_appended) {
            return false;
        }
        let is_over = self.lifecycle.is_forward_grace_over(Instant::now());
        let are_kept = self.shared.spool.get().is_some_and(|one| one.holds_events);
        let is_forwarded = self.path.unforwarded() == 0 || is_over && are_kept;
        is_forwarded && (!self.has_records() || !self.database.is_known_at_last())
    }

    /// Whether every record of the slot is written and forwarded; the slot is given up then.
    fn is_recovered(&mut self) -> bool {
        if self.has_records() || self.path.are_totals_saved() {
            return false;
        }
        self.lifecycle.recovery_written();
        self.path.journal().is_none_or(Journal::leave_if_empty)
    }

    pub(super) async fn close(mut self) {
        self.path.close();
        self.database.close().await;
    }
}
