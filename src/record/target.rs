//! The database and collections that records belong to, as far as they are configured. Records of one
//! target are never written to another.

/// A hash of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target(pub u64);
