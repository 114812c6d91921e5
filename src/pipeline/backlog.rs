//! The worker's side of the spool: when records go to the disk, what comes back from it goes to its
//! lane, and what the operator and `getHealth()` hear of it.

use std::io;
use std::sync::Arc;

use tokio::time::Instant;

use super::attempt::attempt;
use super::cursors::LaneKind;
use super::groups::EventGroup;
use super::messages;
use super::spooling::{Done, Kept, Spooling};
use super::worker::{Outcome, Worker};
use crate::instance::health::SpoolState;
use crate::instance::listener::Level;
use crate::record::day::Day;
use crate::record::item::{Item, SessionChange, SessionItem};
use crate::spool::{Position, ReadBatch, record_codec};
use crate::store::{AppliedSeq, Result, Store};
use crate::util::clock::system_ms;

/// Who logged in longer ago is not counted as a user of that day any more: the markers that would
/// tell whether he was counted already expire. In ms.
const LATE_MS: i64 = 30 * 86_400_000;

impl<S: Store> Worker<S> {
    /// Whether a record is to be added to its lane now. Without a spool each is.
    pub(super) fn spool(&mut self, item: &Item<'_>) -> bool {
        let Some(spool) = &mut self.spool else {
            return true;
        };
        let seq = match item {
            Item::Event(event) => event.seq,
            Item::Session(item) => item.seq,
            Item::Nothing { .. } => return true,
        };
        spool.take(seq, item, self.shared.is_half_full())
    }

    pub(super) fn step_spool(&mut self, now: Instant) {
        let is_sending = self.link.store().is_some()
            && !self.events.is_pausing(now)
            && !self.sessions.is_pausing(now);
        let is_last = self.shared.is_draining() || self.orphaned;
        let is_ending = self.stopping || is_last || self.is_drain;
        let Some(spool) = &mut self.spool else {
            return;
        };
        let kept = spool.append(now);
        if spool.wants_sync(now, is_sending) {
            // What is synced now may leave, whatever comes behind it.
            self.events.cut();
            self.sessions.cut();
            spool.sync(now);
        }
        if let Some(kept) = kept {
            self.kept(kept);
        }
        self.place_pieces();
        self.take_back();
        self.read_back(now);
        self.release(is_ending, now);
    }

    /// Lets go of what is done with on disk, and keeps how far destinations have come.
    fn release(&mut self, is_ending: bool, now: Instant) {
        let (settled, last) = (self.settled_up_to(), self.intake.last_seq());
        let Some(spool) = &mut self.spool else {
            return;
        };
        // Nothing is, while what was left is read back.
        if let Some(forwarded) = self.delivery.settled_up_to(last) {
            // Nothing is added to a slot that is drained.
            if !self.is_drain {
                self.delivery.make_room(spool, settled, now);
            }
            let done = settled.min(spool.events_done(forwarded));
            spool.release(done, is_ending, now);
        }
        if let Some(advance) = self.delivery.advance(last, settled, now, is_ending) {
            spool.keep(advance);
        }
    }

    /// Everything up to this record is written and totalled.
    fn settled_up_to(&self) -> i64 {
        let written = self.written_up_to();
        match self.adding.group.is_some() || self.totals.is_ready(written) {
            true => written.min(self.adding.totalled_up_to),
            false => written,
        }
    }

    /// While the disk takes nothing, lanes get what waits for it.
    fn take_back(&mut self) {
        for kind in LaneKind::ALL {
            let taken = self.spool.as_mut().and_then(|spool| spool.take_back(kind));
            if let Some((records, parked)) = taken {
                self.shared.release(parked);
                for (seq, body) in records {
                    self.place_record(kind, seq, &body);
                }
                if let Some(spool) = &mut self.spool {
                    let missing = spool.cursors.catch_up(kind);
                    self.records_missing(missing);
                }
            }
        }
    }

    fn records_missing(&self, records: u64) {
        self.shared.settle_dropped("spool_damaged", records);
        if records > 0 {
            self.shared
                .warn_once("spool_damaged", || messages::records_missing(records));
        }
    }

    /// Lanes read on while memory is far from full. That of sessions, which few records are for, reads
    /// on a little longer, so that a login does not wait behind the events of an outage. The one that is
    /// furthest behind must get on even then, since what it has not written holds up the totals of the
    /// other; but not while there are totals that can be added first.
    fn read_back(&mut self, now: Instant) {
        let has_totals = self.adding.group.is_some() || self.totals.is_ready(self.written_up_to());
        let is_roomy = self.shared.is_quarter_full_at_most();
        let is_half_full = self.shared.is_half_full();
        let budget = self.shared.read_back_bytes();
        let next = |spool: &Spooling, kind| {
            let behind = spool.cursors.behind(kind);
            behind.map_or(i64::MAX, |behind| behind.next)
        };
        for kind in LaneKind::ALL {
            let is_empty = match kind {
                LaneKind::Events => self.events.first_unwritten().is_none(),
                LaneKind::Sessions => self.sessions.first_unwritten().is_none(),
            };
            let Some(spool) = &mut self.spool else {
                return;
            };
            let is_last = LaneKind::ALL
                .iter()
                .all(|other| next(spool, kind) <= next(spool, *other));
            let is_needed = is_last && !has_totals;
            let is_urgent = kind == LaneKind::Sessions && !is_half_full;
            if is_roomy || is_empty && (is_needed || is_urgent) {
                spool.read(kind, budget, now);
            }
        }
    }

    pub(super) fn spool_done(&mut self, done: Done, now: Instant) {
        let Some(spool) = &mut self.spool else {
            return;
        };
        match done {
            Done::Appended(chunk, outcome, status) => {
                let kept = spool.appended(chunk, outcome, status, now);
                self.kept(kept);
            }
            Done::Synced(up_to, outcome) => {
                spool.synced(up_to);
                if let Err(error) = outcome {
                    self.spool_failed("spool_not_synced", &error);
                }
            }
            Done::Read(kind, until, Ok(piece)) => {
                // Both lanes read the same.
                if kind == LaneKind::Events && piece.damaged > 0 {
                    self.shared
                        .note_spool(|spool| spool.damaged_bytes += piece.damaged);
                    self.shared
                        .warn_once("spool_damaged", || messages::spool_damaged(piece.damaged));
                }
                spool.cursors.was_read(kind, until, piece);
            }
            Done::Read(kind, _, Err(error)) => {
                spool.cursors.was_not_read(kind, now);
                self.spool_failed("spool_not_read", &error);
            }
            Done::Advanced(advanced) => {
                self.delivery.advanced(&advanced);
                if let Some(error) = advanced.error {
                    self.spool_failed("cursor_not_written", &error);
                }
            }
            Done::Released(outcome, status) => {
                if spool.released(outcome.is_ok(), status, now) {
                    self.spool_goes_on();
                }
                if let Err(error) = outcome {
                    self.spool_failed("spool_not_released", &error);
                }
            }
        }
        self.report_spool();
    }

    fn kept(&mut self, kept: Kept) {
        match kept {
            Kept::OnDisk { parked, was_full } => {
                self.shared.release(parked);
                if was_full {
                    self.spool_goes_on();
                }
            }
            Kept::InMemory { records, error } => {
                self.shared.note_spool(|spool| spool.unspooled += records);
                self.spool_failed("spool_full", &error);
            }
            Kept::Waits { error } => self.spool_failed("spool_full", &error),
        }
        self.report_spool();
    }

    /// Near its bound a spool may be full and go on many times a second.
    fn spool_goes_on(&self) {
        let now = std::time::Instant::now();
        if self.shared.health.begins_episode("spool_goes_on", now) {
            self.shared
                .log(Level::Info, messages::SPOOL_GOES_ON.to_owned());
        }
    }

    pub(super) fn report_spool(&self) {
        if let Some(spool) = &self.spool {
            let (bytes, is_full) = (spool.status().bytes, spool.is_full());
            let forwarded = self.delivery.settled_up_to(self.intake.last_seq());
            let holds_records = spool.holds_after(self.settled_up_to());
            let holds_events = spool.holds_events_after(forwarded.unwrap_or(0));
            self.shared.note_spool(|report| {
                report.bytes = bytes;
                (report.holds_records, report.holds_events) = (holds_records, holds_events);
                report.state = if is_full {
                    SpoolState::Full
                } else {
                    SpoolState::Ok
                };
            });
        }
    }

    fn spool_failed(&self, reason: &'static str, error: &io::Error) {
        self.shared
            .warn_once(reason, || messages::spool_failed(reason, error));
        self.shared.health.error(format!("spool: {error}"));
    }

    /// Gives lanes what was read for them, once it is known what of it is totalled already.
    fn place_pieces(&mut self) {
        for kind in LaneKind::ALL {
            let taken = self
                .spool
                .as_mut()
                .and_then(|spool| spool.cursors.take_piece(kind));
            if let Some((piece, until)) = taken {
                self.place_piece(kind, &piece, until);
            }
        }
    }

    fn place_piece(&mut self, kind: LaneKind, piece: &ReadBatch, until: Position) {
        let mut last = i64::MIN;
        for (seq, body) in piece.frames() {
            // A disk may show one record twice.
            if seq > last {
                self.place_record(kind, seq, body);
                last = seq;
            }
        }
        if let Some(spool) = &mut self.spool {
            let missing = spool.placed(kind, piece, until);
            self.records_missing(missing);
        }
    }

    fn place_record(&mut self, kind: LaneKind, seq: i64, body: &[u8]) {
        let Some(spool) = &mut self.spool else {
            return;
        };
        let had = spool
            .cursors
            .behind(kind)
            .is_none_or(|behind| seq < behind.next);
        let spooled = record_codec::read(seq, body).filter(|_| !had);
        let Some(mut spooled) = spooled.filter(|one| LaneKind::of(&one.item) == kind) else {
            return;
        };
        let cost = spooled.item.cost();
        if seq < spool.cursors.first() {
            if self.delivery.was_written(seq) {
                return;
            }
            if record_codec::day(body).is_some_and(|day| spool.cursors.is_totalled(&day, seq)) {
                return;
            }
            self.shared.take_over(1, cost);
            self.shared.note_spool(|spool| spool.recovered += 1);
            if spooled.handed_over_ms < system_ms() - LATE_MS {
                self.mark_late(&mut spooled.item);
            }
        } else {
            spool.cursors.unparked(kind, seq, &mut spooled.item);
            self.shared.occupy(cost);
        }
        self.add_to_lane(spooled.item);
    }

    fn mark_late(&self, item: &mut Item<'_>) {
        if let Item::Session(SessionItem {
            change: SessionChange::Login { is_late, .. },
            ..
        }) = item
        {
            *is_late = true;
            self.shared.health.note("late", 1);
        }
    }

    pub(super) fn add_to_lane(&mut self, item: Item<'_>) {
        match item {
            Item::Event(event) => {
                let fits = |group: &EventGroup| group.is_of(&event.day);
                self.events.group_for(event.cost, fits).add(event);
            }
            Item::Session(item) => self.sessions.group_for(item.cost, |_| true).add(item),
            Item::Nothing { .. } => {}
        }
    }

    /// Asks how much of what was left is totalled.
    pub(super) fn ask_standings(&mut self, store: &Arc<S>, now: Instant) {
        let Some(spool) = &mut self.spool else {
            return;
        };
        let days = spool.cursors.unknown_days();
        if days.is_empty() || !spool.cursors.begins_asking(now) {
            return;
        }
        let (store, writer) = (Arc::clone(store), self.adding.ledger.writer().to_owned());
        let asking = attempt(async move {
            let mut standings = Vec::new();
            for day in days {
                let applied_seq = match store.applied_seq(&day, &writer).await? {
                    AppliedSeq::NoDocument => None,
                    AppliedSeq::At(applied_seq) => applied_seq,
                };
                standings.push((day, applied_seq));
            }
            Ok(standings)
        });
        self.tasks.spawn(async { Outcome::Standings(asking.await) });
    }

    pub(super) fn standings_answered(
        &mut self,
        outcome: Result<Vec<(Day, Option<i64>)>>,
        now: Instant,
    ) {
        let Some(spool) = &mut self.spool else {
            return;
        };
        match outcome {
            Ok(standings) => spool.cursors.learned(standings),
            Err(error) => {
                spool.cursors.learned_nothing(now);
                self.shared.health.error(error.message);
            }
        }
    }
}

/// Resolves with what the next task on the disk brings back; never, without a spool.
pub(super) async fn done(spool: &mut Option<Spooling>) -> Done {
    match spool {
        Some(spool) => spool.done().await,
        None => std::future::pending().await,
    }
}
