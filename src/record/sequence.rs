//! The sequence of record numbers.

/// The number below those of every record that a process which starts now accepts: the system clock in ms
/// times 2^20. No earlier run has used a number above it, under any writer id, unless it accepted more
/// than a million records per millisecond or the clock was set back.
pub fn first_seq(now_ms: i64) -> i64 {
    now_ms << 20
}
