//! The report of the spool: what is on disk, and what came from there.

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SpoolReport {
    pub state: SpoolState,
    /// What the segments of this instance take.
    pub bytes: u64,
    /// Records of processes before this one.
    pub recovered: u64,
    /// Records of processes that crashed and were not replaced.
    pub recovered_from_others: u64,
    /// Records that the disk did not take.
    pub not_spooled: u64,
    /// Records that did not go to their write queue at once, since memory was half full.
    pub spilled: u64,
    /// Bytes that could not be read.
    pub damaged_bytes: u64,
    /// So many of the records that the host has handed over, the oldest ones, are synced or done.
    pub kept: u64,
    /// Every one of them that is not written yet will be found on disk.
    pub holds_records: bool,
    /// Every one of them that is an event and not forwarded yet will be found on disk.
    pub holds_events: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum SpoolState {
    #[default]
    Ok,
    /// The disk takes nothing; records are in memory only.
    Full,
    /// The folder could not be used when the instance was made, and memory is to do.
    Off,
}

/// The names of [`SpoolState`] in the public interface, in its order.
pub const SPOOL_STATES: [&str; 3] = ["ok", "full", "off"];

impl SpoolState {
    pub fn name(self) -> &'static str {
        SPOOL_STATES[self as usize]
    }
}
