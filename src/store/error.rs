//! Errors of a store, and whether a repetition may help.

use std::fmt;

/// The reason why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// Without secrets; may be shown to users.
    pub message: String,
    /// Whether the same request may succeed later. Writes are repeated either way.
    pub transient: bool,
}

impl StoreError {
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            transient: true,
        }
    }

    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            transient: false,
        }
    }

    /// The user of the connections was dropped. It may have been created again, but connections stay
    /// unauthenticated: only new ones are of use.
    pub fn is_unauthenticated(&self) -> bool {
        self.message.contains("requires authentication")
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

pub type Result<T> = std::result::Result<T, StoreError>;
