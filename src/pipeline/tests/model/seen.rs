//! What happened in the runs of the model, so that nobody takes a run in which nothing went wrong for
//! a proof.

use std::fmt;
use std::ops::{AddAssign, Index, IndexMut};

#[derive(Debug, Clone, Copy)]
pub enum Sight {
    Run,
    Step,
    Record,
    Request,
    /// A unique index refused a document that is there already.
    Duplicate,
    /// The same event or session inserted again.
    Replay,
    /// A compare-and-set that matched nothing.
    Miss,
    RequestLost,
    ReplyLost,
    /// Ran after its sender had given it up.
    Late,
    /// An attempt that was given up and went on.
    Zombie,
    FailOver,
    /// A fail-over that took something back.
    Rollback,
    Crash,
    Move,
    /// A backup that was put back and took totals away.
    Restore,
    /// A session of a slow clock whose id was moved.
    Lifted,
    Metrics,
    /// A process was claimed.
    Claimed,
    /// Sessions that were closed by a claim, and logouts of such.
    Estimated,
    EstimateReplaced,
    /// A process found its claim, and the sessions that it opened again.
    Thaw,
    Reopened,
    /// Somebody else sums up the month.
    ClaimRefused,
    /// A lane left records to the disk, since memory held enough.
    Spilled,
    /// Read from what a dead process had left.
    Recovered,
    /// Part of a group that was left was added by a late request of the dead.
    RestAdded,
    /// Written by a process beside its own records.
    Drained,
    /// The marker of a dedupe key was there.
    Redelivery,
    /// A purchase was there.
    Repurchase,
}

const NAMES: [&str; 30] = [
    "runs",
    "steps",
    "records",
    "requests",
    "E11000",
    "replays",
    "misses",
    "lost requests",
    "lost replies",
    "late requests",
    "attempts given up",
    "fail-overs",
    "rollbacks",
    "crashes",
    "moves",
    "backups put back",
    "lifted sessions",
    "answers to getMetrics()",
    "processes taken for dead",
    "estimated ends",
    "estimates replaced",
    "thaws",
    "sessions opened again",
    "claims refused",
    "spills to disk",
    "recovered records",
    "rests of groups",
    "drained records",
    "redeliveries",
    "purchases read back",
];

#[derive(Debug, Clone, Copy, Default)]
pub struct Seen([u64; NAMES.len()]);

impl Seen {
    /// What has not happened at all.
    pub fn missing(&self) -> Vec<&'static str> {
        let counts = NAMES.into_iter().zip(self.0);
        let none = counts.filter(|(_, count)| *count == 0);
        none.map(|(name, _)| name).collect()
    }
}

impl Index<Sight> for Seen {
    type Output = u64;

    fn index(&self, sight: Sight) -> &u64 {
        &self.0[sight as usize]
    }
}

impl IndexMut<Sight> for Seen {
    fn index_mut(&mut self, sight: Sight) -> &mut u64 {
        &mut self.0[sight as usize]
    }
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Seen) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = NAMES.iter().zip(self.0);
        let shown: Vec<String> = counts
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        f.write_str(&shown.join(", "))
    }
}
