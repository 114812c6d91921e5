//! How far each lane has read what is on disk, and what is known of the records that others have left.

use std::collections::{HashMap, HashSet};

use tokio::time::Instant;

use crate::record::day::Day;
use crate::record::item::{Item, SessionItem};
use crate::spool::{Position, ReadBatch, record_codec};
use crate::util::backoff::Backoff;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneKind {
    Events,
    Sessions,
}

impl LaneKind {
    pub const ALL: [LaneKind; 2] = [LaneKind::Events, LaneKind::Sessions];

    pub fn of(item: &Item<'_>) -> Self {
        match item {
            Item::Event(_) => LaneKind::Events,
            _ => LaneKind::Sessions,
        }
    }
}

/// What a lane has not had yet.
#[derive(Debug, Clone, Copy)]
pub struct Behind {
    /// Unknown until it is appended.
    at: Option<Position>,
    /// Records before this one it has had.
    pub next: i64,
}

#[derive(Default)]
struct Cursor {
    behind: Option<Behind>,
    is_reading: bool,
    /// Read, and waiting to be placed, with the end of the spool at that time.
    piece: Option<(ReadBatch, Position)>,
    /// Records of ours that are to be read back.
    parked: u64,
}

pub struct Cursors {
    all: [Cursor; 2],
    /// Lower numbers are of processes before us.
    first: i64,
    /// Where the writer stands on the days of records that were left.
    standings: HashMap<Day, Option<i64>>,
    is_asking: bool,
    backoff: Backoff,
    /// The promises of logins and logouts that are to be read back, by number.
    acks: HashMap<i64, u32>,
}

impl Cursors {
    /// `beginning` when there are records that were left.
    pub fn new(first: i64, beginning: Option<Position>) -> Self {
        let cursor = || Cursor {
            behind: beginning.map(|at| Behind {
                at: Some(at),
                next: 1,
            }),
            ..Cursor::default()
        };
        Self {
            all: [cursor(), cursor()],
            first,
            standings: HashMap::new(),
            is_asking: false,
            backoff: Backoff::default(),
            acks: HashMap::new(),
        }
    }

    /// Records below it are of processes before us.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// What the lane has not had, if anything.
    pub fn behind(&self, kind: LaneKind) -> Option<Behind> {
        self.all[kind as usize].behind
    }

    pub fn is_any_behind(&self) -> bool {
        self.all.iter().any(|cursor| cursor.behind.is_some())
    }

    /// The lane reads this record and those after it back.
    pub fn fall_behind(&mut self, kind: LaneKind, seq: i64) {
        let behind = &mut self.all[kind as usize].behind;
        if behind.is_none() {
            #[cfg(test)]
            super::tests::hooks::note(super::tests::hooks::Sight::Spilled);
            *behind = Some(Behind {
                at: None,
                next: seq,
            });
        }
    }

    /// A record of ours will be read back.
    pub fn parked(&mut self, kind: LaneKind, seq: i64, item: &Item<'_>) {
        self.all[kind as usize].parked += 1;
        if let Item::Session(SessionItem { ack, .. }) = item
            && *ack != 0
        {
            self.acks.insert(seq, *ack);
        }
    }

    /// It is back; who waits for it is told when it is written.
    pub fn unparked(&mut self, kind: LaneKind, seq: i64, item: &mut Item<'_>) {
        let parked = &mut self.all[kind as usize].parked;
        *parked = parked.saturating_sub(1);
        if let Item::Session(item) = item {
            item.ack = self.acks.remove(&seq).unwrap_or(0);
        }
    }

    /// Whether a lane is behind, but has had all that is on disk.
    pub fn is_at(&self, kind: LaneKind, end: Position) -> bool {
        let cursor = &self.all[kind as usize];
        let is_idle = !cursor.is_reading && cursor.piece.is_none();
        is_idle
            && cursor
                .behind
                .is_some_and(|behind| behind.at.is_none_or(|at| at >= end))
    }

    /// A lane has had everything; how many records of ours did not come back.
    pub fn catch_up(&mut self, kind: LaneKind) -> u64 {
        let cursor = &mut self.all[kind as usize];
        cursor.behind = None;
        std::mem::take(&mut cursor.parked)
    }

    /// Records were appended there.
    pub fn appended(&mut self, start: Position) {
        for behind in self.all.iter_mut().flat_map(|cursor| &mut cursor.behind) {
            behind.at.get_or_insert(start);
        }
    }

    /// From where a lane is to read on, and the number of a record close by; `None` while it reads, or
    /// when nothing is there for it.
    pub fn begin_reading(
        &mut self,
        kind: LaneKind,
        end: Position,
        now: Instant,
    ) -> Option<(Position, Option<i64>)> {
        let cursor = &mut self.all[kind as usize];
        let Behind { at, next } = cursor.behind?;
        let from = at.filter(|at| *at < end)?;
        let is_idle = !cursor.is_reading && cursor.piece.is_none();
        if !is_idle || !self.backoff.is_over(now) {
            return None;
        }
        cursor.is_reading = true;
        Some((from, (next > 1).then_some(next)))
    }

    pub fn was_read(&mut self, kind: LaneKind, until: Position, piece: ReadBatch) {
        let cursor = &mut self.all[kind as usize];
        cursor.is_reading = false;
        cursor.piece = Some((piece, until));
        self.backoff.succeed();
    }

    pub fn was_not_read(&mut self, kind: LaneKind, now: Instant) {
        self.all[kind as usize].is_reading = false;
        self.backoff.fail(now);
    }

    /// Of what was read by lanes, the days of which it is not known how much is totalled.
    pub fn unknown_days(&self) -> Vec<Day> {
        let pieces = self.all.iter().flat_map(|cursor| &cursor.piece);
        let left = pieces
            .flat_map(|(piece, _)| piece.frames())
            .filter(|(seq, _)| *seq < self.first);
        let days: HashSet<Day> = left
            .filter_map(|(_, body)| record_codec::day(body))
            .filter(|day| !self.standings.contains_key(day))
            .collect();
        days.into_iter().collect()
    }

    pub fn begins_asking(&mut self, now: Instant) -> bool {
        let begins = !self.is_asking && self.backoff.is_over(now);
        self.is_asking |= begins;
        begins
    }

    pub fn learned(&mut self, standings: Vec<(Day, Option<i64>)>) {
        self.is_asking = false;
        self.backoff.succeed();
        self.standings.extend(standings);
    }

    pub fn learned_nothing(&mut self, now: Instant) {
        self.is_asking = false;
        self.backoff.fail(now);
    }

    /// What is known of the database may not hold in the next.
    pub fn leave_place(&mut self) {
        self.is_asking = false;
        self.standings.clear();
    }

    /// What was read for a lane, if it is known what of it is totalled.
    pub fn take_piece(&mut self, kind: LaneKind) -> Option<(ReadBatch, Position)> {
        let (piece, _) = self.all[kind as usize].piece.as_ref()?;
        let left = piece.frames().filter(|(seq, _)| *seq < self.first);
        let mut days = left.filter_map(|(_, body)| record_codec::day(body));
        let is_known = days.all(|day| self.standings.contains_key(&day));
        drop(days);
        is_known.then(|| self.all[kind as usize].piece.take())?
    }

    /// Whether a record that was left is totalled.
    pub fn is_totalled(&self, day: &Day, seq: i64) -> bool {
        let standing = self.standings.get(day).copied().flatten();
        standing >= Some(seq)
    }

    /// A lane has had what was read.
    pub fn placed(&mut self, kind: LaneKind, piece: &ReadBatch, until: Position) {
        if let Some(behind) = &mut self.all[kind as usize].behind {
            behind.at = Some(piece.next.unwrap_or(until));
            let last = piece.last().unwrap_or(i64::MIN);
            behind.next = behind.next.max(last.saturating_add(1));
        }
    }

    /// When what failed is tried again.
    pub fn wake_at(&self) -> Option<Instant> {
        let waits = self.is_any_behind() && !self.is_asking;
        self.backoff.until().filter(|_| waits)
    }
}
