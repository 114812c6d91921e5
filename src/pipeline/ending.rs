//! The ends that a worker can come to: it leaves the database, it has nothing left to do, it is closed.

use tokio::time::Instant;

use super::journal::Journal;
use super::worker::Worker;
use crate::store::Store;

impl<S: Store> Worker<S> {
    /// What is under way begins again. Knowledge of this database may be wrong for the next.
    pub fn leave_database(&mut self) {
        self.requests.leave_database();
        self.legacy.leave_database();
        self.recovery.leave_database();
        self.presence.leave_database();
        self.reporting.leave_database();
        self.path.leave_database(self.legacy.baselines());
        self.database.leave();
    }

    /// The host is gone, and nothing that it left is pending, or nobody can say any more where to write.
    pub fn is_finished(&mut self) -> bool {
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

    pub async fn close(mut self) {
        self.path.close();
        self.database.close().await;
    }
}
