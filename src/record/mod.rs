//! Records: what JavaScript hands over, on which day and to which counter it counts, and the document it
//! becomes. Pure data: no clock, no I/O.

pub mod counters;
pub mod day;
pub mod document;
pub mod elements;
pub mod frame;
pub mod item;
pub mod sequence;
pub mod target;
