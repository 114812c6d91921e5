//! Read positions: how far each write queue has read the records on disk, and which of the recovered ones
//! are committed already.

use std::collections::{HashMap, HashSet};

use tokio::time::Instant;

use crate::pipeline::watermarks::Queue;
use crate::record::day::Day;
use crate::record::item::{Item, SessionItem};
use crate::spool::record_codec;
use crate::spool::{Position, ReadBatch};
use crate::util::backoff::Backoff;
use crate::util::random::Random;

/// Records on disk that a queue has to read.
#[derive(Debug, Clone, Copy)]
struct Behind {
    /// Unknown until the first of them is appended.
    at: Option<Position>,
    /// The queue has every record before this one.
    next: i64,
}

#[derive(Default)]
struct ReadPosition {
    behind: Option<Behind>,
    is_reading: bool,
    /// Read, and not enqueued yet, with the end of the spool at that time.
    piece: Option<(ReadBatch, Position)>,
    /// Records of this process that are to be read back.
    spilled: u64,
}

/// The last record of each queue, in the order of [`Queue::ALL`], that a day holds.
pub type AppliedSeqs = [Option<i64>; 3];

pub struct ReadPositions {
    queues: [ReadPosition; 3],
    /// Records below it are recovered ones.
    first: i64,
    /// The last record of each queue that is applied to each day of recovered records.
    applied: HashMap<Day, AppliedSeqs>,
    is_asking: bool,
    backoff: Backoff,
    /// The promises of logins and logouts that are to be read back, by record number.
    acks: HashMap<i64, u32>,
}

impl ReadPositions {
    /// `beginning` when there are records to recover.
    pub fn new(first: i64, beginning: Option<Position>, random: &Random) -> Self {
        let position = || ReadPosition {
            behind: beginning.map(|at| Behind {
                at: Some(at),
                next: 1,
            }),
            ..ReadPosition::default()
        };
        Self {
            queues: [position(), position(), position()],
            first,
            applied: HashMap::new(),
            is_asking: false,
            backoff: Backoff::new(random),
            acks: HashMap::new(),
        }
    }

    /// Records below it are recovered ones.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// The first record that the queue has to read back, if there is one.
    pub fn next_unread(&self, queue: Queue) -> Option<i64> {
        self.queues[queue as usize].behind.map(|behind| behind.next)
    }

    pub fn is_any_behind(&self) -> bool {
        self.queues.iter().any(|position| position.behind.is_some())
    }

    /// The queue reads this record and those after it back.
    pub fn fall_behind(&mut self, queue: Queue, seq: i64) {
        let behind = &mut self.queues[queue as usize].behind;
        behind.get_or_insert(Behind {
            at: None,
            next: seq,
        });
    }

    /// A record of this process will be read back.
    pub fn spill(&mut self, queue: Queue, seq: i64, item: &Item<'_>) {
        self.queues[queue as usize].spilled += 1;
        if let Item::Session(SessionItem { ack, .. }) = item
            && *ack != 0
        {
            self.acks.insert(seq, *ack);
        }
    }

    /// It is back, with its promise.
    pub fn unspill(&mut self, queue: Queue, seq: i64, item: &mut Item<'_>) {
        let spilled = &mut self.queues[queue as usize].spilled;
        *spilled = spilled.saturating_sub(1);
        if let Item::Session(item) = item {
            item.ack = self.acks.remove(&seq).unwrap_or(0);
        }
    }

    /// Whether a queue is behind, but has read everything on disk.
    pub fn is_at(&self, queue: Queue, end: Position) -> bool {
        let position = &self.queues[queue as usize];
        let is_idle = !position.is_reading && position.piece.is_none();
        is_idle
            && position
                .behind
                .is_some_and(|behind| behind.at.is_none_or(|at| at >= end))
    }

    /// A queue has everything; returns how many records of this process did not come back.
    pub fn catch_up(&mut self, queue: Queue) -> u64 {
        let position = &mut self.queues[queue as usize];
        position.behind = None;
        std::mem::take(&mut position.spilled)
    }

    /// Records were appended there.
    pub fn appended(&mut self, start: Position) {
        for behind in self
            .queues
            .iter_mut()
            .flat_map(|position| &mut position.behind)
        {
            behind.at.get_or_insert(start);
        }
    }

    /// From where a queue is to read on, and the number of a record close by; `None` while it reads, or
    /// when there is nothing to read.
    pub fn begin_reading(
        &mut self,
        queue: Queue,
        end: Position,
        now: Instant,
    ) -> Option<(Position, Option<i64>)> {
        let position = &mut self.queues[queue as usize];
        let Behind { at, next } = position.behind?;
        let from = at.filter(|at| *at < end)?;
        let is_idle = !position.is_reading && position.piece.is_none();
        if !is_idle || !self.backoff.is_over(now) {
            return None;
        }
        position.is_reading = true;
        Some((from, (next > 1).then_some(next)))
    }

    pub fn was_read(&mut self, queue: Queue, until: Position, piece: ReadBatch) {
        let position = &mut self.queues[queue as usize];
        position.is_reading = false;
        position.piece = Some((piece, until));
        self.backoff.succeed();
    }

    pub fn was_not_read(&mut self, queue: Queue, now: Instant) {
        self.queues[queue as usize].is_reading = false;
        self.backoff.fail(now);
    }

    /// The days of recovered records that were read, of which it is not known what is applied.
    pub fn unknown_days(&self) -> Vec<Day> {
        let pieces = self.queues.iter().flat_map(|position| &position.piece);
        let recovered = pieces
            .flat_map(|(piece, _)| piece.frames())
            .filter(|(seq, _)| *seq < self.first);
        let days: HashSet<Day> = recovered
            .filter_map(|(_, body)| record_codec::day(body))
            .filter(|day| !self.applied.contains_key(day))
            .collect();
        days.into_iter().collect()
    }

    pub fn begins_asking(&mut self, now: Instant) -> bool {
        let begins = !self.is_asking && self.backoff.is_over(now);
        self.is_asking |= begins;
        begins
    }

    pub fn learned(&mut self, applied: Vec<(Day, AppliedSeqs)>) {
        self.is_asking = false;
        self.backoff.succeed();
        self.applied.extend(applied);
    }

    pub fn learned_nothing(&mut self, now: Instant) {
        self.is_asking = false;
        self.backoff.fail(now);
    }

    /// The database is left: the next may have other records applied.
    pub fn leave_database(&mut self) {
        self.is_asking = false;
        self.applied.clear();
    }

    /// The piece that was read for a queue, if it is known what of it is applied.
    pub fn take_piece(&mut self, queue: Queue) -> Option<(ReadBatch, Position)> {
        let (piece, _) = self.queues[queue as usize].piece.as_ref()?;
        let recovered = piece.frames().filter(|(seq, _)| *seq < self.first);
        let mut days = recovered.filter_map(|(_, body)| record_codec::day(body));
        let is_known = days.all(|day| self.applied.contains_key(&day));
        drop(days);
        is_known.then(|| self.queues[queue as usize].piece.take())?
    }

    /// Whether a recovered record is applied to its day.
    pub fn is_applied(&self, queue: Queue, day: &Day, seq: i64) -> bool {
        let last = self.applied.get(day).and_then(|last| last[queue as usize]);
        last >= Some(seq)
    }

    /// The piece is in the queue.
    pub fn enqueued(&mut self, queue: Queue, piece: &ReadBatch, until: Position) {
        if let Some(behind) = &mut self.queues[queue as usize].behind {
            behind.at = Some(piece.next.unwrap_or(until));
            let last = piece.last().unwrap_or(i64::MIN);
            behind.next = behind.next.max(last.saturating_add(1));
        }
    }

    /// When a read that failed is retried.
    pub fn wake_at(&self) -> Option<Instant> {
        let waits = self.is_any_behind() && !self.is_asking;
        self.backoff.until().filter(|_| waits)
    }
}
