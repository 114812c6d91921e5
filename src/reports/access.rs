//! Access to stored reports.

/// What may be done with stored reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    None,
    /// What is missing stays unknown.
    Read,
    /// What is missing is made.
    Make,
}
