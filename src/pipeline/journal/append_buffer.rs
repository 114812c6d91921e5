//! The append buffer: records on their way to the disk, appended together.

use crate::pipeline::watermarks::Queue;
use crate::record::item::Item;
use crate::spool::record_codec;
use crate::spool::segment_format::{self, Parsed};

/// Records with their numbers, as they are on disk.
pub type Records = Vec<(i64, Vec<u8>)>;

#[derive(Default)]
pub struct AppendBuffer {
    pub frames: Vec<u8>,
    pub records: u64,
    /// The number of the newest record.
    pub last: i64,
    /// Bytes of memory, per queue, that are free once the buffer is on disk: those of records that are in
    /// no write queue.
    spilled: [usize; 3],
}

impl AppendBuffer {
    pub fn add(&mut self, seq: i64, item: &Item<'_>, now_ms: i64) {
        segment_format::append(&mut self.frames, seq, |body| {
            record_codec::write(body, item, now_ms);
        });
        self.records += 1;
        self.last = seq;
    }

    /// The newest record is in no write queue.
    pub fn spill(&mut self, queue: Queue, bytes: usize) {
        self.spilled[queue as usize] += bytes;
    }

    pub fn spilled(&self) -> usize {
        self.spilled.iter().sum()
    }

    /// The records of a queue are in memory again; returns their bytes.
    pub fn take_spilled(&mut self, queue: Queue) -> usize {
        std::mem::take(&mut self.spilled[queue as usize])
    }

    /// Whether some of its records are nowhere else.
    pub fn is_needed(&self) -> bool {
        self.spilled() > 0
    }

    pub fn records(&self) -> Records {
        let (mut records, mut at) = (Vec::new(), 0);
        while let Parsed::Frame { seq, length } = segment_format::parse(&self.frames[at..]) {
            let body = segment_format::body(&self.frames[at..at + length]);
            records.push((seq, body.to_vec()));
            at += length;
        }
        records
    }
}
