//! The native core of the `gso-analytics` npm package.
//!
//! JavaScript stages records and hands them over once per turn; everything else happens here, on
//! threads of its own.
//!
//! Imports go down only, from the first line of this table to the last:
//!
//! | module | responsibility |
//! |---|---|
//! | `addon` | the border to JavaScript |
//! | [`pipeline`] | queues, batches, retries, time limits; the protocol that makes totals exact |
//! | [`reports`] | what each day was like, and the answers out of it |
//! | [`forward`], [`spool`], [`store`] | the way to destinations, to the disk, to MongoDB |
//! | [`instance`] | what all parts of one instance see |
//! | [`config`] | settings |
//! | [`record`] | records, days, counters, documents |
//! | [`util`] | clock, backoff, hashing |

#![cfg_attr(
    test,
    allow(
        dead_code,
        unused_imports,
        reason = "Node does not load a test binary: it has neither the border nor what only that calls"
    )
)]

#[cfg(not(test))]
mod addon;
mod config;
mod forward;
mod instance;
mod pipeline;
mod record;
mod reports;
mod spool;
mod store;
mod util;
