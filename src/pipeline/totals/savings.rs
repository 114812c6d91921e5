//! Savings: when totals that wait are saved on disk, and up to which record they are.

use tokio::time::Instant;

use crate::instance::context::Limits;

pub struct Savings {
    limits: Limits,
    /// There is a file.
    pub has_file: bool,
    /// For each queue, the record up to which all are in the totals or in the file.
    pub up_to: Vec<i64>,
    /// When totals were added last, or none waited.
    pub progressed_at: Instant,
    /// The disk has not answered yet: it is waited for, since only its answer says what the file holds.
    pub is_saving: bool,
    /// What is being saved; empty while the file is being removed.
    next: Vec<i64>,
    again_at: Instant,
}

impl Savings {
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            has_file: false,
            up_to: Vec::new(),
            progressed_at: now,
            is_saving: false,
            next: Vec::new(),
            again_at: now,
        }
    }

    pub fn begin(&mut self, next: Vec<i64>, now: Instant) {
        self.is_saving = true;
        self.again_at = now + self.limits.totals_saved_every;
        self.next = next;
    }

    /// Returns whether it was the removal of the file.
    pub fn end(&mut self, is_done: bool) -> bool {
        self.is_saving = false;
        let is_removal = self.next.is_empty();
        if is_done && is_removal {
            self.has_file = false;
        } else if is_done {
            self.has_file = true;
            self.up_to = std::mem::take(&mut self.next);
        }
        is_removal
    }

    pub fn due_at(&self) -> Option<Instant> {
        let late = self.progressed_at + self.limits.totals_saved_after;
        let due = self.again_at.max(late);
        (!self.is_saving).then_some(due)
    }

    pub fn is_due(&self, now: Instant) -> bool {
        self.due_at().is_some_and(|due| due <= now)
    }
}
