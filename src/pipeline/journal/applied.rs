//! The last records that are applied to each day of recovered records, looked up in the database. Records up
//! to them are in the totals already and must not be enqueued again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use crate::pipeline::task::{Tasks, attempt};
use crate::pipeline::totals::Names;
use crate::pipeline::watermarks::{QUEUES, Queue};
use crate::record::day::Day;
use crate::store::{AppliedSeq, Result, Store, StoreError};
use crate::util::backoff::Backoff;
use crate::util::random::Random;

/// With the last record of each queue, in the order of [`Queue::ALL`].
type Days = HashMap<Day, [Option<i64>; QUEUES]>;

pub struct Applied {
    days: Days,
    backoff: Backoff,
    tasks: Tasks<LookedUp>,
}

/// The result of a look-up.
pub struct LookedUp(Result<Days>);

impl Applied {
    pub fn new(random: &Random) -> Self {
        Self {
            days: HashMap::new(),
            backoff: Backoff::new(random),
            tasks: Tasks::new(),
        }
    }

    pub fn knows(&self, day: &Day) -> bool {
        self.days.contains_key(day)
    }

    /// Whether a record is applied to its day.
    pub fn holds(&self, queue: Queue, day: &Day, seq: i64) -> bool {
        let last = self.days.get(day).and_then(|last| last[queue as usize]);
        last >= Some(seq)
    }

    /// Looks up the days that are not known, one look-up at a time.
    pub fn look_up<S: Store>(
        &mut self,
        days: impl Iterator<Item = Day>,
        store: &Arc<S>,
        writers: Names,
        now: Instant,
    ) {
        if !self.is_idle() || !self.backoff.is_over(now) {
            return;
        }
        let unknown: HashSet<Day> = days.filter(|day| !self.knows(day)).collect();
        if unknown.is_empty() {
            return;
        }
        let store = Arc::clone(store);
        let look_up = attempt(async move {
            let mut found = Days::new();
            for day in unknown {
                let mut last = [None; QUEUES];
                for (last, writer) in last.iter_mut().zip(&writers) {
                    if let AppliedSeq::At(seq) = store.applied_seq(&day, writer).await? {
                        *last = seq;
                    }
                }
                found.insert(day, last);
            }
            Ok(found)
        });
        self.tasks.spawn(async { LookedUp(look_up.await) });
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> LookedUp {
        self.tasks.next().await
    }

    pub fn handle(
        &mut self,
        LookedUp(result): LookedUp,
        now: Instant,
    ) -> std::result::Result<(), StoreError> {
        match result {
            Ok(found) => {
                self.backoff.succeed();
                self.days.extend(found);
                Ok(())
            }
            Err(error) => {
                self.backoff.fail(now);
                Err(error)
            }
        }
    }

    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The database is left: the next may have other records applied.
    pub fn leave_database(&mut self) {
        self.tasks.detach();
        self.days.clear();
    }

    /// When a look-up that failed is retried.
    pub fn wake_at(&self) -> Option<Instant> {
        self.backoff.until()
    }
}
