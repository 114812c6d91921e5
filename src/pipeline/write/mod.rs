//! Writing: two write queues, one for events and one for logins and logouts, so that a login never waits
//! behind a flood of events.
//!
//! A record counts as written only once the store has confirmed it. Its share of the totals goes to
//! [`Totals`], a document that the server refuses for its content is dropped and counted, and everything
//! else is retried until it succeeds.

mod batches;
mod sessions;
mod write_queue;

use std::sync::Arc;

use tokio::time::Instant;

use super::ingest::Acknowledgements;
use super::legacy::Baselines;
use super::messages;
use super::task::{Failed, Tasks, attempt};
use super::totals::{CONTRIBUTION_COST, Totals};
use super::watermarks::Queue;
use crate::instance::shared::Shared;
use crate::record::day::Day;
use crate::record::item::Item;
use crate::store::{Dropped, Inserted, Result, Store};
use crate::util::backoff::Backoff;
use crate::util::failpoint::failpoint;
use batches::{EventBatch, SessionBatch};
use sessions::{SessionResult, Written};
use write_queue::{BatchLimit, Records, WriteQueue};

const BATCH_BYTES: usize = 4 << 20;
/// Batches of each queue in flight, each on a connection of its own.
const IN_FLIGHT: usize = 2;

pub struct Writes {
    shared: Arc<Shared>,
    events: WriteQueue<EventBatch, Inserted>,
    sessions: WriteQueue<SessionBatch, Written>,
    tasks: Tasks<WriteResult>,
}

/// The result of the batch with this number.
pub enum WriteResult {
    Events(u64, Result<Inserted>),
    Sessions(u64, Result<Written>),
}

impl Writes {
    pub fn new(shared: &Arc<Shared>) -> Self {
        let limits = shared.context.limits;
        let limit = |records| BatchLimit {
            records,
            bytes: BATCH_BYTES,
        };
        let backoff = || Backoff::new(&shared.context.random);
        Self {
            events: WriteQueue::new(limit(limits.event_batch), IN_FLIGHT, backoff()),
            sessions: WriteQueue::new(limit(limits.session_batch), IN_FLIGHT, backoff()),
            tasks: Tasks::new(),
            shared: Arc::clone(shared),
        }
    }

    pub fn enqueue(&mut self, item: Item<'_>) {
        match item {
            Item::Event(event) => {
                let fits = |batch: &EventBatch| batch.is_of(&event.day);
                self.events.batch_for(event.cost, fits).add(event);
            }
            Item::Session(item) => self.sessions.batch_for(item.cost, |_| true).add(item),
            Item::Nothing { .. } => {}
        }
    }

    /// Sends batches of records up to `up_to`; returns the newest day of a session among them.
    pub fn poll<S: Store>(
        &mut self,
        store: &Arc<S>,
        baselines: &Arc<Baselines>,
        up_to: i64,
        now: Instant,
    ) -> Option<Day> {
        while let Some((number, batch)) = self.events.take_batch(now, up_to) {
            let store = Arc::clone(store);
            let write = attempt(async move { insert_events(store.as_ref(), &batch).await });
            self.tasks
                .spawn(async move { WriteResult::Events(number, write.await) });
        }
        let mut newest_day = None;
        while let Some((number, batch)) = self.sessions.take_batch(now, up_to) {
            newest_day = newest_day.max(batch.newest_day().cloned());
            let (store, baselines) = (Arc::clone(store), Arc::clone(baselines));
            let write =
                attempt(
                    async move { sessions::write(store.as_ref(), &baselines, batch.items()).await },
                );
            self.tasks
                .spawn(async move { WriteResult::Sessions(number, write.await) });
        }
        newest_day
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> WriteResult {
        self.tasks.next().await
    }

    /// Reports written records; fails with the error of a batch that is to be retried.
    pub fn handle(
        &mut self,
        result: WriteResult,
        totals: &mut Totals,
        acks: &mut Acknowledgements,
        now: Instant,
    ) -> std::result::Result<(), Failed> {
        match result {
            WriteResult::Events(number, Ok(inserted)) => {
                self.confirmed(inserted.duplicates);
                for (batch, inserted) in self.events.written(number, inserted) {
                    self.complete_events(&batch, inserted.dropped, totals);
                }
            }
            WriteResult::Sessions(number, Ok(written)) => {
                self.confirmed(written.duplicates);
                for (batch, written) in self.sessions.written(number, written) {
                    self.complete_sessions(&batch, written.results, totals, acks);
                }
            }
            WriteResult::Events(number, Err(error)) => {
                let records = self.events.failed(number, now);
                return Err(Failed { error, records });
            }
            WriteResult::Sessions(number, Err(error)) => {
                let records = self.sessions.failed(number, now);
                return Err(Failed { error, records });
            }
        }
        Ok(())
    }

    fn confirmed(&self, duplicates: u64) {
        self.shared.database.change(|db| db.connected = true);
        self.shared
            .health
            .count(|counts| counts.duplicates += duplicates);
    }

    fn complete_events(&self, batch: &EventBatch, dropped: Vec<Dropped>, totals: &mut Totals) {
        let mut dropped = dropped.into_iter().peekable();
        let (mut documents, mut contributions, mut written) = (0, 0, 0);
        for record in batch.records() {
            let index = record.has_document.then_some(documents);
            documents += usize::from(record.has_document);
            if let Some(dropped) = dropped.next_if(|dropped| Some(dropped.index) == index) {
                self.drop_record(&dropped.message);
            } else if let Some(contribution) = batch.contribution(record) {
                totals.add(Queue::Events, contribution);
                contributions += 1;
            } else {
                written += 1;
            }
        }
        self.shared
            .memory
            .release(batch.bytes() - contributions * CONTRIBUTION_COST);
        self.shared.health.complete(written);
    }

    fn complete_sessions(
        &self,
        batch: &SessionBatch,
        results: Vec<SessionResult>,
        totals: &mut Totals,
        acks: &mut Acknowledgements,
    ) {
        acks.acknowledge(batch.items().iter().map(|item| item.ack));
        for (item, result) in batch.items().iter().zip(results) {
            let mut free = item.cost;
            match result {
                SessionResult::Dropped(message) => self.drop_record(&message),
                SessionResult::Written(None) => self.shared.health.complete(1),
                SessionResult::Written(Some(contribution)) => {
                    free -= contribution.cost();
                    totals.add(Queue::Sessions, contribution);
                }
            }
            self.shared.memory.release(free);
        }
    }

    fn drop_record(&self, message: &str) {
        self.shared
            .log
            .warn_once("refused_by_server", || messages::document_dropped(message));
        self.shared.health.drop_records("refused_by_server", 1);
        self.shared.health.error(message.to_owned());
    }

    /// The number of the oldest record of a queue that is not written.
    pub fn first_unwritten(&self, queue: Queue) -> Option<i64> {
        match queue {
            Queue::Events => self.events.first_unwritten(),
            Queue::Sessions => self.sessions.first_unwritten(),
        }
    }

    /// Whether a queue sends nothing because a write failed.
    pub fn is_backing_off(&self, now: Instant) -> bool {
        self.events.is_backing_off(now) || self.sessions.is_backing_off(now)
    }

    /// Whether no write is in flight.
    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Later records go into other batches than earlier ones.
    pub fn seal(&mut self) {
        self.events.seal();
        self.sessions.seal();
    }

    /// Lets records that wait for company leave by themselves, where nothing is on its way.
    pub fn seal_if_idle(&mut self) {
        self.events.seal_if_idle();
        self.sessions.seal_if_idle();
    }

    /// The database is left: batches in flight are sent again to the next, and nobody waits for them here.
    pub fn leave_database(&mut self) {
        self.tasks.detach();
        self.events.resend();
        self.sessions.resend();
    }

    pub fn retry_at(&self) -> Option<Instant> {
        let retries = [self.events.retry_at(), self.sessions.retry_at()];
        retries.into_iter().flatten().min()
    }
}

async fn insert_events<S: Store>(store: &S, batch: &EventBatch) -> Result<Inserted> {
    failpoint!("events:before");
    let inserted = match batch.documents.is_empty() {
        true => Ok(Inserted::default()),
        false => store.insert_events(&batch.documents).await,
    };
    failpoint!("events:after");
    inserted
}
