//! Watermarks: record numbers up to which every record has reached a stage.
//!
//! No watermark ever goes back, and none passes a stage that comes before it: whatever is reported late,
//! twice or out of order, [`Watermarks::advance`] keeps both. So "done up to here" can be acted upon,
//! above all when segments are unlinked.

use crate::record::item::{Item, SessionChange};

/// Which write queue a record goes through. Records of one queue do not wait for those of another, neither
/// on their way into the database nor on the way of their totals: a collection that refuses writes costs
/// what belongs to it. Only a logout waits for the logins before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queue {
    Events,
    Logins,
    Logouts,
    /// Events with a dedupe key, which need markers.
    Keyed,
}

/// The number of queues.
pub const QUEUES: usize = 4;

impl Queue {
    pub const ALL: [Queue; QUEUES] = [Queue::Events, Queue::Logins, Queue::Logouts, Queue::Keyed];

    /// The queue that an item goes through.
    pub fn of(item: &Item<'_>) -> Self {
        match item {
            Item::Event(event) if event.key.is_some() => Queue::Keyed,
            Item::Event(_) => Queue::Events,
            Item::Session(session) => match session.change {
                SessionChange::Login { .. } => Queue::Logins,
                SessionChange::Logout(_) => Queue::Logouts,
            },
            Item::Nothing { .. } => Queue::Logouts,
        }
    }
}

/// A stage on the way of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Numbered, and owned by this process.
    Accepted,
    /// On disk, or given up on by a disk that takes nothing.
    Appended,
    /// On disk for good, so that it may be sent.
    Synced,
    /// The newest record that the disk did not take: it is in memory only.
    NotSpooled,
    /// Its document is stored.
    Written(Queue),
    /// Its document and its share of the totals are stored.
    Committed(Queue),
    /// Its document is stored, and its share of the totals is saved on disk, apart from the records.
    Saved(Queue),
    /// Every destination is done with it.
    Forwarded,
    /// Its segment is retained for no destination any more.
    Unretained,
}

const STAGES: usize = 6 + 3 * QUEUES;

#[derive(Debug, Clone)]
pub struct Watermarks([i64; STAGES]);

impl Watermarks {
    /// Of a process whose first record has the number `first`. Recovered records have lower numbers: if
    /// there are some, none of them counts as synced, written, committed or forwarded.
    pub fn new(first: i64, has_recovered: bool) -> Self {
        let before = if has_recovered { 0 } else { first - 1 };
        let mut marks = Self([before; STAGES]);
        marks.0[index(Stage::Accepted)] = first - 1;
        marks.0[index(Stage::Appended)] = first - 1;
        marks.0[index(Stage::NotSpooled)] = 0;
        marks.0[index(Stage::Unretained)] = 0;
        marks
    }

    pub fn get(&self, stage: Stage) -> i64 {
        self.0[index(stage)]
    }

    /// Up to which every record is committed, whichever queue it went through.
    pub fn committed(&self) -> i64 {
        let marks = Queue::ALL.map(|queue| self.get(Stage::Committed(queue)));
        marks.into_iter().min().unwrap_or(0)
    }

    /// Whether a record is written whose share of the totals is not stored.
    pub fn has_uncommitted(&self) -> bool {
        let is_behind = |queue| self.get(Stage::Committed(queue)) < self.get(Stage::Written(queue));
        Queue::ALL.into_iter().any(is_behind)
    }

    /// The record up to which all are committed or saved.
    pub fn settled(&self) -> i64 {
        let totals = Queue::ALL.map(|queue| {
            let committed = self.get(Stage::Committed(queue));
            committed.max(self.get(Stage::Saved(queue)))
        });
        totals.into_iter().min().unwrap_or(0)
    }

    /// The record up to which all are settled, and done for every destination that they are retained for.
    pub fn releasable(&self) -> i64 {
        let events = self.get(Stage::Forwarded).max(self.get(Stage::Unretained));
        self.settled().min(events)
    }

    /// Every record up to this one has reached the stage.
    pub fn advance(&mut self, stage: Stage, up_to: i64) {
        let limit = match stage {
            Stage::Accepted => i64::MAX,
            Stage::Synced => self.get(Stage::Appended),
            Stage::Committed(queue) | Stage::Saved(queue) => self.get(Stage::Written(queue)),
            Stage::Appended
            | Stage::NotSpooled
            | Stage::Written(_)
            | Stage::Forwarded
            | Stage::Unretained => self.get(Stage::Accepted),
        };
        let mark = &mut self.0[index(stage)];
        *mark = (*mark).max(up_to.min(limit));
    }
}

fn index(stage: Stage) -> usize {
    match stage {
        Stage::Accepted => 0,
        Stage::Appended => 1,
        Stage::Synced => 2,
        Stage::NotSpooled => 3,
        Stage::Forwarded => 4,
        Stage::Unretained => 5,
        Stage::Written(queue) => 6 + queue as usize,
        Stage::Committed(queue) => 6 + QUEUES + queue as usize,
        Stage::Saved(queue) => 6 + 2 * QUEUES + queue as usize,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::util::proptest_config::config;

    const ALL: [Stage; STAGES] = [
        Stage::Accepted,
        Stage::Appended,
        Stage::Synced,
        Stage::NotSpooled,
        Stage::Forwarded,
        Stage::Unretained,
        Stage::Written(Queue::Events),
        Stage::Written(Queue::Logins),
        Stage::Written(Queue::Logouts),
        Stage::Written(Queue::Keyed),
        Stage::Committed(Queue::Events),
        Stage::Committed(Queue::Logins),
        Stage::Committed(Queue::Logouts),
        Stage::Committed(Queue::Keyed),
        Stage::Saved(Queue::Events),
        Stage::Saved(Queue::Logins),
        Stage::Saved(Queue::Logouts),
        Stage::Saved(Queue::Keyed),
    ];

    proptest! {
        #![proptest_config(config(2_000))]

        #[test]
        fn a_watermark_never_goes_back_and_passes_no_earlier_stage(
            first in 1..50_i64,
            recovers in any::<bool>(),
            reports in vec((0..STAGES, -10..100_i64), 0..60),
        ) {
            let mut marks = Watermarks::new(first, recovers);
            for (stage, up_to) in reports {
                let before = marks.clone();
                marks.advance(ALL[stage], up_to);
                for stage in ALL {
                    prop_assert!(marks.get(stage) >= before.get(stage), "{stage:?}");
                    prop_assert!(marks.get(stage) <= marks.get(Stage::Accepted), "{stage:?}");
                }
                prop_assert!(marks.get(Stage::Synced) <= marks.get(Stage::Appended));
                for queue in Queue::ALL {
                    let written = marks.get(Stage::Written(queue));
                    prop_assert!(marks.get(Stage::Committed(queue)) <= written);
                    prop_assert!(marks.committed() <= written);
                }
            }
        }
    }

    #[test]
    fn a_stage_that_is_reached_is_known() {
        let mut marks = Watermarks::new(10, true);
        assert_eq!((marks.get(Stage::Accepted), marks.committed()), (9, 0));
        marks.advance(Stage::Written(Queue::Events), 9);
        marks.advance(Stage::Written(Queue::Logins), 5);
        assert!(marks.has_uncommitted());
        for queue in Queue::ALL {
            marks.advance(Stage::Committed(queue), 9);
        }
        assert_eq!(marks.get(Stage::Committed(Queue::Events)), 9);
        assert_eq!(marks.get(Stage::Committed(Queue::Logins)), 5);
        assert_eq!((marks.committed(), marks.has_uncommitted()), (0, false));
    }
}
