//! When totals are added to the days, and what becomes of an attempt at it.

use std::sync::Arc;

use tokio::time::Instant;

use super::messages;
use super::preparation::Preparation;
use super::protocol::{self, Attempted, Ledger, Remarks};
use super::totals::Group;
use super::worker::{Outcome, Worker};
use crate::store::{Result, Store};
use crate::util::backoff::Backoff;

/// Where the addition of totals stands.
pub(super) struct Adding {
    pub(super) ledger: Box<Ledger>,
    /// In flight, or failed and to be repeated as it was.
    pub(super) group: Option<Group>,
    pub(super) is_in_flight: bool,
    /// When totals that are ready are added at the latest.
    due: Option<Instant>,
    /// Totals up to this record are added as soon as they are ready.
    pub(super) due_up_to: i64,
    pub(super) backoff: Backoff,
    /// The last record of the newest group whose totals are added.
    pub(super) totalled_up_to: i64,
}

impl Adding {
    pub(super) fn new(ledger: Ledger) -> Self {
        Self {
            ledger: Box::new(ledger),
            group: None,
            is_in_flight: false,
            due: None,
            due_up_to: 0,
            backoff: Backoff::default(),
            totalled_up_to: 0,
        }
    }

    /// When something is due next; only what would be acted upon.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        match &self.group {
            _ if self.is_in_flight => None,
            Some(_) => self.backoff.until(),
            None => self.due,
        }
    }
}

impl<S: Store> Worker<S> {
    pub(super) fn write_totals(&mut self, store: &Arc<S>, now: Instant) {
        let prepared = matches!(self.preparation, Preparation::Done);
        if !prepared || !self.adding.backoff.is_over(now) {
            return;
        }
        let up_to = self.written_up_to();
        let due = self.totals_are_due(up_to, now);
        if self.adding.is_in_flight {
            return;
        }
        if self.adding.group.is_none() && due {
            self.adding.due = None;
            // What is written later waits for the next interval.
            self.adding.due_up_to = self.adding.due_up_to.min(up_to);
            // What processes before us have left is not mixed with ours.
            let last_left = self.numbering.first - 1;
            let is_left = self.totals.is_ready(last_left);
            let up_to = if is_left { up_to.min(last_left) } else { up_to };
            self.adding.group = Some(self.totals.take_group(up_to, is_left));
        }
        if let Some(group) = self.adding.group.clone() {
            self.adding.is_in_flight = true;
            let adding = protocol::attempt(Arc::clone(store), self.adding.ledger.clone(), group);
            self.tasks.spawn(async { Outcome::Totals(adding.await) });
        }
    }

    fn totals_are_due(&mut self, up_to: i64, now: Instant) -> bool {
        if !self.totals.is_ready(up_to) {
            return false;
        }
        let interval = self.shared.config.flush_interval;
        let due = *self.adding.due.get_or_insert(now + interval);
        due <= now
            || self.adding.due_up_to <= up_to && self.totals.is_ready(self.adding.due_up_to)
            || self.moving.is_some()
            || self.orphaned
            || self.shared.is_draining()
            // What waits on disk may wait for the memory that they take.
            || self.shared.is_half_full()
            || self.somebody_waits()
    }

    pub(super) fn totals_attempted(&mut self, attempted: Result<Attempted>, now: Instant) {
        self.adding.is_in_flight = false;
        let outcome = match attempted {
            Ok(attempted) => {
                self.remark(&attempted.remarks);
                self.adding.ledger = attempted.ledger;
                self.follow_writer();
                self.adding.group = Some(attempted.group);
                attempted.outcome
            }
            Err(error) => {
                self.adding
                    .group
                    .as_mut()
                    .into_iter()
                    .for_each(Group::doubt);
                Err(error)
            }
        };
        match outcome {
            Ok(()) => self.totals_written(),
            Err(error) => {
                let records = self.adding.group.as_ref().map_or(0, |group| group.records);
                self.write_failed(error, records as usize, now);
                self.adding.backoff.fail(now);
            }
        }
    }

    /// Somebody else writes under the id that this process had.
    fn follow_writer(&mut self) {
        let writer = self.adding.ledger.writer();
        if writer == self.numbering.writer {
            return;
        }
        writer.clone_into(&mut self.numbering.writer);
        if let Some(spool) = &self.spool {
            spool.rename_writer(writer);
        }
    }

    fn totals_written(&mut self) {
        self.adding.backoff.succeed();
        self.shared.set_connected(true);
        if let Some(group) = self.adding.group.take() {
            self.adding.totalled_up_to = group.last;
            self.shared.release(group.cost);
            self.shared.settle_written(group.records);
        }
    }

    fn remark(&self, remarks: &Remarks) {
        for (day, field) in &remarks.left_out {
            self.shared.health.note("total_left_out", 1);
            self.shared
                .warn_once("total_left_out", || messages::left_out(day, field));
        }
        for day in &remarks.restored {
            self.shared.health.note("day_restored", 1);
            self.shared
                .warn_once("day_restored", || messages::restored(day));
        }
        self.shared.health.misses(remarks.misses);
        for (day, records) in &remarks.uncertain {
            self.shared.health.note("totals_uncertain", *records);
            self.shared
                .warn_once("totals_uncertain", || messages::uncertain(day));
        }
    }
}
