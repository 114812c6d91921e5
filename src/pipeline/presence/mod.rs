//! Presence: every 20 s a sample says that this instance is here, how many players it has and how it is, so
//! that any process can tell who is online in all of them.
//!
//! A sample waits for nothing and nothing waits for it: it passes no queue of records, is not repeated, and is
//! dropped while the database is away; the next one says it all. Only the last one, which says that the instance
//! has ended, is waited for, at the end and for a moment. Where samples are refused, or would never be deleted,
//! none is written until that has changed, which one line says.
//!
//! With each sample the newest ones of all others are read. From these the `observer` tells who has died.

pub(super) mod observer;
mod summary;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::closing::Dead;
use super::messages;
use super::task::{Tasks, attempt, attempt_within};
use crate::forward::Destinations;
use crate::instance::shared::Shared;
use crate::store::{Result, Sample, Seen, Store, StoreError};
use observer::{Observer, Patience};
use summary::Rates;

/// The first sample comes after this part of an interval, 1 s: a server that starts has records to write, and
/// indexes to make.
const FIRST_AFTER: u32 = 20;
/// Samples until the index that deletes them is looked for again: an hour.
const PREPARED_FOR: i64 = 180;
/// The part of an interval, 5 s, for which an instance that was seen waits for that. An index may take longer.
const PREPARED_WITHIN: u32 = 4;
/// Intervals until samples that are refused are tried again: 1 min. Once they are accepted again, nobody may be
/// silent for so long that others take it for dead.
const REFUSED_FOR: u32 = 3;

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
    /// A sample of ours is stored in this database.
    is_known: bool,
    /// The earliest and the latest that the host's clock has shown.
    from_ms: i64,
    to_ms: i64,
    rates: Rates,
    observer: Observer,
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

/// Where an instance is, as this database sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    Here,
    /// It goes to another database, and its players with it.
    Elsewhere,
    /// It ends, and nobody can log out through it any more.
    Over,
}

/// The result of a sample, and what was read after it.
pub struct Written {
    sent_at: Instant,
    own: Dead,
    is_last: bool,
    result: Result<Vec<Seen>>,
}

impl Written {
    pub fn error(&self) -> Option<&StoreError> {
        self.result.as_ref().err()
    }
}

/// What an instance sees after a sample of its own.
pub struct Sighting {
    /// Itself, as others see it that take it for dead.
    pub own: Dead,
    pub is_claimed: bool,
    pub dead: Vec<Dead>,
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
            is_known: false,
            from_ms: shared.context.clock.now_ms(),
            to_ms: shared.context.clock.now_ms(),
            rates: Rates::default(),
            observer: Observer::new(patience(shared.context.limits.presence_every)),
            tasks: Tasks::new(),
        }
    }

    /// Sends the sample that is due: of an instance that is here, or the last one of one that is not.
    pub fn poll<S: Store>(&mut self, store: &Arc<S>, stay: Stay, now: Instant) {
        if stay != Stay::Here {
            if self.state == State::Present {
                self.change(State::Leaving);
                self.send(store, stay, now);
            }
            self.due = None;
        } else if self.shared.config.presence {
            let interval = self.shared.context.limits.presence_every;
            let due = *self.due.get_or_insert(now + interval / FIRST_AFTER);
            if due <= now && self.tasks.is_empty() {
                self.change(State::Present);
                self.send(store, stay, now);
            }
        }
    }

    fn send<S: Store>(&mut self, store: &Arc<S>, stay: Stay, now: Instant) {
        let is_last = stay != Stay::Here;
        self.due = Some(now + self.shared.context.limits.presence_every);
        self.seq += 1;
        let prepares = !is_last && self.prepare_at <= self.seq;
        let is_known = self.is_known;
        let sample = self.sample(stay);
        let own = Dead {
            of: sample.incarnation,
            sample: sample.seq,
            until_ms: sample.host_ms,
            from_ms: sample.from_ms,
            to_ms: sample.to_ms,
        };
        let (store, prepared) = (Arc::clone(store), Arc::clone(store));
        let patience = self.shared.context.limits.presence_every / PREPARED_WITHIN;
        let writing = attempt(async move {
            if prepares && !is_known {
                store.prepare_presence().await?;
            }
            store.write_sample(&sample).await?;
            if is_last {
                return Ok(Vec::new());
            }
            Ok(store.presence().await?.instances)
        });
        self.tasks.spawn(async move {
            let result = writing.await;
            if prepares && is_known && result.is_ok() {
                // Who was seen goes on, whatever becomes of it: others would take silence for death. It has a time of
                // its own, so that it does not make a failure of a sample that is written.
                let preparing = async move { prepared.prepare_presence().await };
                let _ = attempt_within(patience, preparing).await;
            }
            Written {
                sent_at: now,
                own,
                is_last,
                result,
            }
        });
        if prepares {
            self.prepare_at = self.seq + PREPARED_FOR;
        }
    }

    fn sample(&mut self, stay: Stay) -> Sample {
        let active = self.shared.active_sessions.load(Ordering::Acquire) as i64;
        let (online, left) = match stay {
            Stay::Here => (active, 0),
            Stay::Over => (0, active),
            Stay::Elsewhere => (0, 0),
        };
        let host_ms = self.shared.context.clock.now_ms();
        self.from_ms = self.from_ms.min(host_ms);
        self.to_ms = self.to_ms.max(host_ms);
        Sample {
            incarnation: self.shared.incarnation.get(),
            seq: self.seq,
            online,
            host_ms,
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            health: summary::of(&self.shared, &self.destinations, &mut self.rates),
            is_last: stay != Stay::Here,
            left,
        }
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> Written {
        self.tasks.next().await
    }

    /// Returns what was seen, if samples were read.
    pub fn handle(&mut self, written: Written, now: Instant) -> Option<Sighting> {
        if written.is_last {
            self.change(State::Absent);
        }
        match written.result {
            Ok(all) => {
                if std::mem::take(&mut self.is_refused) {
                    self.shared.log.info(messages::PRESENCE_ON);
                }
                if written.is_last || self.state != State::Present {
                    self.observer.failed();
                    return None;
                }
                self.is_known = true;
                return Some(self.see(written.own, written.sent_at, &all));
            }
            Err(error) if error.is_of_connection() => self.prepare_at = 0,
            Err(error) => {
                self.change(State::Absent);
                self.prepare_at = 0;
                self.due = Some(now + self.shared.context.limits.presence_every * REFUSED_FOR);
                if !std::mem::replace(&mut self.is_refused, true) {
                    self.shared.log.warn(messages::presence_refused(&error));
                }
            }
        }
        self.observer.failed();
        None
    }

    fn see(&mut self, own: Dead, sent_at: Instant, all: &[Seen]) -> Sighting {
        let dead = self.observer.saw(sent_at, all);
        let look_at = self.observer.look_at();
        self.due = self.due.into_iter().chain(look_at).min();
        let is_claimed = |seen: &Seen| seen.incarnation == own.of && seen.is_claimed;
        Sighting {
            own,
            is_claimed: all.iter().any(is_claimed),
            dead,
        }
    }

    /// Says at once that this instance is here, under its new incarnation.
    pub fn hasten(&mut self, now: Instant) {
        self.due = Some(now);
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
        self.observer.failed();
        self.change(State::Absent);
        (self.due, self.prepare_at, self.is_known) = (None, 0, false);
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

/// An instance is dead after more than four intervals in which it says nothing: 90 s. One and a half without a
/// sample of our own are a gap.
fn patience(interval: Duration) -> Patience {
    Patience {
        silent: interval * 9 / 2,
        gap: interval * 3 / 2,
    }
}
