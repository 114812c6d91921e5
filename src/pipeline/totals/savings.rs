//! Savings: when totals that wait are saved on disk, and up to which record they are.

use std::time::Duration;

use tokio::time::Instant;

use crate::instance::context::Limits;
use crate::pipeline::watermarks::{QUEUES, Queue};

/// How often totals are saved that are too many for memory. Each time costs more, the more there are on disk;
/// meanwhile no more is read back than memory takes.
const EARLY_EVERY: Duration = Duration::from_millis(200);

pub struct Savings {
    limits: Limits,
    /// There may be a file.
    pub has_file: bool,
    /// For each queue, the record up to which all are in the totals or in the file.
    pub up_to: Vec<i64>,
    /// For each queue, when totals were added last, or none waited.
    pub progressed_at: [Instant; QUEUES],
    /// The disk has not answered yet.
    pub is_saving: bool,
    /// What is being saved; empty while the file is being removed.
    next: Vec<i64>,
    again_at: Instant,
    /// When totals that are too many for memory may be saved again.
    early_at: Instant,
    /// The disk refused what it was asked for last.
    has_failed: bool,
}

impl Savings {
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            has_file: false,
            up_to: Vec::new(),
            progressed_at: [now; QUEUES],
            is_saving: false,
            next: Vec::new(),
            again_at: now,
            early_at: now,
            has_failed: false,
        }
    }

    pub fn begin(&mut self, next: Vec<i64>, now: Instant) {
        self.is_saving = true;
        self.again_at = now + self.limits.totals_saved_every;
        self.early_at = now + EARLY_EVERY;
        self.next = next;
    }

    /// The disk has answered. Where it has failed, it may have done what it was asked for nevertheless.
    pub fn end(&mut self, is_done: bool) {
        self.is_saving = false;
        self.has_failed = !is_done;
        let is_removal = self.next.is_empty();
        self.has_file = !(is_done && is_removal);
        if is_done && !is_removal {
            self.up_to = std::mem::take(&mut self.next);
        }
    }

    /// When totals of a queue that wait are to be saved; soon if they are too many for memory, where the disk
    /// does what it is asked for.
    pub fn due_at(&self, queue: Queue, are_too_many: bool) -> Option<Instant> {
        let progressed = self.progressed_at[queue as usize];
        let due = match are_too_many && !self.has_failed {
            true => self.early_at.max(progressed),
            false => self
                .again_at
                .max(progressed + self.limits.totals_saved_after),
        };
        (!self.is_saving).then_some(due)
    }

    /// When a file that is of no use may be removed: at once, if the disk does what it is asked for.
    pub fn removal_at(&self) -> Option<Instant> {
        let at = match self.has_failed {
            true => self.again_at,
            false => self.progressed_at.into_iter().max()?,
        };
        (self.has_file && !self.is_saving).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_removed_is_left_alone_for_a_while() {
        let (now, limits) = (Instant::now(), Limits::default());
        let mut savings = Savings::new(limits, now);
        assert_eq!(savings.removal_at(), None);
        savings.begin(vec![7], now);
        savings.end(true);
        assert_eq!(
            savings.removal_at(),
            Some(now),
            "as soon as it is of no use"
        );
        savings.begin(Vec::new(), now);
        savings.end(false);
        assert_eq!(savings.removal_at(), Some(now + limits.totals_saved_every));
        savings.begin(Vec::new(), now);
        savings.end(true);
        assert_eq!(savings.removal_at(), None);
    }

    #[test]
    fn totals_that_are_too_many_are_saved_at_once_but_not_one_by_one() {
        let (now, limits) = (Instant::now(), Limits::default());
        let mut savings = Savings::new(limits, now);
        let due_at = |savings: &Savings| savings.due_at(Queue::Events, true);
        assert_eq!(due_at(&savings), Some(now));
        savings.begin(vec![7], now);
        savings.end(true);
        assert_eq!(due_at(&savings), Some(now + Duration::from_millis(200)));
    }

    #[test]
    fn a_file_that_may_be_there_after_an_error_is_removed() {
        let (now, limits) = (Instant::now(), Limits::default());
        let mut savings = Savings::new(limits, now);
        savings.begin(vec![7], now);
        savings.end(false);
        assert!(savings.up_to.is_empty(), "nothing is known to be saved");
        assert_eq!(savings.removal_at(), Some(now + limits.totals_saved_every));
    }
}
