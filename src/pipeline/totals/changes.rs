//! Changes of id: a queue goes on under another id, once another process was found to add under its own.
//!
//! Whoever adds a record adds it under the same id: this process now, or the next one that finds it on disk. So a
//! queue leaves its id when nothing is left that may have been sent under it: its batch, and whatever processes
//! before this one have left, which they may have sent. And before anything is added under the next id, the disk
//! has it, with the number from which it holds. No queue waits for another.

use std::time::Duration;

use tokio::time::Instant;

use super::account::Account;
use super::writer::Writer;
use crate::spool::Changed;

/// Before a disk that did not take a change is asked again.
const PAUSE: Duration = Duration::from_millis(500);

pub struct Changes {
    /// What the disk is asked to keep.
    storing: Changed,
    again_at: Instant,
}

impl Changes {
    pub fn new(now: Instant) -> Self {
        Self {
            storing: Changed::new(),
            again_at: now,
        }
    }

    /// Accounts leave their ids. Without a slot they go on at once; else returns what the disk has to keep before.
    pub fn poll(&mut self, accounts: &mut [Account], now: Instant) -> Option<Changed> {
        for account in accounts.iter_mut() {
            account.leave_id();
            if !account.writer.is_of_slot {
                account.stored();
            }
        }
        if !self.storing.is_empty() || self.again_at > now {
            return None;
        }
        let unstored = accounts.iter().filter_map(|account| {
            let letter = Writer::letter(account.queue).to_owned();
            account.unstored().map(|next| (letter, next.clone()))
        });
        self.storing = unstored.collect();
        Some(self.storing.clone()).filter(|changed| !changed.is_empty())
    }

    /// The disk has taken the change, or may not have.
    pub fn stored(&mut self, accounts: &mut [Account], is_done: bool, now: Instant) {
        let stored = std::mem::take(&mut self.storing);
        if !is_done {
            self.again_at = now + PAUSE;
            return;
        }
        let is_stored = |one: &&mut Account| stored.contains_key(Writer::letter(one.queue));
        let accounts = accounts.iter_mut().filter(is_stored);
        accounts.for_each(Account::stored);
    }

    /// When the disk is asked again.
    pub fn due_at(&self, accounts: &[Account]) -> Option<Instant> {
        let is_due = accounts.iter().any(|account| account.unstored().is_some());
        (is_due && self.storing.is_empty()).then_some(self.again_at)
    }
}
