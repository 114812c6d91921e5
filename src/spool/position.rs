//! A position in the segments of a slot.

/// Where a frame begins; before the first frame of a segment the offset may be 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub segment: u64,
    pub offset: u64,
}
