//! The context of an instance: clock, chance, limits and threads, passed in so that tests choose their own.

use tokio::runtime::Handle;

use std::time::Duration;

use crate::util::clock::Clock;
use crate::util::random::Random;
use crate::util::threads::Threads;

#[derive(Debug, Clone, Default)]
pub struct Context {
    pub clock: Clock,
    pub random: Random,
    pub limits: Limits,
    /// Threads for disk I/O.
    pub disk: Threads,
    /// A thread for appends alone.
    pub appends: Threads,
    pub forwarders: Forwarders,
}

/// Runtime and threads of the destinations. They are not those of the database and the disk, so that a
/// destination costs nothing but itself.
#[derive(Debug, Clone, Default)]
pub struct Forwarders {
    /// `None` for the runtime of the caller.
    pub runtime: Option<Handle>,
    /// For each destination a thread for what blocks.
    pub threads: Vec<Threads>,
}

impl Forwarders {
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match &self.runtime {
            Some(runtime) => drop(runtime.spawn(task)),
            None => drop(tokio::spawn(task)),
        }
    }

    /// The threads of the destination with this index.
    pub fn threads_of(&self, index: usize) -> Threads {
        self.threads.get(index).cloned().unwrap_or_default()
    }
}

/// Bounds that are no options. Tests pass low ones, so that small runs meet them.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Records of one batch of events, and of logins and logouts.
    pub event_batch: usize,
    pub session_batch: usize,
    /// Users asked for in one request.
    pub users_per_request: usize,
    /// Known users kept per day; losing one costs one look-up. About 50 bytes each.
    pub known_users: usize,
    /// Bytes that are appended to the spool in one go.
    pub append_bytes: usize,
    /// Bytes read back from the spool in one go, at the least.
    pub read_bytes: usize,
    /// How many reads of that size the memory bound keeps free. In memory records take up to three
    /// times as much as on disk, and two queues read.
    pub reserved_reads: usize,
    /// How long totals cannot be added before they are saved in the spool, and the pause between two savings.
    pub totals_saved_after: Duration,
    pub totals_saved_every: Duration,
    /// Bytes of recovered totals that cannot be added from which on they are saved at once, at the most.
    pub unsaved_bytes: usize,
    /// How often the presence of this instance is written.
    pub presence_every: Duration,
    /// Sessions of one claim, which has to fit into a document.
    pub claim_sessions: usize,
    /// When it is looked first, and how often, whether days are to be reported.
    pub reports_first: Duration,
    pub reports_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_batch: 5_000,
            session_batch: 1_000,
            users_per_request: 1_000,
            known_users: 200_000,
            append_bytes: 4 << 20,
            read_bytes: 4 << 10,
            reserved_reads: 6,
            totals_saved_after: Duration::from_secs(10),
            totals_saved_every: Duration::from_secs(5),
            unsaved_bytes: 1 << 20,
            presence_every: Duration::from_secs(20),
            claim_sessions: 500_000,
            reports_first: Duration::from_secs(1),
            reports_every: Duration::from_secs(60),
        }
    }
}
