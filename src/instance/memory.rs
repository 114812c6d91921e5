//! The memory that records take: bytes of those that are neither committed nor dropped, within
//! `maxQueueBytes`.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::context::Limits;
use crate::config::Config;

/// Bytes read back from disk in one go, at the most. They are small, since the worker decodes them, which also
/// hands new records to the disk.
const LONGEST_READ: usize = 256 << 10;

pub struct Memory {
    used: AtomicUsize,
    bound: usize,
    /// Kept free of new records: memory for those that are read back from disk, else an outage would
    /// never end.
    reserved: usize,
    /// Bytes on disk that are read back in one go.
    pub read_back_bytes: usize,
    /// Bytes of totals of one queue that are saved on disk at once when they cannot be added. Those of all
    /// queues leave room to read back.
    pub unsaved_bytes: usize,
}

impl Memory {
    pub fn new(config: &Config, limits: &Limits) -> Self {
        let bound = config.max_queue_bytes;
        let read_back_bytes = (bound / 64).clamp(limits.read_bytes, LONGEST_READ);
        let reads = config
            .spool_dir
            .as_ref()
            .map_or(0, |_| limits.reserved_reads);
        Self {
            used: AtomicUsize::new(0),
            bound,
            reserved: reads * read_back_bytes,
            read_back_bytes,
            unsaved_bytes: limits.unsaved_bytes.min(bound / 16),
        }
    }

    /// Records in memory take so many bytes more.
    pub fn occupy(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::AcqRel);
    }

    pub fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }

    /// Bytes of new records that may still be accepted.
    pub fn room(&self) -> usize {
        (self.bound - self.reserved).saturating_sub(self.used())
    }

    /// Bytes that events leave to logins and logouts.
    pub fn reserved_for_sessions(&self) -> usize {
        self.bound / 16
    }

    /// Whether further records should wait on disk only.
    pub fn is_half_full(&self) -> bool {
        self.used() > self.bound / 2
    }

    pub fn is_quarter_full_at_most(&self) -> bool {
        self.used() <= self.bound / 4
    }
}
