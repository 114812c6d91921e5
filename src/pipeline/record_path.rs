//! The path of records: ingest, journal, forwarding, writing, totals, with the watermarks between them.
//!
//! A record is accepted by `ingest`. With a spool it is appended and synced before it is sent. It is written
//! by `write`, committed by `totals`, and forwarded beside that. The watermarks are derived here and nowhere
//! else.

use std::sync::Arc;

use bson::oid::ObjectId;
use tokio::time::Instant;

use super::closing::Closing;
use super::forwarding::{Forwarding, OffsetsWritten};
use super::ingest::{Acknowledgements, Ingest};
use super::journal::{Journal, JournalResult, Kept};
use super::legacy::Baselines;
use super::task::Failed;
use super::totals::{Rules, Totals, TotalsResult, Writer};
use super::watermarks::{Queue, Stage, Watermarks};
use super::write::{WriteResult, Writes};
use crate::forward::Destinations;
use crate::instance::shared::Shared;
use crate::record::day::Day;
use crate::spool::{Segments, SharedSegments};
use crate::store::{self, Store};
use crate::util::blocks;

pub struct RecordPath {
    marks: Watermarks,
    ingest: Ingest,
    /// Records that the host has handed over and that were taken.
    taken: u64,
    acks: Acknowledgements,
    /// Only with a spool.
    journal: Option<Journal>,
    destinations: Arc<Destinations>,
    forwarding: Forwarding,
    writes: Writes,
    totals: Totals,
    /// Events with a dedupe key up to this record may be lost on disk.
    lost_up_to: Option<i64>,
}

/// The result of a task of one of the modules.
pub enum PathResult {
    Written(WriteResult),
    Totals(TotalsResult),
    Journal(JournalResult),
    Forwarding(OffsetsWritten),
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
        mut spool: Option<Segments>,
        rules: Rules,
        baselines: &Arc<Baselines>,
    ) -> Self {
        let slot = spool.as_ref().map(Segments::slot);
        let writers = Writer::of_queues(&shared.context, slot);
        let first = writers[0].first;
        let is_behind = |segments: &Segments| !segments.slot().is_empty();
        let marks = Watermarks::new(first, spool.as_ref().is_some_and(is_behind));
        let mut totals = Totals::new(shared, rules, writers, baselines);
        if let Some(segments) = &mut spool {
            totals.load(segments);
        }
        let spool = spool.map(SharedSegments::new);
        let forwarding = Forwarding::start(shared, destinations, spool.as_ref());
        let written = forwarding.written_before();
        let written_before = Queue::ALL.map(|queue| totals.done_before(queue).max(written));
        let journal = spool.map(|spool| Journal::new(shared, &spool, written_before));
        Self {
            ingest: Ingest::new(shared, first),
            taken: 0,
            acks: Acknowledgements::new(shared),
            journal,
            destinations: Arc::clone(destinations),
            forwarding,
            writes: Writes::new(shared, Closing::new(shared, rules)),
            totals,
            marks,
            lost_up_to: None,
        }
    }

    pub fn take_frames(&mut self, bytes: &[u8], records: u32) {
        let (destinations, writes) = (&self.destinations, &mut self.writes);
        let mut journal = self.journal.as_mut();
        self.ingest
            .take_frames(bytes, records, &mut self.acks, |item| {
                destinations.forward(&item);
                if journal.as_mut().is_none_or(|journal| journal.append(&item)) {
                    writes.enqueue(item);
                }
            });
        self.taken += u64::from(records);
        self.marks.advance(Stage::Accepted, self.ingest.last_seq());
    }

    /// The newest record.
    pub fn accepted(&self) -> i64 {
        self.ingest.last_seq()
    }

    /// The sessions whose players are logged in, each with its day.
    pub fn connected(&self) -> Vec<(ObjectId, Day)> {
        self.ingest.connected()
    }

    /// The record up to which all are committed.
    pub fn committed(&self) -> i64 {
        self.marks.committed()
    }

    /// Events that wait for a destination, for each of them.
    pub fn unforwarded(&self) -> u64 {
        self.destinations.queued()
    }

    pub fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// Whether records wait on disk only.
    pub fn is_behind(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::is_behind)
    }

    /// Expires promises, and moves records between memory and disk.
    pub fn poll(&mut self, has_store: bool, is_ending: bool, now: Instant) {
        self.acks.expire(now);
        self.update_marks();
        let changed = self.totals.change_writers(now);
        let is_sending = has_store && !self.writes.is_backing_off(now);
        let (marks, writes) = (&mut self.marks, &mut self.writes);
        if let Some(journal) = &mut self.journal {
            if let Some(changed) = changed {
                journal.change_writers(changed);
            }
            journal.poll(is_sending || is_ending, marks, writes, now);
            // Records that were read back may be committed already.
            self.update_marks();
            self.release_lost();
            self.save_totals(now);
            self.release(is_ending, now);
        }
        if self.committed() >= self.accepted() {
            blocks::release();
        }
    }

    /// Of events that are lost on disk nobody finds out whether they are redeliveries: destinations do not wait for
    /// that once all before them are written.
    fn release_lost(&mut self) {
        let (journal, last) = (self.journal.as_mut(), self.ingest.last_seq());
        if journal.is_some_and(Journal::take_lost_keyed) {
            self.lost_up_to = Some(last);
        }
        let written = self.marks.get(Stage::Written(Queue::Keyed));
        if self.lost_up_to.take_if(|lost| *lost <= written).is_some() {
            self.destinations.release_up_to(written);
        }
    }

    /// Totals that cannot be added for long are saved, so that the disk need not keep their records.
    fn save_totals(&mut self, now: Instant) {
        if let (Some(journal), Some(totals)) =
            (&mut self.journal, self.totals.save(&self.marks, now))
        {
            journal.keep_totals(totals);
        }
    }

    /// Whether totals are saved on disk.
    pub fn are_totals_saved(&self) -> bool {
        self.totals.are_saved()
    }

    /// Frees the disk of records that are done; at once if `is_ending`.
    fn release(&mut self, is_ending: bool, now: Instant) {
        let (marks, last) = (&mut self.marks, self.ingest.last_seq());
        if let Some(journal) = &mut self.journal {
            // No segment is released while recovered events are replayed.
            if let Some(forwarded) = self.destinations.forwarded_up_to(last) {
                marks.advance(Stage::Forwarded, forwarded);
                journal.release(is_ending, marks, &self.destinations, now);
            }
            journal.report(marks, self.taken);
        }
        let committed = marks.committed();
        self.forwarding.poll(last, committed, is_ending, now);
    }

    fn update_marks(&mut self) {
        for queue in Queue::ALL {
            let unwritten = self.writes.first_unwritten(queue);
            let first = unwritten.or_else(|| self.journal.as_ref()?.next_unread(queue));
            let written = first.map_or(self.accepted(), |first| first - 1);
            self.marks.advance(Stage::Written(queue), written);
            let uncommitted = self.totals.first_uncommitted(queue);
            let committed = uncommitted.map_or(i64::MAX, |first| first - 1);
            self.marks.advance(Stage::Committed(queue), committed);
            let saved = self.totals.saved_up_to(queue);
            self.marks.advance(Stage::Saved(queue), saved);
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
        let synced = self.journal.as_ref().map(|_| self.marks.get(Stage::Synced));
        let up_to = synced.unwrap_or(i64::MAX).min(admission.last_record);
        let newest_day = self.writes.poll(store, baselines, &self.marks, up_to, now);
        if admission.is_prepared {
            self.totals
                .poll(store, &self.marks, admission.is_urgent, now);
        }
        if let Some(journal) = &mut self.journal {
            journal.look_up_applied(store, self.totals.names(), now);
        }
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
            result = next_of(&mut self.journal) => PathResult::Journal(result),
            result = self.forwarding.next() => PathResult::Forwarding(result),
        }
    }

    /// Fails with the error of a request that is to be retried.
    pub fn handle(&mut self, result: PathResult, now: Instant) -> Result<(), Failed> {
        match result {
            PathResult::Written(result) => {
                let (totals, acks) = (&mut self.totals, &mut self.acks);
                let handled = self.writes.handle(result, totals, acks, now);
                for decided in self.writes.take_decided() {
                    self.destinations.decide(decided.seq, decided.is_first);
                }
                handled
            }
            PathResult::Totals(result) => self.totals.handle(result, now),
            PathResult::Journal(result) => {
                let journal = self.journal.as_mut();
                let kept = journal.and_then(|one| one.handle(result, &mut self.marks, now));
                match kept {
                    Some(Kept::Totals(is_kept)) => self.totals.saved(is_kept),
                    Some(Kept::Writers(is_kept)) => self.totals.writers_changed(is_kept, now),
                    None => {}
                }
                Ok(())
            }
            PathResult::Forwarding(result) => {
                self.forwarding.handle(result, now);
                Ok(())
            }
        }
    }

    /// Writes again what this process knows of a collection of markers that was dropped.
    pub fn restore_uniques<S: Store>(
        &self,
        store: &Arc<S>,
    ) -> impl Future<Output = store::Result<()>> + Send + use<S> {
        self.totals.restore_uniques(store)
    }

    /// These users are erased.
    pub fn forget_users(&self, users: impl Iterator<Item = impl AsRef<str>>) {
        users.for_each(|user| self.totals.forget_user(user.as_ref()));
    }

    /// Whether purchases were stored since this was last asked.
    pub fn take_purchased(&mut self) -> bool {
        self.writes.take_purchased()
    }

    /// Whether a day was found to be removed or replaced since this was last asked.
    pub fn take_day_gone(&mut self) -> bool {
        self.totals.take_day_gone()
    }

    /// While somebody waits for the destinations, they neither linger nor back off for long.
    pub fn expedite(&self, is_awaited: bool) {
        self.destinations.expedite(is_awaited);
    }

    /// The database is left. Everything that is not committed goes to the next one.
    pub fn leave_database(&mut self, baselines: &Arc<Baselines>) {
        self.writes.leave_database();
        self.totals.leave_database(baselines);
        if let Some(journal) = &mut self.journal {
            journal.leave_database();
        }
    }

    /// The worker ends. Events that are left are on disk, for the process that takes the slot next.
    pub fn close(&mut self) {
        self.forwarding.discard();
        self.writes.leave_database();
        self.totals.close();
    }

    /// Whether no request to the database is under way.
    pub fn is_idle(&self) -> bool {
        let is_journal_idle = self.journal.as_ref().is_none_or(Journal::is_idle);
        self.writes.is_idle() && self.totals.is_idle() && is_journal_idle
    }

    /// When something is due next; only what would be acted upon.
    pub fn wake_at(&self, has_store: bool, is_prepared: bool, now: Instant) -> Option<Instant> {
        let journal = self.journal.as_ref();
        let wakes = [
            self.acks.next_deadline(),
            journal.and_then(|journal| journal.wake_at(&self.marks, now)),
            journal.and_then(|_| self.totals.save_at(&self.marks)),
            self.totals.change_at(),
            self.forwarding.wake_at(now),
            self.writes.retry_at().filter(|_| has_store),
            self.totals.wake_at().filter(|_| has_store && is_prepared),
        ];
        wakes.into_iter().flatten().min()
    }
}

/// Resolves with the next result of the journal; never, if there is none. Cancel-safe.
async fn next_of(journal: &mut Option<Journal>) -> JournalResult {
    match journal {
        Some(journal) => journal.next().await,
        None => std::future::pending().await,
    }
}
