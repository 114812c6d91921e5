//! The context of an instance: clock, chance and limits, passed in so that tests choose their own.

use crate::util::clock::Clock;
use crate::util::random::Random;

#[derive(Debug, Clone, Default)]
pub struct Context {
    pub clock: Clock,
    pub random: Random,
    pub limits: Limits,
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
        }
    }
}
