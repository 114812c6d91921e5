//! The path of records: ingest, journal, forwarding, writing, totals, with the watermarks between them.
//!
//! A record is accepted by `ingest`. With a spool it is appended and synced before it is sent. It is written
//! by `write`, committed by `totals`, and forwarded beside that. The watermarks are derived here and nowhere
//! else.

use std::sync::Arc;

use tokio::time::Instant;

use super::forwarding::Forwarding;
use super::ingest::{Acknowledgements, Ingest};
use super::journal::{Journal, JournalResult};
use super::legacy::Baselines;
use super::task::Failed;
use super::totals::{Rules, Totals, TotalsResult, Writer};
use super::watermarks::{Queue, Stage, Watermarks};
use super::write::{WriteResult, Writes};
use crate::forward::Destinations;
use crate::instance::shared::Shared;
use crate::record::day::Day;
use crate::record::item::Item;
use crate::spool::Segments;
use crate::store::Store;

pub struct RecordPath {
    marks: Watermarks,
    ingest: Ingest,
    acks: Acknowledgements,
    journal: Journal,
    forwarding: Forwarding,
    writes: Writes,
    totals: Totals,
}

/// The result of a task of one of the modules.
pub enum PathResult {
    Written(WriteResult),
    Totals(TotalsResult),
    Journal(JournalResult),
}

/// What the database takes now.
#[derive(Debug, Clone, Copy)]
pub struct Admission {
    /// No record after this one.
    pub last_record: i64,
    /// Totals, too.
    pub is_prepared: bool,
    /// Totals do not wait for their interval.
    pub is_urgent: bool,
}

impl RecordPath {
    pub fn new(
        shared: &Arc<Shared>,
        destinations: &Arc<Destinations>,
        spool: Option<Segments>,
        rules: Rules,
        baselines: &Arc<Baselines>,
    ) -> Self {
        let writer = match &spool {
            Some(segments) => Writer::of_slot(segments.slot()),
            None => Writer::fresh(&shared.context),
        };
        let has_recovered = spool.as_ref().is_some_and(|one| one.beginning().is_some());
        let marks = Watermarks::new(writer.first, has_recovered);
        Self {
            ingest: Ingest::new(shared, writer.first),
            acks: Acknowledgements::new(shared),
            forwarding: Forwarding::start(shared, destinations, spool.as_ref()),
            journal: Journal::new(shared, spool, &marks),
            writes: Writes::new(shared),
            totals: Totals::new(shared, rules, writer, baselines),
            marks,
        }
    }

    pub fn take_frames(&mut self, bytes: &[u8], records: u32) {
        let (forwarding, journal) = (&self.forwarding, &mut self.journal);
        let writes = &mut self.writes;
        self.ingest
            .take_frames(bytes, records, &mut self.acks, |item| {
                if let Item::Event(event) = &item {
                    forwarding.forward(event);
                }
                if journal.append(&item) {
                    writes.enqueue(item);
                }
            });
        self.marks.advance(Stage::Accepted, self.ingest.last_seq());
    }

    /// The newest record.
    pub fn accepted(&self) -> i64 {
        self.ingest.last_seq()
    }

    /// The record up to which all are committed.
    pub fn committed(&self) -> i64 {
        self.marks.committed()
    }

    pub fn active_sessions(&self) -> usize {
        self.ingest.active_sessions()
    }

    /// Events that wait for a destination, for each of them.
    pub fn unforwarded(&self) -> u64 {
        self.forwarding.destinations().queued()
    }

    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Expires promises, and moves records between memory and disk.
    pub fn poll(&mut self, has_store: bool, is_ending: bool, now: Instant) {
        self.acks.expire(now);
        self.update_marks();
        let is_sending = has_store && !self.writes.is_backing_off(now);
        let (marks, writes) = (&mut self.marks, &mut self.writes);
        self.journal
            .poll(is_sending, marks, writes, &self.forwarding, now);
        // Records that were read back may be committed already.
        self.update_marks();
        let (marks, forwarding) = (&mut self.marks, &mut self.forwarding);
        self.journal.release(is_ending, marks, forwarding, now);
    }

    fn update_marks(&mut self) {
        for queue in Queue::ALL {
            let unwritten = self.writes.first_unwritten(queue);
            let first = unwritten.or_else(|| self.journal.next_unread(queue));
            let written = first.map_or(self.accepted(), |first| first - 1);
            self.marks.advance(Stage::Written(queue), written);
            let uncommitted = self.totals.first_uncommitted(queue);
            let committed = uncommitted.map_or(i64::MAX, |first| first - 1);
            self.marks.advance(Stage::Committed(queue), committed);
        }
    }

    /// Sends records and totals that the database takes; returns the newest day of a session among them.
    pub fn poll_store<S: Store>(
        &mut self,
        store: &Arc<S>,
        baselines: &Arc<Baselines>,
        admission: Admission,
        now: Instant,
    ) -> Option<Day> {
        let up_to = self.journal.sendable(&self.marks);
        let up_to = up_to.min(admission.last_record);
        let newest_day = self.writes.poll(store, baselines, &self.marks, up_to, now);
        if admission.is_prepared {
            self.totals
                .poll(store, &self.marks, admission.is_urgent, now);
        }
        self.journal
            .look_up_applied(store, self.totals.writer_id(), now);
        newest_day
    }

    /// Contributions do not wait any longer: the flush interval of the host is over.
    pub fn flush_totals(&mut self) {
        self.totals.flush(self.accepted());
    }

    /// Records that are accepted from now on are written in other batches.
    pub fn seal(&mut self) {
        self.writes.seal();
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> PathResult {
        tokio::select! {
            result = self.writes.next() => PathResult::Written(result),
            result = self.totals.next() => PathResult::Totals(result),
            result = self.journal.next() => PathResult::Journal(result),
        }
    }

    /// Fails with the error of a request that is to be retried.
    pub fn handle(&mut self, result: PathResult, now: Instant) -> Result<(), Failed> {
        match result {
            PathResult::Written(result) => {
                self.writes
                    .handle(result, &mut self.totals, &mut self.acks, now)
            }
            PathResult::Totals(result) => {
                let handled = self.totals.handle(result, now);
                if let Some(id) = self.totals.take_new_writer() {
                    self.journal.rename_writer(&id);
                }
                handled
            }
            PathResult::Journal(result) => {
                let (marks, forwarding) = (&mut self.marks, &mut self.forwarding);
                self.journal.handle(result, marks, forwarding, now);
                Ok(())
            }
        }
    }

    /// While somebody waits for the destinations, they neither linger nor back off for long.
    pub fn expedite(&self, is_awaited: bool) {
        self.forwarding.expedite(is_awaited);
    }

    /// The database is left. Everything that is not committed goes to the next one.
    pub fn leave_database(&mut self, baselines: &Arc<Baselines>) {
        self.writes.leave_database();
        self.totals.leave_database(baselines);
        self.journal.leave_database();
    }

    /// The worker ends. Events that are left are on disk, for the process that takes the slot next.
    pub fn close(&mut self) {
        self.forwarding.discard();
        self.writes.leave_database();
        self.totals.close();
    }

    /// Whether no request to the database is under way.
    pub fn is_idle(&self) -> bool {
        self.writes.is_idle() && self.totals.is_idle() && self.journal.is_idle()
    }

    /// When something is due next; only what would be acted upon.
    pub fn wake_at(&self, has_store: bool, is_prepared: bool, now: Instant) -> Option<Instant> {
        let wakes = [
            self.acks.next_deadline(),
            self.journal.wake_at(&self.marks, now),
            self.forwarding.wake_at(now),
            self.writes.retry_at().filter(|_| has_store),
            self.totals.wake_at().filter(|_| has_store && is_prepared),
        ];
        wakes.into_iter().flatten().min()
    }
}
