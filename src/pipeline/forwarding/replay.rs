//! Replay: reads the recovered records once, from one end to the other, and offers them to the destinations.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::forward::Destinations;
use crate::instance::shared::Shared;
use crate::pipeline::messages;
use crate::spool::record_codec::{self, Spooled};
use crate::spool::{Patience, Position, is_of_disk, read};
use crate::util::clock::system_ms;
use crate::util::panics::catch_in;

/// Bytes that are read back in one go.
const READ: usize = 1 << 20;
/// Before a read that failed is retried.
const RETRY: Duration = Duration::from_secs(2);
/// How often a read is retried that fails, but not for what the disk cannot read.
const TRIES: u32 = 30;

pub struct Replay {
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    slot: PathBuf,
    next: Option<Position>,
    until: Position,
    /// The number of the last record.
    last: Option<i64>,
    failures: Failures,
}

/// Reads that failed.
#[derive(Default)]
struct Failures {
    patience: Patience,
    /// For something else than what the disk cannot read.
    others: u32,
}

impl Replay {
    pub fn new(
        shared: &Arc<Shared>,
        destinations: &Arc<Destinations>,
        slot: &Path,
        from: Position,
        until: Position,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            destinations: Arc::clone(destinations),
            slot: slot.to_owned(),
            next: Some(from),
            until,
            last: None,
            failures: Failures::default(),
        }
    }

    pub async fn run(mut self) {
        while let Some(from) = self.next {
            let read = catch_in("replay", self.read_on(from)).await;
            let Err(error) = read.unwrap_or_else(|panicked| Err(panicked.into())) else {
                self.failures.patience.succeed();
                continue;
            };
            if !self.failures.allow_another(&error, from) {
                self.shared.log.warn(messages::NOT_READ_BACK);
                break;
            }
            sleep(RETRY).await;
        }
        self.destinations.end_replay();
        self.shared.wake.notify_one();
    }

    async fn read_on(&mut self, from: Position) -> io::Result<()> {
        let (path, until, last) = (self.slot.clone(), self.until, self.last);
        let is_final = self.failures.patience.is_over(from.segment);
        let disk = &self.shared.context.disk;
        let piece = disk.run(move || read(&path, from, until, last, READ, is_final));
        let piece = piece.await??;
        for (seq, body) in piece.frames() {
            // A disk may show one record twice.
            if Some(seq) > self.last {
                self.last = Some(seq);
                replay_one(&self.destinations, seq, body);
            }
        }
        self.next = piece.next;
        Ok(())
    }
}

impl Failures {
    /// What the disk cannot read is damage in the end, as it is to the journal, which deletes segments once they are
    /// written: the events behind the damage must be replayed. What neither can read stays for the next start.
    fn allow_another(&mut self, error: &io::Error, at: Position) -> bool {
        if is_of_disk(error) {
            self.patience.fail(at.segment);
            return true;
        }
        self.others += 1;
        self.others <= TRIES
    }
}

fn replay_one(destinations: &Destinations, seq: i64, body: &[u8]) {
    let Some(Spooled {
        item,
        handed_over_ms,
    }) = record_codec::read(seq, body)
    else {
        return;
    };
    let age = Duration::from_millis((system_ms() - handed_over_ms).try_into().unwrap_or(0));
    let now = Instant::now();
    // Some systems know no moment before their start.
    destinations.replay(&item, now.checked_sub(age).unwrap_or(now));
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn what_the_disk_cannot_read_is_damage_and_never_ends_a_replay() {
        let (mut failures, at) = (Failures::default(), Position::start_of(1));
        for _ in 0..2 * TRIES {
            assert!(failures.allow_another(&Errno::IO.into(), at));
        }
        assert!(failures.patience.is_over(1));
        for _ in 0..TRIES {
            assert!(failures.allow_another(&Errno::ACCESS.into(), at));
        }
        assert!(!failures.allow_another(&Errno::ACCESS.into(), at));
    }
}
