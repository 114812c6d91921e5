//! Writes and forwards what processes have left in the spool that died and were not replaced: beside our
//! own records, one slot after the other, under the id of the dead.

use std::collections::HashSet;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::preparation::Preparation;
use super::worker::{Worker, spawn_drain};
use super::{Pipeline, messages};
use crate::forward::Destinations;
use crate::instance::listener::{Level, Listener, Message};
use crate::instance::shared::Shared;
use crate::spool::{SEGMENT_BYTES, Segments, Slot, claim_abandoned};
use crate::store::{self, Store};

/// How often slots are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// The part of the memory bound that draining a slot may take.
const SHARE: usize = 4;
/// How long a slot has its turn at least, when there are more of them.
const TURN: Duration = Duration::from_secs(3);
/// Slots that are drained at once, of which all but one wait for a destination, or all for the database.
const MOST_DRAINS: usize = 4;

pub(super) struct Orphans {
    next_look: Instant,
    is_looking: bool,
    drains: Vec<Drain>,
    /// Drains so far.
    begun: u64,
    /// The slot that was taken last, and those that were told of.
    last: u64,
    told: HashSet<u64>,
    tasks: JoinSet<Seen>,
}

/// A slot that is being drained, until this is dropped.
struct Drain {
    number: u64,
    since: Instant,
    /// They hold the pipeline open.
    watches: [AbortHandle; 2],
    pipeline: Pipeline,
    shared: Arc<Shared>,
    /// Only events wait, for destinations that do not take them.
    is_written: bool,
}

impl Drain {
    fn note_written(&mut self, shared: &Shared) {
        let is_told = std::mem::replace(&mut self.is_written, true);
        let counts = self.shared.health.counts();
        if is_told || counts.written == 0 && counts.dropped.is_empty() {
            return;
        }
        shared.note_spool(|spool| spool.drained += counts.written);
        let dropped = counts.dropped.values().sum();
        shared.log(Level::Info, messages::drained_slot(counts.written, dropped));
    }

    /// It ends, or has ended.
    fn note_end(&mut self, shared: &Shared, destinations: &Destinations) {
        self.note_written(shared);
        for (own, its) in destinations.iter().zip(self.pipeline.destinations.iter()) {
            own.add_counts(its.counts());
        }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.watches.iter().for_each(AbortHandle::abort);
    }
}

pub(super) enum Seen {
    Looked(io::Result<Option<Slot>>),
    /// Of the drain with this number.
    Written(u64),
    Drained(u64),
}

impl Default for Orphans {
    fn default() -> Self {
        Self {
            next_look: Instant::now(),
            is_looking: false,
            drains: Vec::new(),
            begun: 0,
            last: 0,
            told: HashSet::new(),
            tasks: JoinSet::new(),
        }
    }
}

impl Orphans {
    /// When there is room for another one. One slot after the other is written, if there is a database;
    /// that events wait for a destination holds up no other slot for longer than their turn.
    fn room_at(&self, has_database: bool) -> Option<Instant> {
        if self.is_looking || has_database && !self.drains.iter().all(|drain| drain.is_written) {
            return None;
        }
        if self.drains.len() < MOST_DRAINS {
            return Some(self.next_look);
        }
        let written = self.drains.iter().find(|drain| drain.is_written);
        written.map(|drain| self.next_look.max(drain.since + TURN))
    }

    /// What waits in it for a destination is left on disk, for whoever takes the slot next.
    fn make_room(&mut self) -> Option<Drain> {
        let written = self.drains.iter().position(|drain| drain.is_written);
        let ends = written.filter(|_| self.drains.len() >= MOST_DRAINS);
        ends.map(|place| self.drains.remove(place))
    }

    fn watch(
        &mut self,
        number: u64,
        pipeline: &Pipeline,
        written: oneshot::Receiver<()>,
    ) -> [AbortHandle; 2] {
        let commands = pipeline.commands.clone();
        [
            self.tasks.spawn(async move {
                match written.await {
                    Ok(()) => Seen::Written(number),
                    Err(_) => Seen::Drained(number),
                }
            }),
            self.tasks.spawn(async move {
                commands.closed().await;
                Seen::Drained(number)
            }),
        ]
    }

    /// Resolves with what is seen next.
    pub(super) async fn seen(&mut self) -> Seen {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(seen)) => return seen,
                // Nobody watches a drain that was ended.
                Some(Err(error)) if error.is_cancelled() => {}
                Some(Err(error)) => return Seen::Looked(Err(io::Error::other(error))),
                None => pending().await,
            }
        }
    }
}

impl<S: Store> Worker<S> {
    pub(super) fn look_for_orphans(&mut self, now: Instant) {
        let Some(folder) = self.shared.config.spool_dir.clone() else {
            return;
        };
        if self.looks_for_orphans_at().is_none_or(|at| at > now) {
            return;
        }
        self.orphans.is_looking = true;
        self.orphans.next_look = now + LOOK_EVERY;
        let place = store::target(&self.shared.config);
        let after = self.orphans.last;
        self.orphans
            .tasks
            .spawn_blocking(move || Seen::Looked(claim_abandoned(&folder, place, after)));
    }

    /// Destinations get what was left also while the database is away.
    pub(super) fn looks_for_orphans_at(&self) -> Option<Instant> {
        let is_ready = match self.delivery.destinations().is_empty() {
            true => matches!(self.preparation, Preparation::Done),
            false => self.started && self.link.connection().is_some(),
        };
        let looks = self.spool.is_some() && !self.is_drain && is_ready && self.moving.is_none();
        let room_at = self.orphans.room_at(self.shared.gauges().connected);
        room_at.filter(|_| looks)
    }

    /// What is being drained is left to others, or to us at the next place.
    pub(super) fn leave_orphans(&mut self) {
        for drain in &mut self.orphans.drains {
            drain.note_end(&self.shared, self.delivery.destinations());
        }
        let told = std::mem::take(&mut self.orphans.told);
        self.orphans = Orphans {
            told,
            ..Orphans::default()
        };
    }

    pub(super) fn orphan_seen(&mut self, seen: Seen) {
        match seen {
            Seen::Looked(Ok(slot)) => {
                self.orphans.is_looking = false;
                if let Some(slot) = slot {
                    self.drain_slot(slot);
                }
            }
            Seen::Looked(Err(error)) => {
                self.orphans.is_looking = false;
                self.shared.health.error(format!("spool: {error}"));
            }
            Seen::Written(number) => {
                let drains = &mut self.orphans.drains;
                if let Some(drain) = drains.iter_mut().find(|one| one.number == number) {
                    drain.note_written(&self.shared);
                }
            }
            Seen::Drained(number) => {
                let drains = &mut self.orphans.drains;
                let place = drains.iter().position(|one| one.number == number);
                if let Some(mut drain) = place.map(|place| drains.remove(place)) {
                    drain.note_end(&self.shared, self.delivery.destinations());
                }
            }
        }
    }

    fn drain_slot(&mut self, slot: Slot) {
        let Some(connection) = self.link.connection().cloned() else {
            return;
        };
        if let Some(mut drain) = self.orphans.make_room() {
            drain.note_end(&self.shared, self.delivery.destinations());
        }
        self.orphans.last = slot.number();
        // It comes round again when its events still wait for a destination.
        if self.orphans.told.insert(slot.number()) {
            // There may be more.
            self.orphans.next_look = Instant::now();
            let line = messages::drains_slot(slot.path());
            self.shared.log(Level::Info, line);
        }
        let mut config = self.shared.config.clone();
        config.max_queue_bytes /= SHARE;
        let host = Arc::new(Quiet(Arc::clone(&self.shared)));
        let shared = Shared::of_drain(config, host, Arc::clone(&self.shared));
        let segments = Segments::new(slot, 0, SEGMENT_BYTES);
        let (on_written, written) = oneshot::channel();
        let opener = Arc::clone(&self.opener);
        let pipeline = spawn_drain(Arc::clone(&shared), opener, segments, on_written);
        pipeline.connect(connection);
        self.orphans.begun += 1;
        let number = self.orphans.begun;
        let watches = self.orphans.watch(number, &pipeline, written);
        self.orphans.drains.push(Drain {
            number,
            since: Instant::now(),
            watches,
            pipeline,
            shared,
            is_written: false,
        });
    }
}

/// Passes on what the operator should hear.
struct Quiet(Arc<Shared>);

impl Listener for Quiet {
    fn deliver(&self, message: Message) {
        if matches!(message, Message::Log { .. }) {
            self.0.deliver(message);
        }
    }
}
