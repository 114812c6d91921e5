//! Leaves: small tools that know nothing of analytics.

pub mod backoff;
pub mod blocks;
pub mod bytes;
pub mod clock;
pub mod failpoint;
pub mod fnv;
pub mod foreign_text;
pub mod panics;
#[cfg(test)]
pub mod proptest_config;
pub mod random;
pub mod threads;
