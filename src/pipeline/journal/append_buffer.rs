//! The append buffer: records on their way to the disk, appended together.

use crate::pipeline::watermarks::{QUEUES, Queue};
use crate::record::item::Item;
use crate::spool::record_codec;
use crate::spool::segment_format::{self, Parsed, Version};

#[derive(Default)]
pub struct AppendBuffer {
    pub frames: Vec<u8>,
    /// The version that they need.
    pub version: Version,
    pub records: u64,
    /// The number of the newest record.
    pub last: i64,
    /// Bytes of memory, per queue, that are free once the buffer is on disk: those of records that are in
    /// no write queue.
    pub spilled: [usize; QUEUES],
}

impl AppendBuffer {
    pub fn add(&mut self, seq: i64, item: &Item<'_>, now_ms: i64) {
        segment_format::append(&mut self.frames, seq, |body| {
            record_codec::write(body, item, now_ms);
        });
        self.version = self.version.max(record_codec::version(item));
        self.records += 1;
        self.last = seq;
    }

    /// The records of a queue are in memory again; returns their bytes.
    pub fn take_spilled(&mut self, queue: Queue) -> usize {
        std::mem::take(&mut self.spilled[queue as usize])
    }

    pub fn spilled(&self) -> usize {
        self.spilled.iter().sum()
    }

    /// Each with its number, as it is on disk.
    pub fn records(&self) -> impl Iterator<Item = (i64, &[u8])> {
        let mut rest = self.frames.as_slice();
        std::iter::from_fn(move || {
            let Parsed::Frame { seq, length } = segment_format::parse(rest) else {
                return None;
            };
            let (frame, behind) = rest.split_at(length);
            rest = behind;
            Some((seq, segment_format::body(frame)))
        })
    }
}
