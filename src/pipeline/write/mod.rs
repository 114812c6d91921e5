//! Writing: a write queue each for events, logins, logouts and events with a dedupe key, so that none waits
//! for another: a login never waits behind a flood of events, nor behind logouts that the server refuses. A
//! logout is sent once the logins before it are written.
//!
//! A record counts as written only once the store has confirmed it. Its share of the totals goes to
//! [`Totals`], a document that the server refuses for its content is dropped and counted, and everything
//! else is retried until it succeeds.

mod batches;
mod events;
mod keyed;
mod keyed_batch;
mod purchases;
mod sessions;
mod write_queue;

use std::sync::Arc;

use tokio::time::Instant;

use super::closing::Closing;
use super::ingest::Acknowledgements;
use super::legacy::Baselines;
use super::messages;
use super::refusal::refused;
use super::task::{Failed, Tasks, attempt};
use super::totals::Totals;
use super::watermarks::{QUEUES, Queue, Stage, Watermarks};
use crate::config::Collection;
use crate::instance::shared::Shared;
use crate::record::day::Day;
use crate::record::item::Item;
use crate::reports::note_late;
use crate::store::{Fault, Result, Store};
use crate::util::backoff::Backoff;
use batches::{Batch, EventBatch, SessionBatch, Written};
use keyed_batch::{Decided, KeyedBatch, Outcome};
use purchases::Recorded;
pub use sessions::stored_ids;
use write_queue::{BatchLimit, Records, Refused, Suspicion, WriteQueue};

const BATCH_BYTES: usize = 4 << 20;
/// Batches of each queue in flight, each on a connection of its own.
const IN_FLIGHT: usize = 2;

pub struct Writes {
    shared: Arc<Shared>,
    /// In the order of [`Queue::ALL`].
    queues: [WriteQueue<Batch, Written>; QUEUES],
    /// The collection for which the last request of each failed, if it did.
    failing: [Option<Collection>; QUEUES],
    closing: Closing,
    tasks: Tasks<WriteResult>,
    decided: Vec<Decided>,
    has_purchased: bool,
}

/// The result of the batch with this number in its queue.
pub struct WriteResult {
    queue: Queue,
    number: u64,
    result: Result<Written>,
}

impl Writes {
    pub fn new(shared: &Arc<Shared>, closing: Closing) -> Self {
        let limits = shared.context.limits;
        let queue = |records, empty| {
            let bytes = BATCH_BYTES;
            let backoff = Backoff::new(&shared.context.random);
            WriteQueue::new(BatchLimit { records, bytes }, IN_FLIGHT, backoff, empty)
        };
        let of_sessions = || Batch::Sessions(SessionBatch::default());
        Self {
            queues: [
                queue(limits.event_batch, Batch::Events(EventBatch::default())),
                queue(limits.session_batch, of_sessions()),
                queue(limits.session_batch, of_sessions()),
                queue(limits.session_batch, Batch::Keyed(KeyedBatch::default())),
            ],
            failing: [None; QUEUES],
            closing,
            tasks: Tasks::new(),
            decided: Vec::new(),
            has_purchased: false,
            shared: Arc::clone(shared),
        }
    }

    pub fn enqueue(&mut self, item: Item<'_>) {
        let queue = &mut self.queues[Queue::of(&item) as usize];
        queue.batch_for(item.cost()).add(item);
    }

    /// Sends batches of records up to `up_to`; returns the newest day of a session among them.
    pub fn poll<S: Store>(
        &mut self,
        store: &Arc<S>,
        baselines: &Arc<Baselines>,
        marks: &Watermarks,
        up_to: i64,
        now: Instant,
    ) -> Option<Day> {
        let mut newest_day = None;
        // Logouts that wait for the logins before them leave by themselves then, whatever comes behind them.
        self.queues[Queue::Logouts as usize].seal_if_idle();
        for queue in Queue::ALL {
            let up_to = match queue {
                // A session is stored before it is closed.
                Queue::Logouts => up_to.min(marks.get(Stage::Written(Queue::Logins))),
                Queue::Events | Queue::Logins | Queue::Keyed => up_to,
            };
            while let Some((number, batch)) = self.queues[queue as usize].take_batch(now, up_to) {
                newest_day = newest_day.max(batch.days().max().cloned());
                let (store, baselines) = (Arc::clone(store), Arc::clone(baselines));
                let closing = self.closing.clone();
                let now_ms = self.shared.context.clock.now_ms();
                let write = attempt(async move {
                    let written =
                        write(store.as_ref(), &baselines, &closing, queue, &batch).await?;
                    note_late(store.as_ref(), batch.days(), now_ms).await?;
                    Ok(written)
                });
                self.tasks.spawn(async move {
                    WriteResult {
                        queue,
                        number,
                        result: write.await,
                    }
                });
            }
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
        let WriteResult {
            queue,
            number,
            result,
        } = result;
        if let Ok(written) = &result {
            self.recorded(&written.purchases);
            if written.is_unreadable {
                let log = &self.shared.log;
                log.warn_once("keyed_unreadable", || messages::KEYED_UNREADABLE.to_owned());
            }
        }
        let writes = &mut self.queues[queue as usize];
        let reported = match result {
            Ok(written) => {
                let health = &self.shared.health;
                health.count(|counts| counts.duplicates += written.duplicates);
                let reported = writes.written(number, written);
                self.failing[queue as usize] = None;
                self.accepted(collection_of(queue));
                if queue == Queue::Keyed {
                    self.accepted(Collection::Uniques);
                }
                reported
            }
            Err(error) => {
                let refused = match Suspicion::of(&error) {
                    None => Refused::Retried(writes.failed(number, now)),
                    Some(suspicion) => writes.refused(number, suspicion, now),
                };
                match refused {
                    Refused::Dropped => writes.done(number, Written::refused(error.message)),
                    Refused::Retried(records) => {
                        let error = error.on(collection_of(queue));
                        self.failing[queue as usize] = error.collection;
                        return Err(Failed { error, records });
                    }
                }
            }
        };
        for (batch, written) in reported {
            self.complete(queue, &batch, written, totals, acks);
        }
        Ok(())
    }

    /// Tells of purchases that are not stored.
    fn recorded(&mut self, purchases: &Recorded) {
        let shared = &self.shared;
        if purchases.stored > 0 {
            self.has_purchased = true;
            shared.accepted(Collection::Purchases);
        }
        let Some(refusal) = &purchases.refusal else {
            return;
        };
        if purchases.lost > 0 {
            shared.health.warn("purchase_lost", purchases.lost as u64);
        }
        shared.health.error(refusal.message.clone());
        match refusal.fault {
            Fault::Content => shared.log.warn_once("purchase_lost", || {
                messages::purchase_refused(&refusal.message)
            }),
            _ => refused(shared, Collection::Purchases, refusal),
        }
    }

    /// Whether purchases were stored since this was last asked.
    pub fn take_purchased(&mut self) -> bool {
        std::mem::take(&mut self.has_purchased)
    }

    /// A collection that refuses logouts takes logins, perhaps, and goes on refusing.
    fn accepted(&self, collection: Collection) {
        if self.failing.contains(&Some(collection)) {
            self.shared.database.change(|db| db.connected = true);
        } else {
            self.shared.accepted(collection);
        }
    }

    /// Counts the records of a batch, passes their shares on, and keeps the memory that shares take.
    fn complete(
        &mut self,
        queue: Queue,
        batch: &Batch,
        result: Written,
        totals: &mut Totals,
        acks: &mut Acknowledgements,
    ) {
        acks.acknowledge(batch.sessions().iter().map(|item| item.ack));
        if !result.uncertain.is_empty() {
            let (health, log) = (&self.shared.health, &self.shared.log);
            health.warn("totals_uncertain", result.uncertain.len() as u64);
            log.warn_once("unreadable claim", || messages::UNREADABLE_CLAIM.to_owned());
        }
        let mut dropped = result.dropped.into_iter().peekable();
        let mut unmatched = result.unmatched.into_iter().peekable();
        let mut keyed = result.keyed.into_iter().peekable();
        let mut replaced = result.replaced.into_iter().peekable();
        let (mut written, mut kept) = (0, 0);
        for place in 0..batch.count() {
            let estimate = replaced.next_if(|(replaced, _)| *replaced == place);
            let counted = estimate.map_or(0.0, |(_, seconds)| seconds);
            if let Some((_, message)) = dropped.next_if(|(dropped, _)| *dropped == place) {
                self.drop_record(message);
                self.decided.extend(batch.undecided(place));
            } else if unmatched.next_if_eq(&place).is_some() {
                written += 1;
            } else if let Some(outcome) = keyed.next_if(|outcome| outcome.place == place) {
                self.decide(&outcome);
                match outcome.share {
                    Some(contribution) => kept += totals.add(queue, contribution),
                    None => written += 1,
                }
            } else if let Some(contribution) = batch.share(place, counted) {
                kept += totals.add(queue, contribution);
            } else {
                written += 1;
            }
        }
        self.shared.memory.release(batch.bytes() - kept);
        self.shared.health.complete(written);
    }

    fn decide(&mut self, outcome: &Outcome) {
        self.decided.push(Decided {
            seq: outcome.seq,
            is_first: outcome.is_first,
        });
        let (health, log) = (&self.shared.health, &self.shared.log);
        if !outcome.is_first {
            health.count(|counts| counts.redelivered += 1);
        }
        if outcome.differs {
            health.warn("redelivered_otherwise", 1);
            log.warn_once("redelivered_otherwise", || {
                messages::REDELIVERED_OTHERWISE.to_owned()
            });
        }
    }

    /// What was found out since this was last asked.
    pub fn take_decided(&mut self) -> Vec<Decided> {
        std::mem::take(&mut self.decided)
    }

    fn drop_record(&self, message: String) {
        self.shared
            .log
            .warn_once("refused_by_server", || messages::document_dropped(&message));
        self.shared.health.drop_records("refused_by_server", 1);
        self.shared.health.error(message);
    }

    /// The number of the oldest record of a queue that is not written.
    pub fn first_unwritten(&self, queue: Queue) -> Option<i64> {
        self.queues[queue as usize].first_unwritten()
    }

    /// Whether no queue sends anything, because writes failed.
    pub fn is_backing_off(&self, now: Instant) -> bool {
        self.queues.iter().all(|queue| queue.is_backing_off(now))
    }

    /// Whether no write is in flight.
    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Later records go into other batches than earlier ones.
    pub fn seal(&mut self) {
        self.queues.iter_mut().for_each(WriteQueue::seal);
    }

    /// Lets records that wait for company leave by themselves, where nothing is on its way.
    pub fn seal_if_idle(&mut self) {
        self.queues.iter_mut().for_each(WriteQueue::seal_if_idle);
    }

    /// The database is left: batches in flight are sent again to the next, and nobody waits for them here.
    pub fn leave_database(&mut self) {
        self.tasks.detach();
        self.failing = [None; QUEUES];
        self.queues.iter_mut().for_each(WriteQueue::resend);
    }

    pub fn retry_at(&self) -> Option<Instant> {
        self.queues.iter().filter_map(WriteQueue::retry_at).min()
    }
}

async fn write<S: Store>(
    store: &S,
    baselines: &Baselines,
    closing: &Closing,
    queue: Queue,
    batch: &Batch,
) -> Result<Written> {
    match batch {
        Batch::Events(batch) => events::write_events(store, batch).await,
        Batch::Keyed(batch) => keyed::write_keyed(store, batch).await,
        Batch::Sessions(_) if queue == Queue::Logins => {
            sessions::write_logins(store, baselines, batch.sessions()).await
        }
        Batch::Sessions(_) => {
            sessions::write_logouts(store, baselines, closing, batch.sessions()).await
        }
    }
}

fn collection_of(queue: Queue) -> Collection {
    match queue {
        Queue::Events | Queue::Keyed => Collection::Events,
        Queue::Logins | Queue::Logouts => Collection::Sessions,
    }
}
