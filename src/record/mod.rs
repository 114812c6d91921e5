//! Records: frames from JavaScript, their day and counter, and the documents that are stored. Pure data: no clock, no
//! I/O.

pub mod counters;
pub mod day;
pub mod document;
pub mod elements;
pub mod frame;
pub mod item;
pub mod key;
pub mod pseudonym;
pub mod purchase;
pub mod sequence;
pub mod target;
mod well_formed;
