//! How far a write queue has read the records on disk that it does not have.

use std::collections::{HashMap, HashSet};

use crate::record::day::Day;
use crate::record::item::{Item, SessionItem};
use crate::spool::{Patience, Position, ReadBatch};

#[derive(Default)]
pub struct ReadBack {
    /// The first record that the queue does not have, unless it has all.
    next: Option<i64>,
    /// Where to read on; unknown until that record is appended.
    at: Option<Position>,
    is_reading: bool,
    patience: Patience,
    /// Read, and not enqueued yet.
    pub piece: Option<Piece>,
    /// Records of this process that are to be read back, and the promises of those that have one.
    spilled: u64,
    acks: HashMap<i64, u32>,
}

/// What to read next.
#[derive(Debug, PartialEq, Eq)]
pub struct NextPiece {
    pub from: Position,
    /// The number of a record close by.
    pub near: Option<i64>,
    /// What the disk cannot read is not waited for any longer.
    pub is_final: bool,
}

/// Records that were read.
pub struct Piece {
    pub batch: ReadBatch,
    /// The end of the spool when the read began.
    pub until: Position,
    /// Those of the recovered records.
    pub days: HashSet<Day>,
}

impl ReadBack {
    /// `beginning` when there are records to recover.
    pub fn new(beginning: Option<Position>) -> Self {
        Self {
            next: beginning.map(|_| 1),
            at: beginning,
            ..Self::default()
        }
    }

    /// The first record that the queue has to read back, if there is one.
    pub fn next(&self) -> Option<i64> {
        self.next
    }

    /// The queue reads this record and those after it back.
    pub fn fall_behind(&mut self, seq: i64) {
        self.next.get_or_insert(seq);
    }

    /// A record of this process will be read back.
    pub fn spill(&mut self, seq: i64, item: &Item<'_>) {
        self.spilled += 1;
        if let Item::Session(SessionItem { ack, .. }) = item
            && *ack != 0
        {
            self.acks.insert(seq, *ack);
        }
    }

    /// It is back, with its promise.
    pub fn unspill(&mut self, seq: i64, item: &mut Item<'_>) {
        self.spilled = self.spilled.saturating_sub(1);
        if let Item::Session(item) = item {
            item.ack = self.acks.remove(&seq).unwrap_or(0);
        }
    }

    /// Records were appended there.
    pub fn appended(&mut self, start: Position) {
        if self.next.is_some() {
            self.at.get_or_insert(start);
        }
    }

    fn is_idle(&self) -> bool {
        !self.is_reading && self.piece.is_none()
    }

    /// Whether the queue is behind, but has read everything on disk.
    pub fn is_at(&self, end: Position) -> bool {
        self.next.is_some() && self.is_idle() && self.at.is_none_or(|at| at >= end)
    }

    /// What the queue is to read on; `None` while it reads, or when there is nothing to read.
    pub fn begin(&mut self, end: Position) -> Option<NextPiece> {
        let (next, from) = (self.next?, self.at.filter(|at| *at < end)?);
        if !self.is_idle() {
            return None;
        }
        self.is_reading = true;
        Some(NextPiece {
            from,
            near: (next > 1).then_some(next),
            is_final: self.patience.is_over(from.segment),
        })
    }

    /// The disk could not read what there is.
    pub fn fail(&mut self) {
        self.patience.fail(self.at.map_or(0, |at| at.segment));
    }

    /// Nothing was read without a piece.
    pub fn end(&mut self, piece: Option<Piece>) {
        self.is_reading = false;
        if piece.is_some() {
            self.patience.succeed();
        }
        self.piece = piece;
    }

    /// Whether the queue lacks this record, which it gets now.
    pub fn advance(&mut self, seq: i64) -> bool {
        let is_lacking = self.next.is_some_and(|next| next <= seq);
        if is_lacking {
            self.next = Some(seq.saturating_add(1));
        }
        is_lacking
    }

    /// The piece is in the queue.
    pub fn move_to(&mut self, at: Position) {
        self.at = Some(at);
    }

    /// The queue has everything; returns how many records of this process did not come back.
    pub fn catch_up(&mut self) -> u64 {
        (self.next, self.at) = (None, None);
        std::mem::take(&mut self.spilled)
    }
}
