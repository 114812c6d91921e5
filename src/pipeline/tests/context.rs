//! The context of tests: low limits, so that small runs meet them, and chance that can be repeated.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::instance::context::{Context, Limits};
use crate::util::random::{Source, random_id};

/// Waits end in a tick's last part but one, where the model has nothing else happen.
const TICK_MS: u64 = 4;

pub const LIMITS: Limits = Limits {
    event_batch: 3,
    session_batch: 4,
    users_per_request: 2,
    known_users: 3,
    append_bytes: 500,
    read_bytes: 1 << 10,
    reserved_reads: 1,
    totals_saved_after: Duration::from_millis(40),
    totals_saved_every: Duration::from_millis(20),
    unsaved_bytes: 200,
    presence_every: Duration::from_millis(400),
    claim_sessions: 1_000,
    reports_first: Duration::from_millis(40),
    reports_every: Duration::from_millis(400),
};

pub fn context() -> Context {
    Context {
        limits: LIMITS,
        ..Context::default()
    }
}

/// A small generator of its own, so that a seed means the same run for ever.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Waits are rolled with the dice.
pub struct RolledWaits(pub Arc<Mutex<Dice>>);

impl Source for RolledWaits {
    fn wait(&self, range: RangeInclusive<Duration>) -> Duration {
        let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, last) = (range.start().as_millis(), range.end().as_millis());
        let ticks = dice.roll((last - first) as u64 / TICK_MS + 1);
        Duration::from_millis(first as u64 / TICK_MS * TICK_MS + ticks * TICK_MS + 1)
    }

    fn id(&self) -> String {
        random_id()
    }
}

/// The same, with a writer id that was used before.
pub struct ReusedId {
    pub waits: RolledWaits,
    pub id: Mutex<Option<String>>,
}

impl Source for ReusedId {
    fn wait(&self, range: RangeInclusive<Duration>) -> Duration {
        self.waits.wait(range)
    }

    fn id(&self) -> String {
        let id = self
            .id
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        id.unwrap_or_else(random_id)
    }
}
