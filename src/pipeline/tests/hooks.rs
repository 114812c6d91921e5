//! Where a test takes hold of the pipeline: its chance, its identity, and the wrong designs of the
//! model that need a step of the protocol. They hold on the thread of the test.

use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Dice;
use super::model::Seen;
pub use super::model::{Flaw, Sight};
use crate::store::{Marker, Period};

/// Waits end in a tick's last part but one, where the model has nothing else happen.
const TICK_MS: u64 = 4;

/// Who a process is, if it does not choose for itself.
#[derive(Debug, Clone)]
pub struct Identity {
    pub writer: String,
    pub first_seq: i64,
}

thread_local! {
    static FLAW: Cell<Option<Flaw>> = const { Cell::new(None) };
    static CHANCE: RefCell<Option<Dice>> = const { RefCell::new(None) };
    static SEEN: RefCell<Seen> = RefCell::default();
    static IDENTITY: RefCell<Option<Identity>> = const { RefCell::new(None) };
}

/// Makes what follows on this thread repeatable.
pub fn begin(flaw: Option<Flaw>) {
    FLAW.set(flaw);
    CHANCE.set(Some(Dice(1)));
}

pub fn end() {
    FLAW.set(None);
    CHANCE.set(None);
}

/// Runs something that starts a process.
pub fn with_identity<T>(identity: Identity, start: impl FnOnce() -> T) -> T {
    IDENTITY.set(Some(identity));
    let started = start();
    IDENTITY.set(None);
    started
}

/// Something happened that only the pipeline sees.
pub fn note(sight: Sight) {
    SEEN.with_borrow_mut(|seen| seen[sight] += 1);
}

/// What was noted since the last call.
pub fn take_seen() -> Seen {
    SEEN.take()
}

pub fn has(flaw: Flaw) -> bool {
    FLAW.get() == Some(flaw)
}

pub fn wait(range: RangeInclusive<Duration>) -> Option<Duration> {
    CHANCE.with_borrow_mut(|dice| {
        let (first, last) = (range.start().as_millis(), range.end().as_millis());
        let ticks = dice.as_mut()?.roll((last - first) as u64 / TICK_MS + 1);
        Some(Duration::from_millis(
            first as u64 / TICK_MS * TICK_MS + ticks * TICK_MS + 1,
        ))
    })
}

pub fn writer() -> Option<String> {
    IDENTITY.with_borrow(|identity| Some(identity.as_ref()?.writer.clone()))
}

pub fn first_seq() -> Option<i64> {
    IDENTITY.with_borrow(|identity| Some(identity.as_ref()?.first_seq))
}

/// Lets markers pass that the protocol would not count.
pub fn distorted(mut markers: Vec<Marker>, period: Period<'_>, last: i64) -> Vec<Marker> {
    for marker in &mut markers {
        if has(Flaw::MonthMarkerWithoutDay) && matches!(period, Period::Month(_)) {
            marker.day = period.day().as_str().to_owned();
        }
        if has(Flaw::MarkerConditionLeftOut) {
            marker.seq = last;
        }
    }
    markers
}
