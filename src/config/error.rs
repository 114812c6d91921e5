//! The error of a setting, which names the option or variable as the user wrote it.

use std::fmt;

/// A bad option or environment variable; in JavaScript a `TypeError` thrown by the constructor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The option's or variable's name, as the user wrote it.
    pub field: String,
    /// What is expected of it.
    pub problem: String,
}

impl ConfigError {
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

impl std::error::Error for ConfigError {}
