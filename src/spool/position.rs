//! A position in the segments of a slot.

/// The beginning of a frame; that of the first frame of a segment may have offset 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub segment: u64,
    pub offset: u64,
}

impl Position {
    /// The beginning of a segment.
    pub fn start_of(segment: u64) -> Position {
        Position { segment, offset: 0 }
    }
}
