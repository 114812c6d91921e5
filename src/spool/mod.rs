//! Records on disk: what a process had accepted and not written when it died is written by the next.
//!
//! ```text
//! spoolDir/<slot>/ owner.lock      locked by the process whose slot it is; the kernel frees it
//!                  writer.json     under which id its records are numbered, and where that holds
//!                  00000001.seg …  records in the order of their numbers, see `frame`
//!                  <name>.cursor   how far the destination of this name, and the database, has come,
//!                                  see `cursor`
//! ```
//!
//! No record is ever rewritten, and there is no index: a segment only grows, is closed at 16 MiB, and
//! is unlinked once everything in it is written, totalled and forwarded. How far the store has come is
//! not kept here: each daily document says so itself.
//!
//! A process appends to segments that it made itself. Those it finds in a free slot are read first;
//! what cannot be read in them is skipped and counted, and such a file is kept aside.
//!
//! | module | what it is responsible for |
//! |---|---|
//! | [`frame`] | the format |
//! | [`segments`] | appending, unlinking, bounds |
//! | [`reader`] | reading back |
//! | [`slot`] | whose records are whose |
//! | [`cursor`] | how far each destination has come |

mod cursor_file;
mod files;
mod position;
#[cfg(test)]
mod properties;
mod reader;
pub mod record_codec;
pub mod segment_format;
mod segments;
mod slot;
#[cfg(test)]
mod tests;
mod writer_file;

pub use cursor_file::{cursors_in, read_cursor, remove_cursor, write_cursor};
pub use position::Position;
pub use reader::{ReadBatch, read};
pub use segments::{Appended, ClosedSegment, SEGMENT_BYTES, Segments, SpoolStatus};
pub use slot::{Slot, claim, claim_abandoned};
