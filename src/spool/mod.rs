//! The spool: a durable queue of records on disk. The records that a process accepted and did not write
//! before it died are written by the next process.
//!
//! ```text
//! spoolDir/<slot>/ owner.lock      locked by the process that has the slot; the kernel frees it
//!                  writer.json     the writer id that numbers the records, and where it is valid
//!                  00000001.seg …  records in the order of their numbers
//!                  <name>.cursor   the progress of a destination, or of the database
//!                  totals.bson     totals that wait, while they cannot be added
//!                  <id>.shares     those of earlier processes, one by one
//! ```
//!
//! No record is ever rewritten, and there is no index: a segment only grows, is closed at 16 MiB, and
//! is deleted once everything in it is written, totalled and forwarded. How far the totals have come is
//! not kept here: each daily document says so itself. Only while totals cannot be added, `totals.bson` holds
//! them, so that segments are deleted all the same.
//!
//! A process appends only to segments that it made. Those it finds in a free slot are read first. Damaged
//! parts of them are skipped and counted, and a segment with damage is renamed instead of deleted.
//!
//! | module | responsibility |
//! |---|---|
//! | `claim` | choice of a slot, new or abandoned |
//! | `slot`, `contents` | ownership of a slot, and its contents when it is found |
//! | `segments`, `shared_segments` | append, sync, delete; the bound of the disk |
//! | `reader`, `patience` | reading back, past damage |
//! | [`segment_format`], [`record_codec`] | the bytes of segments and records |
//! | `writer_file`, `cursor_file`, `totals_file`, [`shares_file`], `files` | the other files |

mod claim;
mod contents;
mod cursor_file;
mod files;
mod patience;
#[cfg(test)]
mod properties;
mod reader;
pub mod record_codec;
pub mod segment_format;
mod segments;
mod shared_segments;
pub mod shares_file;
mod slot;
#[cfg(test)]
mod tests;
mod totals_file;
mod writer_file;

pub use claim::{claim, claim_abandoned};
pub use cursor_file::{cursors_in, read_cursor, remove_cursor, write_cursor};
pub use patience::Patience;
pub use reader::{Position, ReadBatch, is_of_disk, read};
pub use segment_format::Version;
pub use segments::{NO_RECORD, SEGMENT_BYTES, Segments, SpoolStatus};
pub use shared_segments::SharedSegments;
pub use slot::Slot;
pub use totals_file::KeptTotals;
pub use writer_file::{Changed, NextWriter};
