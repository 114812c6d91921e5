//! From hand-over to database: one worker owns the queues, the timers and the retries.
//!
//! ```text
//!  JS thread            worker task                                    tasks it starts
//!  Pipeline::push ──►  intake ──► lane of events ───────────────────►  insert events
//!   (bounded)            │   └──► lane of sessions ─────────────────►  insert and close sessions
//!                        ├──► spool, if there is one: first (`spooling`)
//!                        │             │ written
//!                        │             ▼
//!                        │         totals (contributions up to the   ►  protocol: add to the days
//!                        │          last record before which all are
//!                        │          written)
//!                        └──► delivery: forwarder (own queues)
//!  Message ◄── acknowledgements, results, log lines
//! ```
//!
//! Events leave at once, totals once per `flushIntervalMs` or when somebody waits for them. Logins
//! have a lane of their own so that they never wait behind a flood of events. A group that failed is
//! kept as it is and repeated; nothing leaves memory before the store has confirmed it.

mod active;
mod adding;
mod attempt;
mod backlog;
mod builder;
mod chunk;
mod cursors;
mod delivery;
mod groups;
mod history;
mod intake;
mod lane;
mod link;
mod messages;
mod metrics;
mod numbering;
mod operations;
mod orphans;
mod outcomes;
mod place;
mod preparation;
mod protocol;
mod reading;
mod sessions;
mod spooling;
#[cfg(test)]
pub(crate) mod tests;
mod totals;
mod users;
mod worker;

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::forward::Destinations;
use crate::instance::listener::Message;
use crate::instance::shared::Shared;
use crate::record::frame::{Frames, frames_within};
use crate::record::item::RECORD_OVERHEAD;
use crate::store::Connection;

pub use link::{Found, Prospect};
pub use operations::Request;
pub use worker::spawn;

/// What the host sends to the worker.
enum Command {
    Frames { bytes: Vec<u8>, records: u32 },
    Connect(Connection),
    Relocate(Connection),
    NothingFound(Found),
    TotalsDue,
    Start { anew: bool },
    Request { request: u32, what: Request },
}

/// The host's end of one pipeline. When it is dropped, the worker writes what it has and ends.
pub struct Pipeline {
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    commands: mpsc::UnboundedSender<Command>,
    #[cfg(test)]
    worker: tokio::task::AbortHandle,
}

impl Pipeline {
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub fn destinations(&self) -> &Arc<Destinations> {
        &self.destinations
    }

    /// Takes over whole frames in call order as far as the bound allows; returns how many records
    /// were refused (always the newest).
    pub fn push(&self, frames: &[u8], records: u32) -> u32 {
        let health = &self.shared.health;
        if self.shared.is_stopped() {
            health.reject("stopped", records.into());
            self.acknowledge_refused(frames);
            return records;
        }
        let (end, taken) = self.fitting(frames, records);
        if taken > 0 {
            self.shared.take_over(taken.into(), frames_cost(end, taken));
            let bytes = frames[..end].to_vec();
            self.send(Command::Frames {
                bytes,
                records: taken,
            });
        }
        let refused = records - taken;
        if refused > 0 {
            health.reject("queue_full", refused.into());
            self.acknowledge_refused(&frames[end..]);
        }
        refused
    }

    /// Whoever awaits a refused login or logout must not wait for it.
    fn acknowledge_refused(&self, frames: &[u8]) {
        let acks = Frames::new(frames)
            .flatten()
            .filter_map(|record| record.ack());
        let acks: Vec<u32> = acks.collect();
        if !acks.is_empty() {
            self.shared.deliver(Message::Acknowledged(acks));
        }
    }

    fn fitting(&self, frames: &[u8], records: u32) -> (usize, u32) {
        let room = self.shared.room();
        if frames_cost(frames.len(), records) <= room {
            return (frames.len(), records);
        }
        frames_within(frames, room, RECORD_OVERHEAD)
    }

    /// `anew` when the host has left the connection it gave before `stop`.
    pub fn start(&self, anew: bool) {
        self.shared.set_stopped(false);
        self.send(Command::Start { anew });
    }

    /// Refuses new records from now on.
    pub fn refuse(&self) {
        self.shared.set_stopped(true);
    }

    pub fn connect(&self, connection: Connection) {
        self.send(Command::Connect(connection));
    }

    /// The host has left the adopted connection for this one.
    pub fn relocate(&self, connection: Connection) {
        self.send(Command::Relocate(connection));
    }

    pub fn nothing_found(&self, found: Found) {
        self.send(Command::NothingFound(found));
    }

    /// Ends the worker as the death of its process would.
    #[cfg(test)]
    pub async fn kill(self) {
        self.worker.abort();
        while !self.worker.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// The flush interval is over by the clock of the host.
    pub fn totals_due(&self) {
        self.send(Command::TotalsDue);
    }

    pub fn request(&self, request: u32, what: Request) {
        self.send(Command::Request { request, what });
    }

    /// The worker ends before its sender only by a defect, and then everybody has been told.
    fn send(&self, command: Command) {
        if self.commands.send(command).is_err() {
            self.shared.die("it has ended");
        }
    }
}

/// Memory that records take while they are queued.
fn frames_cost(bytes: usize, records: u32) -> usize {
    bytes + records as usize * RECORD_OVERHEAD
}
