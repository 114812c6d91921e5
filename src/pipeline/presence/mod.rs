//! Presence: every 20 s a sample says that this instance is here, how many players it has and how it is, so
//! that any process can tell who is online in all of them.
//!
//! A sample waits for nothing and nothing waits for it: it passes no queue of records, is not repeated, and is
//! dropped while the database is away; the next one says it all. Only the last one, which says that the instance
//! has ended, is waited for, at the end and for a moment. Where samples are refused, or would never be deleted,
//! none is written until that has changed, which one line says.

mod summary;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::messages;
use super::task::{Tasks, attempt};
use crate::forward::Destinations;
use crate::instance::shared::Shared;
use crate::store::{Fault, Result, Sample, Store};

/// The first sample comes after this part of an interval, 1 s: a server that starts has records to write, and
/// indexes to make.
const FIRST_AFTER: u32 = 20;
/// Samples until the index that deletes them is looked for again: an hour.
const PREPARED_FOR: i64 = 180;
/// Intervals until samples that are refused are tried again: 5 min.
const REFUSED_FOR: u32 = 15;

pub struct Presence {
    shared: Arc<Shared>,
    destinations: Arc<Destinations>,
    seq: i64,
    /// The number from which the index is to be looked for.
    prepare_at: i64,
    /// When the next sample is due, of an instance that is here.
    due: Option<Instant>,
    is_refused: bool,
    state: State,
    /// The earliest that the host's clock has shown.
    from_ms: i64,
    tasks: Tasks<Written>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing that is stored says that this instance is here.
    Absent,
    Present,
    /// The last sample is under way.
    Leaving,
}

/// The result of a sample.
pub struct Written {
    is_last: bool,
    result: Result<()>,
}

/// Says that this instance takes no part, if the settings want that.
pub fn remark_on(shared: &Shared) {
    if !shared.config.presence && !shared.config.is_reader {
        shared.log.info(messages::PRESENCE_OFF);
    }
}

impl Presence {
    pub fn new(shared: &Arc<Shared>, destinations: &Arc<Destinations>) -> Self {
        Self {
            shared: Arc::clone(shared),
            destinations: Arc::clone(destinations),
            seq: 0,
            prepare_at: 0,
            due: None,
            is_refused: false,
            state: State::Absent,
            from_ms: shared.context.clock.now_ms(),
            tasks: Tasks::new(),
        }
    }

    /// Sends the sample that is due: of an instance that is here, or the last one of one that is not.
    pub fn poll<S: Store>(&mut self, store: &Arc<S>, is_here: bool, now: Instant) {
        if !is_here {
            if self.state == State::Present {
                self.change(State::Leaving);
                self.send(store, true, now);
            }
            self.due = None;
        } else if self.shared.config.presence {
            let interval = self.shared.context.limits.presence_every;
            let due = *self.due.get_or_insert(now + interval / FIRST_AFTER);
            if due <= now && self.tasks.is_empty() {
                self.change(State::Present);
                self.send(store, false, now);
            }
        }
    }

    fn send<S: Store>(&mut self, store: &Arc<S>, is_last: bool, now: Instant) {
        self.due = Some(now + self.shared.context.limits.presence_every);
        self.seq += 1;
        let prepares = !is_last && self.prepare_at <= self.seq;
        let sample = self.sample(is_last);
        let store = Arc::clone(store);
        let writing = attempt(async move {
            if prepares {
                store.prepare_presence().await?;
            }
            store.write_sample(&sample).await
        });
        self.tasks.spawn(async move {
            let result = writing.await;
            Written { is_last, result }
        });
        if prepares {
            self.prepare_at = self.seq + PREPARED_FOR;
        }
    }

    fn sample(&mut self, is_last: bool) -> Sample {
        let online = match is_last {
            true => 0,
            false => self.shared.active_sessions.load(Ordering::Acquire) as i64,
        };
        let host_ms = self.shared.context.clock.now_ms();
        self.from_ms = self.from_ms.min(host_ms);
        Sample {
            incarnation: self.shared.incarnation,
            seq: self.seq,
            online,
            host_ms,
            from_ms: self.from_ms,
            health: summary::of(&self.shared, &self.destinations),
            is_last,
        }
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> Written {
        self.tasks.next().await
    }

    pub fn handle(&mut self, written: Written, now: Instant) {
        if written.is_last {
            self.change(State::Absent);
        }
        match written.result {
            Ok(()) if std::mem::take(&mut self.is_refused) => {
                self.shared.log.info(messages::PRESENCE_ON);
            }
            Ok(()) => {}
            Err(error) if error.fault == Fault::Moment => self.prepare_at = 0,
            Err(error) => {
                self.change(State::Absent);
                self.prepare_at = 0;
                self.due = Some(now + self.shared.context.limits.presence_every * REFUSED_FOR);
                if !std::mem::replace(&mut self.is_refused, true) {
                    self.shared.log.warn(messages::presence_refused(&error));
                }
            }
        }
    }

    /// Whether what is stored may say that this instance is here.
    pub fn is_present(&self) -> bool {
        self.state != State::Absent
    }

    /// Whether no sample is under way.
    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The database is left.
    pub fn leave_database(&mut self) {
        self.tasks.detach();
        self.change(State::Absent);
        (self.due, self.prepare_at) = (None, 0);
    }

    fn change(&mut self, state: State) {
        self.state = state;
        let is_present = self.is_present();
        self.shared.is_present.store(is_present, Ordering::Release);
    }

    /// When a sample is due.
    pub fn wake_at(&self) -> Option<Instant> {
        self.due.filter(|_| self.tasks.is_empty())
    }
}
