//! Forwarding of events to other services. Each destination has its own queue, bounds and failures, so
//! that a service that is down delays neither the database nor another destination.
//!
//! ```text
//!  event ─► Destination: queue ─► batch ─► format ─► transport ─► response
//!               (bounded by             (body)     (HTTP)         │
//!               bytes and age)                                    ▼
//!                    ▲───────── acknowledge, retry, split, refuse, expire
//! ```
//!
//! An event is delivered at least once. It leaves the queue when the service has taken it, when it is
//! refused or expires, or when the queue is full; each is counted. Every attempt carries the same id and
//! time, so that a service that looks at ids takes the event once.
//!
//! | module | responsibility |
//! |---|---|
//! | [`destinations`] | all destinations; events come in here |
//! | [`destination`] | one destination: queue, circuit breaker, batch size, counts, senders |
//! | [`privacy`] | what a service is not to know |
//! | [`formats`] | bodies and the meaning of responses, one service each |
//! | [`transport`] | HTTP |

mod destination;
mod destinations;
mod event;
mod formats;
mod privacy;
#[cfg(test)]
mod tests;
mod transport;
mod warning;

pub use destination::{Destination, PartitionOffsets, Probe, Report};
pub use destinations::Destinations;
pub use event::{ForwardedEvent, Stored};
