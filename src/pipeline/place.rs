//! The place that is written to: finding it, following the host to another one, leaving it.
//!
//! A host may connect its mongoose to another place while records are on their way. What was accepted
//! before belongs to the old place and gets a moment to be written there. What that moment was too
//! short for goes where the host went, as mongoose does with the operations it has buffered. Nothing
//! that is tracked once its new settings can be read is ever written to the old place.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::attempt::attempt;
use super::link::{Found, Prospect, Step, Verdict};
use super::messages;
use super::preparation::{Indexing, Preparation};
use super::protocol::Ledger;
use super::worker::{Outcome, Worker};
use crate::instance::listener::{Level, Message};
use crate::store::{Connection, Store};

/// How long the old place is written to after the host has left it; half of the shortest time limit
/// that somebody may wait for, if that is less.
const FAREWELL: Duration = Duration::from_secs(2);
/// The same at the end of the process.
const SHORT_FAREWELL: Duration = Duration::from_millis(300);

/// The host has gone to another place.
pub(super) struct Move {
    to: Connection,
    /// The last record that was accepted before.
    last: i64,
    until: Instant,
}

impl<S: Store> Worker<S> {
    pub(super) fn step_link(&mut self, now: Instant) {
        match self.link.step(now) {
            Step::Wait => {}
            Step::Ask => self.shared.deliver(Message::ConnectionWanted),
            Step::Open(connection) => {
                let opening = attempt((self.opener)(connection));
                self.tasks.spawn(async { Outcome::Opened(opening.await) });
            }
        }
    }

    pub(super) fn look_elsewhere(&mut self, found: Found) {
        let shared = Arc::clone(&self.shared);
        let prospect = found.prospect;
        if prospect == Prospect::Last && shared.gauges().queued == 0 {
            return;
        }
        let line = match self
            .link
            .nothing_found(found, &shared.config, Instant::now())
        {
            Verdict::KeepAsking => return,
            Verdict::TellUser => {
                return shared.log(Level::Warn, messages::no_connection(&shared.config));
            }
            Verdict::UseFallback => messages::fallback(prospect),
            Verdict::UseOther => {
                shared.deliver(Message::OtherAdopted);
                messages::OTHER_CONNECTION.to_owned()
            }
        };
        shared.deliver(Message::ConnectionKnown);
        shared.log(Level::Info, line);
    }

    /// Whether it is known where to, now that the host cannot be asked any more.
    pub(super) fn has_place(&mut self) -> bool {
        if !self.link.is_known() {
            self.look_elsewhere(Found {
                prospect: Prospect::Last,
                other: None,
            });
        }
        self.link.is_known()
    }

    /// `anew` when the host has left its connection, and is to be asked for another.
    pub(super) fn start(&mut self, anew: bool) {
        if anew {
            self.link.forget(&self.shared.config);
        }
        if self.link.is_known() {
            self.shared.deliver(Message::ConnectionKnown);
        }
        self.started = true;
        self.stopping = false;
    }

    /// The host's mongoose is connected to another place than the one adopted before. If it moves on
    /// before the old place is left, what was tracked in between goes to the newest place.
    pub(super) fn relocate(&mut self, to: Connection) {
        let config = &self.shared.config;
        let farewell = FAREWELL
            .min(config.ack_timeout / 2)
            .min(config.operation_timeout / 2)
            .min(config.shutdown_timeout / 2);
        self.events.complete();
        self.sessions.complete();
        let before = self.moving.take();
        self.moving = Some(Move {
            to,
            last: before
                .as_ref()
                .map_or(self.intake.last_seq(), |before| before.last),
            until: before.map_or(Instant::now() + farewell, |before| before.until),
        });
    }

    /// The newest record that may be written to the place that is open now.
    pub(super) fn newest_of_here(&self) -> i64 {
        self.moving.as_ref().map_or(i64::MAX, |moving| moving.last)
    }

    /// When the time at the old place is over.
    pub(super) fn leaving_at(&self, now: Instant) -> Option<Instant> {
        let until = self.moving.as_ref().map(|moving| moving.until);
        until.filter(|until| *until > now)
    }

    pub(super) fn leave_if_moving(&mut self, now: Instant) {
        let is_last = self.shared.is_draining();
        let Some(moving) = &mut self.moving else {
            return;
        };
        if is_last {
            moving.until = moving.until.min(now + SHORT_FAREWELL);
        }
        let (last, until) = (moving.last, moving.until);
        if !self.is_settled(last) && now < until {
            return;
        }
        if let Some(moving) = self.moving.take() {
            self.leave();
            self.link.relocate(moving.to);
        }
    }

    pub(super) fn close_if_stopped(&mut self) {
        if self.stopping && !self.needs_store() && self.tasks.is_empty() {
            self.leave();
        }
    }

    /// Closes the store. What is still under way there goes on, but nobody waits for its outcome:
    /// every write can be repeated. What was known of the database may not hold in the next.
    fn leave(&mut self) {
        std::mem::take(&mut self.tasks).detach_all();
        self.events.abandon();
        self.sessions.abandon();
        self.repeat_reads();
        self.preparation = Preparation::default();
        self.indexing = Indexing::default();
        self.history.forget();
        self.shared.forget_place();
        self.leave_orphans();
        if let Some(spool) = &mut self.spool {
            spool.cursors.leave_place();
        }
        self.baselines = Arc::default();
        let adding = &mut self.adding;
        if let Some(group) = &mut adding.group {
            if std::mem::take(&mut adding.is_in_flight) {
                group.doubt();
            }
            adding.ledger.relocate(Arc::clone(&self.baselines));
        } else {
            *adding.ledger = Ledger::new(self.numbering.next(), Arc::clone(&self.baselines));
        }
        self.adding.backoff.succeed();
        if let Some(store) = self.link.close() {
            self.shared.set_connected(false);
            tokio::spawn(async move { store.close().await });
        }
    }
}
