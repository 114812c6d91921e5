//! Reading back: the write queues get the records on disk that they do not have. Recovered records that are
//! committed already are left out.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use tokio::time::Instant;

use super::append_buffer::AppendBuffer;
use super::applied::Applied;
use super::disk::Disk;
use super::read_back::{Piece, ReadBack};
use crate::instance::shared::Shared;
use crate::pipeline::messages;
use crate::pipeline::totals::Names;
use crate::pipeline::watermarks::{QUEUES, Queue, Watermarks};
use crate::pipeline::write::Writes;
use crate::record::day::Day;
use crate::record::item::{Item, SessionChange, SessionItem};
use crate::spool::{Position, ReadBatch, Segments, is_of_disk, record_codec};
use crate::store::Store;
use crate::util::backoff::Backoff;
use crate::util::failpoint::failpoint;
use crate::util::panics::catch;

/// A login that was accepted longer ago is not counted as a user of its day any more: the markers that
/// would tell whether the user was counted expire. In ms.
const LATE_MS: i64 = 30 * 86_400_000;

pub struct Reading {
    shared: Arc<Shared>,
    /// Of each write queue.
    queues: [ReadBack; QUEUES],
    backoff: Backoff,
    /// Records below it are recovered ones; those up to the others, one for each queue, are written.
    first: i64,
    written_before: [i64; QUEUES],
    pub applied: Applied,
    /// Events with a dedupe key were lost on disk.
    pub has_lost_keyed: bool,
}

impl Reading {
    pub fn new(shared: &Arc<Shared>, segments: &Segments, written_before: [i64; QUEUES]) -> Self {
        let random = &shared.context.random;
        let beginning = segments.beginning();
        Self {
            shared: Arc::clone(shared),
            queues: Queue::ALL.map(|_| ReadBack::new(beginning)),
            backoff: Backoff::new(random),
            first: segments.slot().first_seq(),
            written_before,
            applied: Applied::new(random),
            has_lost_keyed: false,
        }
    }

    pub fn next(&self, queue: Queue) -> Option<i64> {
        self.queues[queue as usize].next()
    }

    pub fn is_any_behind(&self) -> bool {
        self.queues.iter().any(|queue| queue.next().is_some())
    }

    /// The queue reads this record and those after it back.
    pub fn fall_behind(&mut self, queue: Queue, seq: i64) {
        self.queues[queue as usize].fall_behind(seq);
    }

    /// A new record will be read back.
    pub fn spill(&mut self, queue: Queue, seq: i64, item: &Item<'_>) {
        self.queues[queue as usize].spill(seq, item);
        self.shared.note_spool(|spool| spool.spilled += 1);
    }

    /// Records were appended there.
    pub fn appended(&mut self, start: Position) {
        self.queues
            .iter_mut()
            .for_each(|queue| queue.appended(start));
    }

    /// Queues read on while memory is far from full. The queues of logins and logouts, which have few records,
    /// read on a little longer, so that a login does not wait behind the events of an outage. The queue that is
    /// furthest behind must go on even then, since its unwritten records hold up the totals of the others;
    /// but not while there are contributions that can be added first.
    pub fn begin(
        &mut self,
        disk: &mut Disk,
        end: Position,
        marks: &Watermarks,
        writes: &Writes,
        now: Instant,
    ) {
        if !self.backoff.is_over(now) {
            return;
        }
        let memory = &self.shared.memory;
        let has_contributions = marks.has_uncommitted();
        let furthest = self.queues.iter().filter_map(ReadBack::next).min();
        for queue in Queue::ALL {
            let read_back = &mut self.queues[queue as usize];
            let is_needed = read_back.next() == furthest && !has_contributions;
            let is_urgent = queue != Queue::Events && !memory.is_half_full();
            let is_empty = writes.first_unwritten(queue).is_none();
            let is_due = memory.is_quarter_full_at_most() || is_empty && (is_needed || is_urgent);
            if is_due && let Some(piece) = read_back.begin(end) {
                disk.read(queue, piece, end, memory.read_back_bytes);
            }
        }
    }

    pub fn was_read(
        &mut self,
        queue: Queue,
        until: Position,
        result: io::Result<ReadBatch>,
        now: Instant,
    ) -> io::Result<()> {
        let (piece, error) = match result {
            Ok(batch) => (Some(self.piece(batch, until)), None),
            Err(error) => (None, Some(error)),
        };
        // All queues read the same.
        if let (Some(piece), Queue::Events) = (&piece, queue) {
            self.report_damage(piece.batch.damaged);
        }
        let read_back = &mut self.queues[queue as usize];
        read_back.end(piece);
        if error.as_ref().is_some_and(is_of_disk) {
            read_back.fail();
        }
        match error {
            None => self.backoff.succeed(),
            Some(_) => self.backoff.fail(now),
        }
        error.map_or(Ok(()), Err)
    }

    fn piece(&self, batch: ReadBatch, until: Position) -> Piece {
        let recovered = batch.frames().filter(|(seq, _)| *seq < self.first);
        let days = recovered.filter_map(|(_, body)| record_codec::day(body));
        Piece {
            days: days.collect(),
            batch,
            until,
        }
    }

    fn report_damage(&self, bytes: u64) {
        if bytes > 0 {
            self.shared.note_spool(|spool| spool.damaged_bytes += bytes);
            let log = &self.shared.log;
            log.warn_once("spool_damaged", || messages::spool_damaged(bytes));
        }
    }

    /// Enqueues the records that were read for a queue, once it is known which of them are applied. If
    /// `end` is the end of all records, the queue may have everything then.
    pub fn enqueue_piece(&mut self, queue: Queue, end: Option<Position>, writes: &mut Writes) {
        let (piece, applied) = (&mut self.queues[queue as usize].piece, &self.applied);
        let known = piece.take_if(|piece| piece.days.iter().all(|day| applied.knows(day)));
        let Some(Piece { batch, until, .. }) = known else {
            return;
        };
        for (seq, body) in batch.frames() {
            let enqueue = || {
                failpoint!("read-back");
                self.enqueue(queue, seq, body, writes);
            };
            // A defect that one record meets costs no other, now and at the next start.
            if catch(enqueue).is_err() {
                self.give_up(queue, seq);
            }
        }
        self.queues[queue as usize].move_to(batch.next.unwrap_or(until));
        if batch.next.is_none() && end == Some(until) {
            self.catch_up(queue);
        }
    }

    /// Enqueues the records that wait for a disk that takes nothing, if the queue has all that is on it.
    pub fn take_back(
        &mut self,
        queue: Queue,
        end: Position,
        buffers: &mut VecDeque<AppendBuffer>,
        writes: &mut Writes,
    ) {
        if !self.queues[queue as usize].is_at(end) {
            return;
        }
        for buffer in buffers.iter_mut() {
            self.shared.memory.release(buffer.take_spilled(queue));
            for (seq, body) in buffer.records() {
                self.enqueue(queue, seq, body, writes);
            }
        }
        self.catch_up(queue);
    }

    /// A disk may show one record twice.
    fn enqueue(&mut self, queue: Queue, seq: i64, body: &[u8], writes: &mut Writes) {
        let read_back = &mut self.queues[queue as usize];
        let spooled = record_codec::read(seq, body).filter(|_| read_back.advance(seq));
        let Some(mut spooled) = spooled.filter(|one| Queue::of(&one.item) == queue) else {
            return;
        };
        if seq < self.first {
            // One with a key may count on another day than its own; its marker tells.
            let is_applied =
                |day: Day| queue != Queue::Keyed && self.applied.holds(queue, &day, seq);
            if seq <= self.written_before[queue as usize]
                || record_codec::day(body).is_some_and(is_applied)
            {
                return;
            }
            self.shared.health.accept(1);
            self.shared.note_spool(|spool| spool.recovered += 1);
            if spooled.handed_over_ms < self.shared.context.clock.now_ms() - LATE_MS {
                self.mark_late(&mut spooled.item);
            }
        } else {
            read_back.unspill(seq, &mut spooled.item);
        }
        self.shared.memory.occupy(spooled.item.cost());
        writes.enqueue(spooled.item);
    }

    /// A record is lost. What is missing of this process is counted when the queue has everything. Whose it is may
    /// not be known: all queues come to it, and one counts it.
    fn give_up(&mut self, queue: Queue, seq: i64) {
        let is_lacking = self.queues[queue as usize].advance(seq);
        if is_lacking && queue == Queue::Events && seq < self.first {
            self.shared.health.accept(1);
            self.shared.health.drop_records("internal", 1);
        }
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

    /// The queue has everything that can be read back; what is missing is dropped and counted.
    fn catch_up(&mut self, queue: Queue) {
        let missing = self.queues[queue as usize].catch_up();
        self.shared.health.drop_records("spool_damaged", missing);
        if missing > 0 {
            self.has_lost_keyed |= queue == Queue::Keyed;
            let log = &self.shared.log;
            log.warn_once("spool_damaged", || messages::records_missing(missing));
        }
    }

    /// Looks up which recovered records are applied to their days.
    pub fn look_up_applied<S: Store>(&mut self, store: &Arc<S>, writers: Names, now: Instant) {
        let pieces = self.queues.iter().flat_map(|queue| &queue.piece);
        let days = pieces.flat_map(|piece| piece.days.iter().cloned());
        self.applied.look_up(days, store, writers, now);
    }

    /// When a read or a look-up that failed is retried.
    pub fn wake_at(&self) -> [Option<Instant>; 2] {
        let read = self.backoff.until().filter(|_| self.is_any_behind());
        [read, self.applied.wake_at()]
    }
}
