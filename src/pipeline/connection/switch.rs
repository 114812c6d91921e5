//! The switch to another database: how long the old one is written to, and up to which record.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Config;
use crate::store::Connection;

/// How long the old database is written to after the host has switched; half of the shortest time limit
/// of a caller, if that is less.
const GRACE: Duration = Duration::from_secs(2);
/// The same at the end of the process.
const GRACE_AT_EXIT: Duration = Duration::from_millis(300);

/// The host has switched the database.
pub struct Switch {
    pub to: Connection,
    /// The last record that was accepted before.
    pub last: i64,
    pub until: Instant,
}

impl Switch {
    /// `last` is the newest record. If the host switches again before the old database is left, records in
    /// between go to the newest.
    pub fn new(to: Connection, last: i64, before: Option<Switch>, config: &Config) -> Self {
        let grace = GRACE
            .min(config.ack_timeout / 2)
            .min(config.operation_timeout / 2)
            .min(config.shutdown_timeout / 2);
        let until = Instant::now() + grace;
        let before = before.map(|before| (before.last, before.until));
        let (last, until) = before.unwrap_or((last, until));
        Self { to, last, until }
    }

    /// Whether the old database is to be left now.
    pub fn is_due(&mut self, committed: i64, is_exit: bool, now: Instant) -> bool {
        if is_exit {
            self.until = self.until.min(now + GRACE_AT_EXIT);
        }
        committed >= self.last || now >= self.until
    }
}
