//! What happened in the runs of the model, so that nobody takes a run in which nothing went wrong for
//! a proof.

use std::fmt;
use std::ops::{AddAssign, Index, IndexMut};

macro_rules! sights {
    ($($(#[$doc:meta])* $sight:ident $name:literal,)*) => {
        #[derive(Debug, Clone, Copy)]
        pub enum Sight {
            $($(#[$doc])* $sight,)*
        }

        const NAMES: [&str; [$($name),*].len()] = [$($name),*];
    };
}

sights! {
    Run "runs",
    Step "steps",
    Record "records",
    Request "requests",
    /// A unique index refused a document that is there already.
    Duplicate "E11000",
    /// The same event or session inserted again.
    Replay "replays",
    /// A compare-and-set that matched nothing.
    Miss "CAS conflicts",
    RequestLost "lost requests",
    ReplyLost "lost replies",
    /// Ran after its sender had given it up.
    Late "late requests",
    /// An attempt that was given up and went on.
    Zombie "attempts given up",
    FailOver "fail-overs",
    /// A fail-over that took something back.
    Rollback "rollbacks",
    Crash "crashes",
    Move "moves",
    /// Another process has added under the id of one.
    Clash "clashes of writer ids",
    /// A backup that was put back and took totals away.
    Restore "backups put back",
    /// A session of a slow clock whose id was moved.
    Lifted "lifted sessions",
    Metrics "answers to getMetrics()",
    /// A process was claimed.
    Claimed "processes taken for dead",
    /// Sessions that were closed by a claim, and logouts of such.
    Estimated "estimated ends",
    EstimateReplaced "estimates replaced",
    /// A process found its claim, and the sessions that it opened again.
    Thaw "thaws",
    Reopened "sessions opened again",
    /// Somebody else sums up the month.
    ClaimRefused "claims refused",
    /// A write queue left records to the disk, since memory held enough.
    Spilled "spills to disk",
    /// Read from what a dead process had left.
    Recovered "recovered records",
    /// Part of a batch that was left was added by a late request of the dead.
    RestAdded "rests of batches",
    /// Written by a process beside its own records.
    Drained "records recovered from others",
    /// The marker of a dedupe key was there.
    Redelivery "redeliveries",
    /// A purchase was there.
    Repurchase "purchases read back",
}

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
