//! The handle of a pipeline: the host's end. It takes frames within the memory bound, and passes commands to
//! the worker.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use super::connection::NothingFound;
use super::requests::Request;
use crate::forward::Destinations;
use crate::instance::listener::Message;
use crate::instance::shared::Shared;
use crate::record::frame::{Frames, Sorted, frames_cost, sort_frames};
use crate::record::item::RECORD_OVERHEAD;
use crate::store::Connection;

/// A command of the host to the worker.
pub enum Command {
    Frames { bytes: Vec<u8>, records: u32 },
    Connect(Connection),
    SwitchDatabase(Connection),
    NothingFound(NothingFound),
    FlushTotals,
    Start { anew: bool },
    Request { id: u32, request: Request },
}

/// When it is dropped, the worker writes what it has and ends.
pub struct Pipeline {
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    commands: mpsc::UnboundedSender<Command>,
}

impl Pipeline {
    /// The handle, and the commands for its worker.
    pub fn new(
        shared: &Arc<Shared>,
        destinations: &Arc<Destinations>,
    ) -> (Self, mpsc::UnboundedReceiver<Command>) {
        let (commands, receiver) = mpsc::unbounded_channel();
        let pipeline = Self {
            shared: Arc::clone(shared),
            destinations: Arc::clone(destinations),
            commands,
        };
        (pipeline, receiver)
    }

    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub fn destinations(&self) -> &Arc<Destinations> {
        &self.destinations
    }

    /// Takes over whole frames in call order as far as the bound allows; returns how many records
    /// were rejected. Events leave a part of the memory to logins and logouts, which so go on where the
    /// events wait for a collection that refuses them.
    pub fn push(&self, frames: &[u8], records: u32) -> u32 {
        let health = &self.shared.health;
        if self.shared.stopped.load(Ordering::Acquire) {
            health.reject("stopped", records.into());
            self.acknowledge_rejected(frames);
            return records;
        }
        let sorted = self.sort(frames, records);
        let rejected = records - sorted.records;
        if sorted.records > 0 {
            // Before they are passed on, so that nobody who waits for them misses them.
            health.accept(sorted.records.into());
            self.shared
                .handed_over
                .fetch_add(sorted.records.into(), Ordering::Release);
            let cost = frames_cost(sorted.taken.len(), sorted.records);
            self.shared.memory.occupy(cost);
            self.send(Command::Frames {
                bytes: sorted.taken,
                records: sorted.records,
            });
        }
        if rejected > 0 {
            health.reject("queue_full", rejected.into());
            self.acknowledge_rejected(&sorted.rejected);
        }
        rejected
    }

    /// The promise of a rejected login or logout must not wait for it.
    fn acknowledge_rejected(&self, frames: &[u8]) {
        let acks = Frames::new(frames)
            .flatten()
            .filter_map(|record| record.ack());
        let acks: Vec<u32> = acks.collect();
        if !acks.is_empty() {
            self.shared.deliver(Message::Acknowledged(acks));
        }
    }

    fn sort(&self, frames: &[u8], records: u32) -> Sorted {
        let memory = &self.shared.memory;
        let (room, reserve) = (memory.room(), memory.reserved_for_sessions());
        if frames_cost(frames.len(), records) + reserve <= room {
            return Sorted {
                taken: frames.to_vec(),
                records,
                rejected: Vec::new(),
            };
        }
        sort_frames(frames, room, reserve, RECORD_OVERHEAD)
    }

    /// `anew` when the host has left the connection it gave before `stop`.
    pub fn start(&self, anew: bool) {
        self.shared.stopped.store(false, Ordering::Release);
        self.send(Command::Start { anew });
    }

    /// Rejects new records from now on.
    pub fn refuse(&self) {
        self.shared.stopped.store(true, Ordering::Release);
    }

    pub fn connect(&self, connection: Connection) {
        self.send(Command::Connect(connection));
    }

    /// The host has left the adopted connection for this one.
    pub fn switch_database(&self, connection: Connection) {
        self.send(Command::SwitchDatabase(connection));
    }

    pub fn nothing_found(&self, found: NothingFound) {
        self.send(Command::NothingFound(found));
    }

    /// The flush interval is over by the clock of the host.
    pub fn flush_totals(&self) {
        self.send(Command::FlushTotals);
    }

    pub fn request(&self, id: u32, request: Request) {
        self.send(Command::Request { id, request });
    }

    /// The worker ends before its sender only by a defect, which has been reported then.
    fn send(&self, command: Command) {
        if self.commands.send(command).is_err() {
            self.shared.die("it has ended");
        }
    }
}
