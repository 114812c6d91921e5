//! The native core of the `gso-analytics` npm package.
//!
//! JavaScript stages records and hands them over once per turn; everything else happens here, on
//! threads of its own.
//!
//! | module | what it is responsible for |
//! |---|---|
//! | [`record`], [`document`], [`counters`], [`calendar`], [`backoff`] | what was handed over, what is stored, what it adds up to, on which day, and when to repeat what failed |
//! | [`config`], [`error`], [`health`], [`host`], [`shared`] | settings, errors with stable codes, the loss report, messages to the host, the state both sides see |
//! | [`pipeline`] | queues, groups, retries, time limits; the protocol that makes totals exact |
//! | [`spool`] | the edge to the disk: records that outlive the process |
//! | [`store`] | the edge to MongoDB |
//! | [`forward`] | the edge to the receivers of events |
//! | `binding` | the edge to JavaScript |

pub mod backoff;
// Its functions exist for Node alone, and a test binary is not loaded by Node.
#[cfg(not(test))]
mod binding;
pub mod calendar;
pub mod config;
pub mod counters;
pub mod document;
pub mod error;
pub mod forward;
pub mod hash;
pub mod health;
pub mod host;
pub mod name;
pub mod pipeline;
#[cfg(test)]
mod properties;
pub mod record;
pub mod shared;
pub mod spool;
mod steps;
pub mod store;
