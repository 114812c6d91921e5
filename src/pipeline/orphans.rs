//! Writes what processes have left in the spool that died and were not replaced: beside our own
//! records, one slot after the other, under the id of the dead.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

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

pub(super) struct Orphans {
    next_look: Instant,
    is_looking: bool,
    drain: Option<Drain>,
    tasks: JoinSet<Seen>,
}

/// A slot that is being drained, until this is dropped.
struct Drain {
    _pipeline: Pipeline,
    shared: Arc<Shared>,
}

pub(super) enum Seen {
    Looked(io::Result<Option<Slot>>),
    Drained,
}

impl Default for Orphans {
    fn default() -> Self {
        Self {
            next_look: Instant::now(),
            is_looking: false,
            drain: None,
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
        !self.is_looking && self.drain.is_none() && self.next_look <= now
    }

    pub(super) fn look_at(&self) -> Option<Instant> {
        let waits = !self.is_looking && self.drain.is_none();
        waits.then_some(self.next_look)
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
            Seen::Drained => {
                let mut is_through = false;
                if let Some(Drain { shared, .. }) = self.orphans.drain.take() {
                    is_through = !shared.is_stopped();
                    let records = shared.health.counts().written;
                    self.shared.note_spool(|spool| spool.drained += records);
                    self.shared
                        .log(Level::Info, messages::drained_slot(records));
                }
                // There may be more, unless it ended for another reason.
                if is_through {
                    self.orphans.next_look = Instant::now();
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
        config.destinations.clear();
        let host = Arc::new(Quiet(Arc::clone(&self.shared)));
        let shared = Shared::new(config, host);
        let segments = Segments::new(slot, 0);
        let pipeline = spawn_drain(Arc::clone(&shared), Arc::clone(&self.opener), segments);
        pipeline.connect(connection);
        let commands = pipeline.commands.clone();
        self.orphans.tasks.spawn(async move {
            commands.closed().await;
            Seen::Drained
        });
        self.orphans.drain = Some(Drain {
            _pipeline: pipeline,
            shared,
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
