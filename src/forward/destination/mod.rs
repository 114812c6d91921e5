//! One destination: its queue, circuit breaker and counts, and the tasks that send.

mod batch_size;
mod circuit_breaker;
mod handle;
mod partitions;
mod probe;
mod profile;
mod queue;
mod request;
mod sender;
mod state;
mod stats;
mod throttled;

pub use handle::Destination;
pub use partitions::PartitionOffsets;
pub use probe::{Probe, probe};
pub use sender::start_senders;
pub use stats::Report;

#[cfg(test)]
pub use circuit_breaker::CircuitState;
