//! The journal: the spool as the pipeline uses it. Records are appended and synced before they may be sent,
//! read back when there were more of them than memory should hold, and released once they are committed and
//! forwarded.
//!
//! ```text
//!  ingest ──► append buffer ──► append ──► sync ──► may be sent
//!    └─► write queue, unless it is behind                ▲
//!        a queue that is behind reads back ──────────────┘
//! ```
//!
//! A write queue is behind when there are records on disk that it does not have: those of a process before
//! this one, or those that came while memory was full. Each queue has a position of its own on disk, so
//! that logins never wait behind events.
//!
//! A disk that takes nothing more is no reason to reject records: they wait in memory as without a spool.
//! Only records that a queue must read back have to get onto the disk, and their append is retried.

mod append_buffer;
mod applied;
mod disk;
mod read_back;
mod reading;

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

use tokio::time::Instant;

use super::messages;
use super::totals::Names;
use super::watermarks::{QUEUES, Queue, Stage, Watermarks};
use super::write::Writes;
use crate::forward::Destinations;
use crate::instance::shared::Shared;
use crate::instance::spool_report::SpoolState;
use crate::record::item::Item;
use crate::spool::{Changed, KeptTotals, NO_RECORD, Position, SharedSegments};
use crate::store::Store;
use append_buffer::AppendBuffer;
use applied::LookedUp;
pub use disk::Kept;
use disk::{Disk, DiskResult, PAUSE};
use reading::Reading;

pub struct Journal {
    shared: Arc<Shared>,
    disk: Disk,
    /// Records to append, in order; the last buffer may still grow.
    buffers: VecDeque<AppendBuffer>,
    /// The disk took nothing, and the append is retried then.
    full_until: Option<Instant>,
    /// Of what is appended.
    end: Position,
    reading: Reading,
}

/// The result of a task.
pub enum JournalResult {
    Disk(DiskResult),
    LookedUp(LookedUp),
}

impl Journal {
    /// On a slot, with the records of processes before this one, if there are any; those up to
    /// `written_before` are in the database.
    pub fn new(
        shared: &Arc<Shared>,
        spool: &SharedSegments,
        written_before: [i64; QUEUES],
    ) -> Self {
        let segments = spool.lock();
        Self {
            shared: Arc::clone(shared),
            buffers: VecDeque::new(),
            full_until: None,
            end: segments.end(),
            reading: Reading::new(shared, &segments, written_before),
            disk: Disk::new(spool.clone(), &segments, &shared.context),
        }
    }

    /// Takes a record; returns whether it goes to its write queue now. Else it is read back later.
    pub fn append(&mut self, item: &Item<'_>) -> bool {
        let seq = match item {
            Item::Event(event) => event.seq,
            Item::Session(session) => session.seq,
            Item::Nothing { .. } => return true,
        };
        let (queue, now_ms) = (Queue::of(item), self.shared.context.clock.now_ms());
        if self.shared.memory.is_half_full() && self.full_until.is_none() {
            self.reading.fall_behind(queue, seq);
        }
        let is_behind = self.reading.next(queue).is_some();
        if is_behind {
            self.reading.spill(queue, seq, item);
        }
        let full = self.shared.context.limits.append_bytes;
        let is_full = |buffer: &AppendBuffer| buffer.frames.len() >= full;
        if self.buffers.back().is_none_or(is_full) {
            self.buffers.push_back(AppendBuffer::default());
        }
        if let Some(buffer) = self.buffers.back_mut() {
            buffer.add(seq, item, now_ms);
            buffer.spilled[queue as usize] += if is_behind { item.cost() } else { 0 };
        }
        !is_behind
    }

    pub fn next_unread(&self, queue: Queue) -> Option<i64> {
        self.reading.next(queue)
    }

    /// Whether events with a dedupe key were lost on disk since this was last asked.
    pub fn take_lost_keyed(&mut self) -> bool {
        std::mem::take(&mut self.reading.has_lost_keyed)
    }

    /// Whether records wait on disk only.
    pub fn is_behind(&self) -> bool {
        self.reading.is_any_behind()
    }

    /// Whether no record waits to be appended.
    pub fn is_appended(&self) -> bool {
        self.buffers.is_empty() && !self.disk.is_appending()
    }

    /// Whether nothing is on disk.
    pub fn is_empty(&self) -> bool {
        self.disk.status().bytes == 0
    }

    /// Gives up the slot if every record of it is done; returns whether it did.
    pub fn leave_if_empty(&self) -> bool {
        if self.is_empty() {
            self.disk.retire();
        }
        self.is_empty()
    }

    /// Keeps the ids under which queues go on.
    pub fn change_writers(&mut self, changed: Changed) {
        self.disk.change_writers(changed);
    }

    pub fn leave_database(&mut self) {
        self.reading.applied.leave_database();
    }

    /// Appends, syncs and reads what is due, and enqueues records that were read back. A sync does not wait for its
    /// time if `is_urgent`, as when the database waits for it.
    pub fn poll(
        &mut self,
        is_urgent: bool,
        marks: &mut Watermarks,
        writes: &mut Writes,
        now: Instant,
    ) {
        self.append_oldest(marks, now);
        if !is_synced(marks) && self.disk.wants_sync(is_urgent, now) {
            // Records that are synced now may leave, whatever comes behind them.
            writes.seal_if_idle();
            self.disk.sync(marks.get(Stage::Appended), now);
        }
        let end = self.is_appended().then_some(self.end);
        let is_stuck = self.full_until.is_some() && !self.disk.is_appending();
        for queue in Queue::ALL {
            self.reading.enqueue_piece(queue, end, writes);
            if is_stuck {
                let buffers = &mut self.buffers;
                self.reading.take_back(queue, self.end, buffers, writes);
            }
        }
        let (disk, end) = (&mut self.disk, self.end);
        self.reading.begin(disk, end, marks, writes, now);
    }

    /// While the disk takes nothing, records that need not be on disk stay in memory only.
    fn append_oldest(&mut self, marks: &mut Watermarks, now: Instant) {
        let is_full = self.full_until.is_some_and(|until| until > now);
        let must_wait = |buffer: &AppendBuffer| is_full && buffer.spilled() > 0;
        if self.disk.is_appending() || self.buffers.front().is_some_and(must_wait) {
            return;
        }
        match self.buffers.pop_front() {
            Some(buffer) if is_full => {
                self.keep_in_memory(&buffer, ErrorKind::StorageFull.into(), marks);
            }
            Some(buffer) => self.disk.append(buffer),
            None => {}
        }
    }

    fn keep_in_memory(&self, buffer: &AppendBuffer, error: io::Error, marks: &mut Watermarks) {
        marks.advance(Stage::Appended, buffer.last);
        marks.advance(Stage::NotSpooled, buffer.last);
        self.shared
            .note_spool(|spool| spool.not_spooled += buffer.records);
        self.log_error("spool_full", error);
    }

    /// Releases segments; `at_once` if there is no later occasion.
    pub fn release(
        &mut self,
        at_once: bool,
        marks: &mut Watermarks,
        destinations: &Destinations,
        now: Instant,
    ) {
        self.free_space(marks, destinations, now);
        let (done, status) = (marks.releasable(), self.disk.status());
        // Once its records are done, the active segment is closed if it is long, or if all are to go. A full
        // disk needs its space, whatever waits in memory; without a record it has none to give.
        let closes = status.last_active.is_some_and(|last| {
            let frees_space = self.full_until.is_some() && last != NO_RECORD;
            last <= done && (at_once || status.is_worth_closing || frees_space)
        }) && !self.disk.is_appending();
        if closes || status.oldest_closed.is_some_and(|last| last <= done) {
            self.disk
                .release(now, move |segments| segments.release(done, closes));
        }
    }

    /// Once segments wait for destinations alone: releases a segment in which no event waits any more,
    /// whatever is before it, and retains the oldest no longer when those with waiting events take half of
    /// the disk.
    fn free_space(&mut self, marks: &mut Watermarks, destinations: &Destinations, now: Instant) {
        let closed = Arc::clone(&self.disk.status().closed);
        let settled = marks.settled();
        let (mut bytes, mut oldest, mut empty) = (0, None, None);
        for segment in closed.iter().filter(|one| one.last <= settled) {
            if destinations.has_queued_between(segment.after, segment.last) {
                bytes += segment.bytes;
                oldest.get_or_insert(segment.last);
            } else {
                empty.get_or_insert(segment.number);
            }
        }
        if let Some(number) = empty {
            self.disk
                .release(now, move |segments| segments.release_one(number));
        }
        if bytes > self.shared.config.max_spool_bytes / 2 {
            marks.advance(Stage::Unretained, oldest.unwrap_or(0));
        }
    }

    /// Looks up which recovered records are applied to their days.
    pub fn look_up_applied<S: Store>(&mut self, store: &Arc<S>, writers: Names, now: Instant) {
        self.reading.look_up_applied(store, writers, now);
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> JournalResult {
        tokio::select! {
            result = self.disk.next() => JournalResult::Disk(result),
            result = self.reading.applied.next() => JournalResult::LookedUp(result),
        }
    }

    /// Keeps totals that wait, in place of those that are kept; or none.
    pub fn keep_totals(&mut self, totals: Option<KeptTotals>) {
        self.disk.keep_totals(totals);
    }

    /// Returns what the disk has said of totals and ids.
    pub fn handle(
        &mut self,
        result: JournalResult,
        marks: &mut Watermarks,
        now: Instant,
    ) -> Option<Kept> {
        match result {
            JournalResult::Disk(DiskResult::TotalsKept(result)) => {
                return Some(Kept::Totals(self.log_if_error("totals_not_saved", result)));
            }
            JournalResult::Disk(DiskResult::WritersChanged(result)) => {
                let is_kept = self.log_if_error("writers_not_changed", result);
                return Some(Kept::Writers(is_kept));
            }
            JournalResult::LookedUp(result) => {
                if let Err(error) = self.reading.applied.handle(result, now) {
                    self.shared.health.error(error.message);
                }
            }
            JournalResult::Disk(DiskResult::Appended(buffer, result)) => {
                self.appended(buffer, result, marks, now);
            }
            JournalResult::Disk(DiskResult::Synced(up_to, result)) => {
                // Also after an error, since the next records go into another file: a database that takes
                // records is worth more than a disk that does not.
                marks.advance(Stage::Synced, up_to);
                self.log_if_error("spool_not_synced", result);
            }
            JournalResult::Disk(DiskResult::Read(queue, until, result)) => {
                let read = self.reading.was_read(queue, until, result, now);
                self.log_if_error("spool_not_read", read);
            }
            JournalResult::Disk(DiskResult::Released(result)) => {
                if result.is_ok() && self.full_until.is_some() {
                    // There is room again, which no append would find out while there is none.
                    self.full_until = Some(now);
                    if self.is_appended() {
                        self.disk_recovered();
                    }
                }
                self.log_if_error("spool_not_released", result);
            }
        }
        None
    }

    fn appended(
        &mut self,
        buffer: AppendBuffer,
        result: io::Result<Range<Position>>,
        marks: &mut Watermarks,
        now: Instant,
    ) {
        match result {
            Ok(appended) => {
                marks.advance(Stage::Appended, buffer.last);
                self.end = appended.end;
                self.reading.appended(appended.start);
                self.shared.memory.release(buffer.spilled());
                self.disk_recovered();
            }
            Err(error) => {
                self.full_until = Some(now + PAUSE);
                if buffer.spilled() == 0 {
                    return self.keep_in_memory(&buffer, error, marks);
                }
                self.buffers.push_front(buffer);
                self.log_error("spool_full", error);
            }
        }
    }

    /// Near its bound a disk may be full and recover many times a second.
    fn disk_recovered(&mut self) {
        if self.full_until.take().is_some() {
            let log = &self.shared.log;
            log.info_once("spool_goes_on", messages::SPOOL_RECOVERED);
        }
    }

    /// Returns whether it is no error.
    fn log_if_error(&self, reason: &'static str, result: io::Result<()>) -> bool {
        result
            .map_err(|error| self.log_error(reason, error))
            .is_ok()
    }

    fn log_error(&self, reason: &'static str, error: io::Error) {
        self.shared
            .log
            .warn_once(reason, || messages::spool_failed(reason, &error));
        self.shared.health.error(format!("spool: {error}"));
    }

    /// Updates the spool's part of the health report, when so many records of the host were taken.
    pub fn report(&self, marks: &Watermarks, taken: u64) {
        let forwarded = marks.get(Stage::Forwarded);
        let is_full = self.full_until.is_some();
        let unsynced = marks.get(Stage::Accepted) - marks.get(Stage::Synced);
        let holds_after = |up_to| !is_full && marks.get(Stage::NotSpooled) <= up_to;
        self.shared.note_spool(|report| {
            report.bytes = self.disk.status().bytes;
            report.kept = taken.saturating_sub(unsynced as u64);
            report.holds_records = holds_after(marks.committed());
            report.holds_events =
                holds_after(forwarded) && marks.get(Stage::Unretained) <= forwarded;
            report.state = match is_full {
                true => SpoolState::Full,
                false => SpoolState::Ok,
            };
        });
    }

    /// Whether no request to the database is under way.
    pub fn is_idle(&self) -> bool {
        self.reading.applied.is_idle()
    }

    /// When something is due later than now.
    pub fn wake_at(&self, marks: &Watermarks, now: Instant) -> Option<Instant> {
        let append = self.full_until.filter(|_| !self.buffers.is_empty());
        let disk = self.disk.wake_at(is_synced(marks)).into_iter();
        let all = disk.chain(self.reading.wake_at()).chain([append]);
        all.flatten().filter(|due| *due > now).min()
    }
}

fn is_synced(marks: &Watermarks) -> bool {
    marks.get(Stage::Appended) <= marks.get(Stage::Synced)
}
