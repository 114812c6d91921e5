//! The reporter of the spool: its part of the health report, and its log lines.

use std::io;
use std::sync::Arc;

use super::spool_queue::{Kept, SpoolQueue};
use crate::instance::shared::Shared;
use crate::instance::spool_report::SpoolState;
use crate::pipeline::messages;
use crate::pipeline::watermarks::{Stage, Watermarks};

pub struct Reporter {
    shared: Arc<Shared>,
}

impl Reporter {
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
        }
    }

    /// Updates the spool's part of the health report.
    pub fn report(&self, spool: &SpoolQueue, marks: &Watermarks) {
        let forwarded = marks.get(Stage::Forwarded);
        let holds_records = spool.holds_after(marks.committed(), marks);
        let holds_events =
            spool.holds_after(forwarded, marks) && marks.get(Stage::Unretained) <= forwarded;
        self.shared.note_spool(|report| {
            report.bytes = spool.status().bytes;
            report.spilled = spool.spilled();
            (report.holds_records, report.holds_events) = (holds_records, holds_events);
            report.state = match spool.is_full() {
                true => SpoolState::Full,
                false => SpoolState::Ok,
            };
        });
    }

    /// Reports the fate of an append buffer.
    pub fn report_kept(&self, kept: Kept) {
        match kept {
            Kept::OnDisk { spilled, was_full } => {
                self.shared.memory.release(spilled);
                if was_full {
                    self.log_recovery_of_disk();
                }
            }
            Kept::InMemory { records, error } => {
                self.shared.note_spool(|spool| spool.not_spooled += records);
                self.log_error("spool_full", Some(error));
            }
            Kept::Waits { error } => self.log_error("spool_full", Some(error)),
        }
    }

    /// Near its bound a disk may be full and recover many times a second.
    pub fn log_recovery_of_disk(&self) {
        let now = std::time::Instant::now();
        if self.shared.log.begins_episode("spool_goes_on", now) {
            self.shared.log.info(messages::SPOOL_RECOVERED);
        }
    }

    /// Drops and counts records that were appended and cannot be read back.
    pub fn count_missing(&self, records: u64) {
        self.shared.health.drop_records("spool_damaged", records);
        if records > 0 {
            self.shared
                .log
                .warn_once("spool_damaged", || messages::records_missing(records));
        }
    }

    /// Counts and reports bytes that cannot be read.
    pub fn report_damage(&self, bytes: u64) {
        if bytes > 0 {
            self.shared.note_spool(|spool| spool.damaged_bytes += bytes);
            self.shared
                .log
                .warn_once("spool_damaged", || messages::spool_damaged(bytes));
        }
    }

    pub fn log_error(&self, reason: &'static str, error: Option<io::Error>) {
        if let Some(error) = error {
            self.shared
                .log
                .warn_once(reason, || messages::spool_failed(reason, &error));
            self.shared.health.error(format!("spool: {error}"));
        }
    }
}
