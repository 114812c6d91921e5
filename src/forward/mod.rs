//! Events to other services, each with a queue, bounds and failures of its own, so that a dead receiver
//! delays neither the database nor another receiver, nor the other way round.
//!
//! ```text
//!  intake ──► Receiver: queue ─► batch ─► format ─► transport ──► answer
//!   (one per    (bounded by                (body)    (HTTP)         │ verdict
//!  destination)  bytes and age)                                     ▼
//!                  ▲───────────── acknowledge, wait, halve, set aside
//! ```
//!
//! Each event is delivered at least once: it leaves the queue when the receiver has taken it, when it
//! is set aside because the receiver never takes it, or when a bound gives it up; each is counted. It
//! keeps its id and time through every attempt, so that receivers that look at ids take it once.

mod destinations;
mod event;
mod formats;
mod http;
mod lane;
mod messages;
mod pace;
mod queue;
mod receiver;
mod report;
mod retry_after;
mod settle;
#[cfg(test)]
mod tests;
mod verdict;
mod width;

pub use destinations::Destinations;
pub use receiver::PartitionOffsets;
pub use report::Report;
