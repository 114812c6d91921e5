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
use crate::spool::{Position, read};
use crate::util::clock::system_ms;
use crate::util::panics::catch_in;

/// Bytes that are read back in one go.
const READ: usize = 1 << 20;
/// Before a read of the disk that failed is retried, and how often that is.
const RETRY: Duration = Duration::from_secs(1);
const TRIES: u32 = 30;

pub struct Replay {
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    slot: PathBuf,
    next: Option<Position>,
    until: Position,
    /// The number of the last record.
    last: Option<i64>,
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
        }
    }

    pub async fn run(mut self) {
        let mut failures = 0;
        while self.next.is_some() {
            let read = catch_in("replay", self.read_on()).await;
            if read.unwrap_or_else(|panicked| Err(panicked.into())).is_ok() {
                continue;
            }
            failures += 1;
            if failures > TRIES {
                self.shared.log.warn(messages::NOT_READ_BACK);
                break;
            }
            sleep(RETRY).await;
        }
        self.destinations.end_replay();
        self.shared.wake.notify_one();
    }

    async fn read_on(&mut self) -> io::Result<()> {
        let Some(from) = self.next else {
            return Ok(());
        };
        let (path, until, last) = (self.slot.clone(), self.until, self.last);
        let disk = &self.shared.context.disk;
        let piece = disk.run(move || read(&path, from, until, last, READ, false));
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
