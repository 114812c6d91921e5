//! Look-ups of the last records that are applied to each day of recovered records. Records up to them are in the
//! totals already and must not be enqueued again.

use std::sync::Arc;

use tokio::time::Instant;

use super::read_positions::{AppliedSeqs, ReadPositions};
use crate::instance::shared::Shared;
use crate::pipeline::task::{Tasks, attempt};
use crate::pipeline::totals::Writer;
use crate::pipeline::watermarks::Queue;
use crate::record::day::Day;
use crate::store::{AppliedSeq, Result, Store};

type Applied = Vec<(Day, AppliedSeqs)>;

pub struct AppliedLookUps {
    shared: Arc<Shared>,
    tasks: Tasks<LookedUp>,
}

/// The result of a look-up.
pub struct LookedUp(Result<Applied>);

impl AppliedLookUps {
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            tasks: Tasks::new(),
        }
    }

    /// Starts a look-up for the days that need one.
    pub fn poll<S: Store>(
        &mut self,
        positions: &mut ReadPositions,
        store: &Arc<S>,
        writer: &str,
        now: Instant,
    ) {
        let days = positions.unknown_days();
        if days.is_empty() || !positions.begins_asking(now) {
            return;
        }
        let (store, writer) = (Arc::clone(store), writer.to_owned());
        let look_up = attempt(async move { applied(store.as_ref(), days, &writer).await });
        self.tasks.spawn(async { LookedUp(look_up.await) });
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> LookedUp {
        self.tasks.next().await
    }

    pub fn handle(&self, LookedUp(result): LookedUp, positions: &mut ReadPositions, now: Instant) {
        match result {
            Ok(applied) => positions.learned(applied),
            Err(error) => {
                positions.learned_nothing(now);
                self.shared.health.error(error.message);
            }
        }
    }

    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The database is left: results of its look-ups are ignored.
    pub fn detach(&mut self) {
        self.tasks.detach();
    }
}

async fn applied<S: Store>(store: &S, days: Vec<Day>, writer: &str) -> Result<Applied> {
    let mut applied = Vec::new();
    for day in days {
        let mut last = AppliedSeqs::default();
        for queue in Queue::ALL {
            let writer = Writer::name(writer, queue);
            if let AppliedSeq::At(seq) = store.applied_seq(&day, &writer).await? {
                last[queue as usize] = seq;
            }
        }
        applied.push((day, last));
    }
    Ok(applied)
}
