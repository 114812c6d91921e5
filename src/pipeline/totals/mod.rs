//! Totals: contributions of written records are added to the daily documents, once per flush interval or as
//! soon as somebody waits for them. Each queue has an account of its own; one batch of one account is in
//! flight at a time, since all go to the same few documents.

mod account;
mod batch;
mod changes;
mod contribution;
mod entries;
mod existing_days;
mod ledger;
mod once;
mod pending;
mod recovered;
mod rules;
mod saved;
mod saving;
mod savings;
mod shares;
#[cfg(test)]
mod tests;
mod users;
mod warnings;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::time::Instant;

use super::legacy::Baselines;
use super::task::{Failed, Tasks};
use super::watermarks::{QUEUES, Queue, Stage, Watermarks};
use crate::config::Collection;
use crate::instance::shared::Shared;
use crate::spool::Changed;
use crate::store::{Result, Store};
use account::Account;
use batch::TotalsBatch;
#[cfg(test)]
pub use batch::TotalsBatch as Batch;
use changes::Changes;
pub use contribution::{Amount, Contribution};
use existing_days::ExistingDays;
use ledger::{Attempted, Ledger};
pub use once::add_once;
#[cfg(test)]
pub use pending::Pending;
pub use rules::Rules;
use savings::Savings;
use warnings::Warnings;
pub use writer::{Names, Writer};

pub struct Totals {
    shared: Arc<Shared>,
    rules: Rules,
    /// In the order of [`Queue::ALL`].
    accounts: [Account; QUEUES],
    /// The account whose batch is in flight.
    in_flight: Option<Queue>,
    /// The account that is asked first for the next batch.
    next: usize,
    changes: Changes,
    savings: Savings,
    /// The folder of the slot, if there is one.
    folder: PathBuf,
    is_day_gone: bool,
    tasks: Tasks<TotalsResult>,
}

/// The result of an attempt at the batch of an account.
pub struct TotalsResult(Result<Attempted>);

impl Totals {
    pub fn new(
        shared: &Arc<Shared>,
        rules: Rules,
        writers: [Writer; QUEUES],
        baselines: &Arc<Baselines>,
    ) -> Self {
        let (context, days) = (&shared.context, ExistingDays::default());
        let account = |queue| {
            let writer = writers[queue as usize].clone();
            let ledger = Ledger::new(context.clone(), rules, &writer, queue, baselines, &days);
            Account::new((queue, writer), ledger, rules, context)
        };
        Self {
            accounts: Queue::ALL.map(account),
            shared: Arc::clone(shared),
            rules,
            in_flight: None,
            next: 0,
            changes: Changes::new(Instant::now()),
            savings: Savings::new(shared.context.limits, Instant::now()),
            folder: PathBuf::new(),
            is_day_gone: false,
            tasks: Tasks::new(),
        }
    }

    /// Takes the share of a record; returns the bytes that it takes until it is added. Every record of the
    /// queue before it is written.
    pub fn add(&mut self, queue: Queue, contribution: Contribution) -> usize {
        self.accounts[queue as usize].add(contribution)
    }

    /// The host's flush interval is over: contributions up to this record do not wait any longer.
    pub fn flush(&mut self, up_to: i64) {
        self.accounts
            .iter_mut()
            .for_each(|account| account.flush(up_to));
    }

    pub fn names(&self) -> Names {
        let accounts = self.accounts.each_ref();
        accounts.map(|account| Writer::name(&account.writer.id, account.queue))
    }

    /// Queues go on under other ids. Returns what the disk has to keep before.
    pub fn change_writers(&mut self, now: Instant) -> Option<Changed> {
        self.changes.poll(&mut self.accounts, now)
    }

    /// The disk has kept it, or may not have.
    pub fn writers_changed(&mut self, is_done: bool, now: Instant) {
        self.changes.stored(&mut self.accounts, is_done, now);
    }

    /// The number of the oldest record of a queue whose contribution is not added.
    pub fn first_uncommitted(&self, queue: Queue) -> Option<i64> {
        self.accounts[queue as usize].first_uncommitted()
    }

    /// Adds the contributions of written records, if it is time; at once if `is_urgent`.
    pub fn poll<S: Store>(
        &mut self,
        store: &Arc<S>,
        marks: &Watermarks,
        is_urgent: bool,
        now: Instant,
    ) {
        if !self.tasks.is_empty() {
            return;
        }
        let flush_at = now + self.shared.config.flush_interval;
        let count = self.accounts.len();
        for index in (0..count).map(|step| (self.next + step) % count) {
            let queue = Queue::ALL[index];
            let written = marks.get(Stage::Written(queue));
            let account = &mut self.accounts[index];
            let batch = account.next_batch(written, is_urgent, now, flush_at);
            if let Some(batch) = batch {
                let attempt = ledger::attempt(Arc::clone(store), account.ledger.clone(), batch);
                self.tasks.spawn(async move { TotalsResult(attempt.await) });
                self.in_flight = Some(queue);
                self.next = index + 1;
                return;
            }
        }
    }

    /// Writes again what this process knows of a collection of markers that was dropped.
    pub fn restore_uniques<S: Store>(
        &self,
        store: &Arc<S>,
    ) -> impl Future<Output = Result<()>> + Send + use<S> {
        let ledger = self.accounts[Queue::Logins as usize].ledger.clone();
        let store = Arc::clone(store);
        async move { ledger.restore_uniques(store.as_ref()).await }
    }

    /// A user is erased: no marker of theirs is written again.
    pub fn forget_user(&self, user: &str) {
        self.accounts[Queue::Logins as usize]
            .ledger
            .forget_user(user);
    }

    /// Whether a day was found to be removed or replaced since this was last asked.
    pub fn take_day_gone(&mut self) -> bool {
        std::mem::take(&mut self.is_day_gone)
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> TotalsResult {
        self.tasks.next().await
    }

    /// Completes the batch, or keeps it to be retried after the error that is returned.
    pub fn handle(
        &mut self,
        TotalsResult(attempted): TotalsResult,
        now: Instant,
    ) -> std::result::Result<(), Failed> {
        let Some(queue) = self.in_flight.take() else {
            return Ok(());
        };
        let account = &mut self.accounts[queue as usize];
        let (result, warnings) = match attempted {
            Ok(attempted) => {
                account.ledger = attempted.ledger;
                account.batch = Some(attempted.batch);
                (attempted.result, attempted.warnings)
            }
            Err(error) => {
                let batch = account.batch.as_mut();
                batch.into_iter().for_each(TotalsBatch::mark_uncertain);
                (Err(error), Warnings::default())
            }
        };
        let failed = match result {
            Ok(()) => None,
            Err(error) => Some(Failed {
                error: error.on(Collection::Daily),
                records: account.fail(now) as usize,
            }),
        };
        let completed = match failed {
            None => account.complete(),
            Some(_) => None,
        };
        if completed.is_some() {
            self.savings.progressed_at[queue as usize] = now;
        }
        if !warnings.uncertain.is_empty() {
            account.want_another_id(&self.shared.context.random);
        }
        self.is_day_gone |= !warnings.restored.is_empty();
        warnings.report(&self.shared);
        if let Some(batch) = completed {
            self.shared.accepted(Collection::Daily);
            if queue == Queue::Logins {
                self.shared.accepted(Collection::Uniques);
            }
            self.shared.memory.release(batch.bytes());
            self.shared.health.complete(batch.records - batch.refused());
        }
        failed.map_or(Ok(()), Err)
    }

    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The database is left. A batch in flight goes to the next one, where its fate is looked up.
    pub fn leave_database(&mut self, baselines: &Arc<Baselines>) {
        self.tasks.detach();
        if let Some(queue) = self.in_flight.take() {
            let batch = self.accounts[queue as usize].batch.as_mut();
            batch.into_iter().for_each(TotalsBatch::mark_uncertain);
        }
        let (context, days) = (&self.shared.context, ExistingDays::default());
        let fresh = Writer::fresh(context);
        for account in &mut self.accounts {
            let (rules, queue) = (self.rules, account.queue);
            let writer = account.writer.in_next_database(&fresh);
            let ledger = Ledger::new(context.clone(), rules, &writer, queue, baselines, &days);
            account.leave_database(ledger);
        }
    }

    /// The worker ends: a batch in flight runs to its end.
    pub fn close(&mut self) {
        self.tasks.detach();
    }

    /// When a change of ids is to be stored.
    pub fn change_at(&self) -> Option<Instant> {
        self.changes.due_at(&self.accounts)
    }

    /// When a flush or a retry is due.
    pub fn wake_at(&self) -> Option<Instant> {
        let accounts = self.accounts.iter().filter(|_| self.tasks.is_empty());
        accounts.filter_map(Account::wake_at).min()
    }
}
