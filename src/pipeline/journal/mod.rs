//! The journal: the spool as the pipeline uses it. Without a spool it does nothing.
//!
//! It decides when records are appended, synced, read back and released, gives records that were read back
//! to their write queue, leaves out recovered records that are committed already, and reports the state of
//! the spool.

mod append_buffer;
mod applied_look_ups;
mod disk;
mod read_positions;
mod reporter;
mod spool_queue;

use std::sync::Arc;

use tokio::time::Instant;

use super::forwarding::{Forwarding, Space};
use super::watermarks::{Queue, Stage, Watermarks};
use super::write::Writes;
use crate::instance::shared::Shared;
use crate::record::day::Day;
use crate::record::item::{Item, SessionChange, SessionItem};
use crate::spool::{Position, ReadBatch, Segments, record_codec};
use crate::store::Store;
use applied_look_ups::{AppliedLookUps, LookedUp};
use disk::DiskResult;
use reporter::Reporter;
use spool_queue::SpoolQueue;

/// A login that was accepted longer ago is not counted as a user of its day any more: the markers that
/// would tell whether the user was counted expire. In ms.
const LATE_MS: i64 = 30 * 86_400_000;

pub struct Journal {
    shared: Arc<Shared>,
    reporter: Reporter,
    queue: Option<SpoolQueue>,
    look_ups: AppliedLookUps,
}

/// The result of a task.
pub enum JournalResult {
    Disk(DiskResult),
    Applied(LookedUp),
}

impl Journal {
    pub fn new(shared: &Arc<Shared>, segments: Option<Segments>, marks: &Watermarks) -> Self {
        let journal = Self {
            shared: Arc::clone(shared),
            reporter: Reporter::new(shared),
            queue: segments.map(|segments| SpoolQueue::new(shared, segments)),
            look_ups: AppliedLookUps::new(shared),
        };
        journal.report(marks);
        journal
    }

    pub fn exists(&self) -> bool {
        self.queue.is_some()
    }

    /// Takes a record; returns whether it goes to its write queue now. Else it is read back later.
    pub fn append(&mut self, item: &Item<'_>) -> bool {
        let Some(queue) = &mut self.queue else {
            return true;
        };
        match item {
            Item::Event(event) => queue.append_later(event.seq, item),
            Item::Session(session) => queue.append_later(session.seq, item),
            Item::Nothing { .. } => true,
        }
    }

    /// The newest record that may be sent.
    pub fn sendable(&self, marks: &Watermarks) -> i64 {
        match self.queue {
            Some(_) => marks.get(Stage::Synced),
            None => i64::MAX,
        }
    }

    pub fn next_unread(&self, queue: Queue) -> Option<i64> {
        self.queue.as_ref()?.positions.next_unread(queue)
    }

    /// Whether records wait on disk only.
    pub fn is_behind(&self) -> bool {
        let queue = self.queue.as_ref();
        queue.is_some_and(|queue| queue.positions.is_any_behind())
    }

    /// Whether no record waits to be appended.
    pub fn is_appended(&self) -> bool {
        self.queue.as_ref().is_none_or(SpoolQueue::is_appended)
    }

    /// Whether nothing is on disk.
    pub fn is_empty(&self) -> bool {
        self.queue.as_ref().is_none_or(SpoolQueue::is_empty)
    }

    /// Gives up the slot if every record of it is done; returns whether it did.
    pub fn leave_if_empty(&self) -> bool {
        let is_empty = self.is_empty();
        if let Some(queue) = self.queue.as_ref().filter(|_| is_empty) {
            queue.leave();
        }
        is_empty
    }

    /// Another process writes under our id.
    pub fn rename_writer(&self, writer: &str) {
        if let Some(queue) = &self.queue {
            queue.rename_writer(writer);
        }
    }

    /// The database is left: the next may have other records applied.
    pub fn leave_database(&mut self) {
        self.look_ups.detach();
        if let Some(queue) = &mut self.queue {
            queue.positions.leave_database();
        }
    }

    /// Appends, syncs and reads what is due, and enqueues records that were read back. The database waits for
    /// a sync if `is_sending`.
    pub fn poll(
        &mut self,
        is_sending: bool,
        marks: &mut Watermarks,
        writes: &mut Writes,
        forwarding: &Forwarding,
        now: Instant,
    ) {
        let Some(queue) = &mut self.queue else {
            return;
        };
        let kept = queue.append(marks, now);
        if queue.wants_sync(is_sending, marks, now) {
            // Records that are synced now may leave, whatever comes behind them.
            writes.seal_if_idle();
            queue.sync(marks, now);
        }
        if let Some(kept) = kept {
            self.reporter.report_kept(kept);
            self.report(marks);
        }
        for queue in Queue::ALL {
            self.enqueue_piece(queue, writes, forwarding);
            self.take_back(queue, writes, forwarding);
        }
        self.read_back(marks, writes, now);
    }

    /// Releases segments, and writes the offsets of destinations; `at_once` if there is no later occasion.
    pub fn release(
        &mut self,
        at_once: bool,
        marks: &mut Watermarks,
        forwarding: &mut Forwarding,
        now: Instant,
    ) {
        let Some(queue) = &mut self.queue else {
            return;
        };
        let (last, committed) = (marks.get(Stage::Accepted), marks.committed());
        // No segment is released while recovered events are replayed.
        if let Some(forwarded) = forwarding.forwarded_up_to(last) {
            marks.advance(Stage::Forwarded, forwarded);
            let closed = Arc::clone(&queue.status().closed);
            for space in forwarding.free_space(&closed, committed) {
                match space {
                    Space::Release(segment) => queue.release_one(segment, now),
                    Space::Unretain(up_to) => marks.advance(Stage::Unretained, up_to),
                }
            }
            queue.release(marks.releasable(), at_once, marks, now);
        }
        let offsets = forwarding.changed_offsets(last, committed, now, at_once);
        if let Some(offsets) = offsets {
            queue.write_offsets(offsets);
        }
    }

    /// While the disk takes nothing, write queues get the records that wait for it.
    fn take_back(&mut self, queue: Queue, writes: &mut Writes, forwarding: &Forwarding) {
        let taken = self.queue.as_mut().and_then(|spool| spool.take_back(queue));
        let Some((records, bytes)) = taken else {
            return;
        };
        self.shared.memory.release(bytes);
        for (seq, body) in records {
            self.enqueue(queue, seq, &body, writes, forwarding);
        }
        if let Some(spool) = &mut self.queue {
            let missing = spool.positions.catch_up(queue);
            self.reporter.count_missing(missing);
        }
    }

    /// Queues read on while memory is far from full. The queue of sessions, which has few records, reads on
    /// a little longer, so that a login does not wait behind the events of an outage. The queue that is
    /// furthest behind must go on even then, since its unwritten records hold up the totals of the other;
    /// but not while there are contributions that can be added first.
    fn read_back(&mut self, marks: &Watermarks, writes: &Writes, now: Instant) {
        let Some(spool) = &mut self.queue else {
            return;
        };
        let has_contributions = marks.has_uncommitted();
        let is_roomy = self.shared.memory.is_quarter_full_at_most();
        let is_half_full = self.shared.memory.is_half_full();
        for queue in Queue::ALL {
            let is_empty = writes.first_unwritten(queue).is_none();
            let next = |queue: Queue| spool.positions.next_unread(queue).unwrap_or(i64::MAX);
            let is_last = Queue::ALL.iter().all(|other| next(queue) <= next(*other));
            let is_needed = is_last && !has_contributions;
            let is_urgent = queue != Queue::Events && !is_half_full;
            if is_roomy || is_empty && (is_needed || is_urgent) {
                spool.read(queue, now);
            }
        }
    }

    /// Resolves with the next result; never, without a spool. Cancel-safe.
    pub async fn next(&mut self) -> JournalResult {
        match &mut self.queue {
            Some(queue) => tokio::select! {
                result = queue.next() => JournalResult::Disk(result),
                applied = self.look_ups.next() => JournalResult::Applied(applied),
            },
            None => std::future::pending().await,
        }
    }

    pub fn handle(
        &mut self,
        result: JournalResult,
        marks: &mut Watermarks,
        forwarding: &mut Forwarding,
        now: Instant,
    ) {
        match result {
            JournalResult::Disk(result) => {
                self.handle_spool(result, marks, forwarding, now);
                self.report(marks);
            }
            JournalResult::Applied(result) => {
                if let Some(spool) = &mut self.queue {
                    self.look_ups.handle(result, &mut spool.positions, now);
                }
            }
        }
    }

    fn handle_spool(
        &mut self,
        result: DiskResult,
        marks: &mut Watermarks,
        forwarding: &mut Forwarding,
        now: Instant,
    ) {
        let Some(spool) = &mut self.queue else {
            return;
        };
        match result {
            DiskResult::Appended(buffer, result, status) => {
                let kept = spool.appended(buffer, result, status, marks, now);
                self.reporter.report_kept(kept);
            }
            DiskResult::Synced(up_to, result) => {
                spool.synced(up_to, marks);
                self.reporter.log_error("spool_not_synced", result.err());
            }
            DiskResult::Read(queue, until, Ok(piece)) => {
                // All queues read the same.
                if queue == Queue::Events {
                    self.reporter.report_damage(piece.damaged);
                }
                spool.positions.was_read(queue, until, piece);
            }
            DiskResult::Read(queue, _, Err(error)) => {
                spool.positions.was_not_read(queue, now);
                self.reporter.log_error("spool_not_read", Some(error));
            }
            DiskResult::OffsetsWritten(mut written) => {
                forwarding.offsets_written(&written);
                self.reporter
                    .log_error("cursor_not_written", written.error.take());
            }
            DiskResult::Released(result, status) => {
                if spool.released(result.is_ok(), status, now) {
                    self.reporter.log_recovery_of_disk();
                }
                self.reporter.log_error("spool_not_released", result.err());
            }
        }
    }

    fn report(&self, marks: &Watermarks) {
        if let Some(spool) = &self.queue {
            self.reporter.report(spool, marks);
        }
    }

    /// Enqueues the records that were read for a queue, once it is known which of them are applied.
    fn enqueue_piece(&mut self, queue: Queue, writes: &mut Writes, forwarding: &Forwarding) {
        let spool = self.queue.as_mut();
        if let Some((piece, until)) = spool.and_then(|spool| spool.positions.take_piece(queue)) {
            self.enqueue_all(queue, &piece, until, writes, forwarding);
        }
    }

    fn enqueue_all(
        &mut self,
        queue: Queue,
        piece: &ReadBatch,
        until: Position,
        writes: &mut Writes,
        forwarding: &Forwarding,
    ) {
        let mut last = i64::MIN;
        for (seq, body) in piece.frames() {
            // A disk may show one record twice.
            if seq > last {
                self.enqueue(queue, seq, body, writes, forwarding);
                last = seq;
            }
        }
        if let Some(spool) = &mut self.queue {
            let missing = spool.enqueued(queue, piece, until);
            self.reporter.count_missing(missing);
        }
    }

    fn enqueue(
        &mut self,
        queue: Queue,
        seq: i64,
        body: &[u8],
        writes: &mut Writes,
        forwarding: &Forwarding,
    ) {
        let Some(spool) = &mut self.queue else {
            return;
        };
        let is_unread = spool
            .positions
            .next_unread(queue)
            .is_some_and(|next| next <= seq);
        let spooled = record_codec::read(seq, body).filter(|_| is_unread);
        let Some(mut spooled) = spooled.filter(|one| Queue::of(&one.item) == queue) else {
            return;
        };
        let cost = spooled.item.cost();
        if seq < spool.positions.first() {
            let is_applied = |day: Day| spool.positions.is_applied(queue, &day, seq);
            if forwarding.was_written(seq) || record_codec::day(body).is_some_and(is_applied) {
                return;
            }
            self.shared.health.accept(1);
            self.shared.note_spool(|spool| spool.recovered += 1);
            if spooled.handed_over_ms < self.shared.context.clock.now_ms() - LATE_MS {
                self.mark_late(&mut spooled.item);
            }
        } else {
            spool.positions.unspill(queue, seq, &mut spooled.item);
        }
        self.shared.memory.occupy(cost);
        writes.enqueue(spooled.item);
    }

    fn mark_late(&self, item: &mut Item<'_>) {
        if let Item::Session(SessionItem {
            change: SessionChange::Login { is_late, .. },
            ..
        }) = item
        {
            *is_late = true;
            self.shared.health.warn("late", 1);
        }
    }

    /// Looks up which recovered records are applied to their days.
    pub fn look_up_applied<S: Store>(&mut self, store: &Arc<S>, writer: &str, now: Instant) {
        if let Some(spool) = &mut self.queue {
            self.look_ups.poll(&mut spool.positions, store, writer, now);
        }
    }

    pub fn is_idle(&self) -> bool {
        self.look_ups.is_idle()
    }

    pub fn wake_at(&self, marks: &Watermarks, now: Instant) -> Option<Instant> {
        self.queue.as_ref()?.wake_at(marks, now)
    }
}
