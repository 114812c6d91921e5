//! The wall clock: the only reader of the system time.
//!
//! It is never the host's clock, which a test of the host may fake. Time that decides when something is
//! due is `tokio::time::Instant`, not this.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 by the system clock; 0 for a clock before 1970.
pub fn system_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |elapsed| elapsed.as_millis() as i64)
}
