//! The pipeline: records go from the hand-over to the database, each exactly once into the totals.
//!
//! ```text
//!  JS thread            worker task                                    tasks of the modules
//!  handle: push  ──►  ingest ──► write queue of events ────────────►  insert events
//!   (bounded)            │   └──► write queue of sessions ──────────►  insert and close sessions
//!                        ├──► journal, if there is a spool: first
//!                        │             │ written
//!                        │             ▼
//!                        │         totals (contributions up to the   ►  ledger: add to the days
//!                        │          last record before which all are
//!                        │          written)
//!                        └──► forwarding: destinations (own queues)
//!  listener ◄── acknowledgements, results, log lines
//! ```
//!
//! Events leave at once, totals once per `flushIntervalMs` or when somebody waits for them. A batch that
//! failed is kept as it is and retried; no record leaves memory before the store has confirmed it.
//!
//! | module | what it owns |
//! |---|---|
//! | `handle` | the host's end |
//! | `worker` | the modules below, and the routes between them |
//! | `record_path` | the five modules that a record passes, and the watermarks |
//! | `watermarks` | up to which record each stage has come |
//! | `ingest` | record numbers, active sessions, promises of logins and logouts |
//! | `journal` | records on disk: append, sync, read back, release |
//! | `write` | batches of documents, and their retries |
//! | `totals` | contributions to the daily documents; the protocol that makes them exact |
//! | `closing` | sessions that dead instances have left open |
//! | `legacy` | sums of the sessions that the replaced class has stored |
//! | `connection` | the database: found, prepared, switched, closed |
//! | `presence` | samples that say that this instance is here, and who is seen to be dead |
//! | `requests` | `flush`, `getMetrics`, `getLast30Days`, `getConcurrency`, `stop`, and their time limits |
//! | `recovery` | slots of crashed processes |
//! | `forwarding` | destinations, and their offsets on disk |
//! | `lifecycle`, `task`, `messages`, `refusal` | started, stopped, dropped; background work; log lines |

mod closing;
mod connection;
mod forwarding;
mod handle;
mod ingest;
mod journal;
mod legacy;
mod lifecycle;
mod messages;
mod presence;
mod record_path;
mod recovery;
mod refusal;
mod reporting;
mod requests;
mod task;
#[cfg(test)]
mod tests;
mod totals;
mod watermarks;
mod worker;
mod write;

pub use connection::{NothingFound, Outlook};
pub use handle::Pipeline;
pub use requests::Request;
pub use worker::spawn;
