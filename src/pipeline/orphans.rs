//! Writes and forwards what processes have left in the spool that died and were not replaced: beside our
//! own records, one slot after the other, under the id of the dead.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::preparation::Preparation;
use super::worker::{Worker, spawn_drain};
use super::{Pipeline, messages};
use crate::host::{Host, Level, Message};
use crate::shared::Shared;
use crate::spool::{Segments, Slot, claim_orphan};
use crate::store::Store;

/// How often slots are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// The part of the memory bound that draining a slot may take.
const SHARE: usize = 4;
/// Slots of which events may wait for a destination at once.
const MOST_DRAINS: usize = 8;

pub(super) struct Orphans {
    next_look: Instant,
    is_looking: bool,
    drains: Vec<Drain>,
    /// Drains so far.
    begun: u64,
    tasks: JoinSet<Seen>,
}

/// A slot that is being drained, until this is dropped.
struct Drain {
    number: u64,
    _pipeline: Pipeline,
    shared: Arc<Shared>,
    /// Only events wait, for destinations that do not take them.
    is_written: bool,
}

impl Drain {
    fn note_written(&mut self, shared: &Shared) {
        if !std::mem::replace(&mut self.is_written, true) {
            let records = self.shared.health.counts().written;
            shared.note_spool(|spool| spool.drained += records);
            shared.log(Level::Info, messages::drained_slot(records));
        }
    }

    fn note_forwarded(&self, shared: &Shared) {
        for (own, its) in shared.receivers.iter().zip(&self.shared.receivers) {
            own.absorb(its.counts());
        }
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
            tasks: JoinSet::new(),
        }
    }
}

impl Orphans {
    /// What is being drained is left to others, or to us at the next place.
    pub(super) fn leave_place(&mut self) {
        *self = Self::default();
    }

    fn may_look(&self, now: Instant) -> bool {
        self.look_at().is_some_and(|at| at <= now)
    }

    /// One slot is written at a time; that its events wait for a destination holds up no other slot.
    pub(super) fn look_at(&self) -> Option<Instant> {
        let are_written = self.drains.iter().all(|drain| drain.is_written);
        let has_room = self.drains.len() < MOST_DRAINS;
        (!self.is_looking && are_written && has_room).then_some(self.next_look)
    }

    fn watch(&mut self, number: u64, pipeline: &Pipeline, written: oneshot::Receiver<()>) {
        self.tasks.spawn(async move {
            match written.await {
                Ok(()) => Seen::Written(number),
                Err(_) => Seen::Drained(number),
            }
        });
        let commands = pipeline.commands.clone();
        self.tasks.spawn(async move {
            commands.closed().await;
            Seen::Drained(number)
        });
    }

    /// Resolves with what is seen next.
    pub(super) async fn seen(&mut self) -> Seen {
        match self.tasks.join_next().await {
            Some(Ok(seen)) => seen,
            Some(Err(error)) => Seen::Looked(Err(io::Error::other(error))),
            None => pending().await,
        }
    }
}

impl<S: Store> Worker<S> {
    pub(super) fn look_for_orphans(&mut self, now: Instant) {
        let Some(folder) = self.shared.config.spool_dir.clone() else {
            return;
        };
        if !self.looks_for_orphans() || !self.orphans.may_look(now) {
            return;
        }
        self.orphans.is_looking = true;
        self.orphans.next_look = now + LOOK_EVERY;
        let place = self.shared.config.place();
        self.orphans
            .tasks
            .spawn_blocking(move || Seen::Looked(claim_orphan(&folder, place)));
    }

    pub(super) fn looks_for_orphans(&self) -> bool {
        let is_ready = matches!(self.preparation, Preparation::Done) && self.moving.is_none();
        self.spool.is_some() && !self.is_drain && is_ready
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
                    // There may be more.
                    self.orphans.next_look = Instant::now();
                }
            }
            Seen::Drained(number) => {
                let drains = &mut self.orphans.drains;
                let place = drains.iter().position(|one| one.number == number);
                if let Some(mut drain) = place.map(|place| drains.swap_remove(place)) {
                    drain.note_written(&self.shared);
                    drain.note_forwarded(&self.shared);
                    // Unless it ended for another reason.
                    if !drain.shared.is_stopped() {
                        self.orphans.next_look = Instant::now();
                    }
                }
            }
        }
    }

    fn drain_slot(&mut self, slot: Slot) {
        let Some(connection) = self.link.connection().cloned() else {
            return;
        };
        self.shared
            .log(Level::Info, messages::drains_slot(slot.path()));
        let mut config = self.shared.config.clone();
        config.max_queue_bytes /= SHARE;
        let host = Arc::new(Quiet(Arc::clone(&self.shared)));
        let shared = Shared::new(config, host);
        let segments = Segments::new(slot, 0);
        let (on_written, written) = oneshot::channel();
        let opener = Arc::clone(&self.opener);
        let pipeline = spawn_drain(Arc::clone(&shared), opener, segments, on_written);
        pipeline.connect(connection);
        self.orphans.begun += 1;
        self.orphans.watch(self.orphans.begun, &pipeline, written);
        self.orphans.drains.push(Drain {
            number: self.orphans.begun,
            _pipeline: pipeline,
            shared,
            is_written: false,
        });
    }
}

/// Passes on what the operator should hear.
struct Quiet(Arc<Shared>);

impl Host for Quiet {
    fn deliver(&self, message: Message) {
        if matches!(message, Message::Log { .. }) {
            self.0.deliver(message);
        }
    }
}
