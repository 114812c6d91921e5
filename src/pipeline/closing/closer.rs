//! The closer: it closes the sessions of instances that were seen to be dead, and goes on under a new
//! incarnation where others took this one for dead. An instance whose sessions cannot be closed, as where listing
//! them takes too long, comes after all others the next time, so that it holds up none; and it is tried again more
//! and more rarely, so that the database is not busy with it for ever. Where sessions of this one cannot be opened
//! again, those of others are closed all the same.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bson::oid::ObjectId;
use tokio::time::Instant;

use super::{Closing, Dead};
use crate::instance::incarnation::Incarnation;
use crate::instance::shared::Shared;
use crate::pipeline::legacy::Baselines;
use crate::pipeline::messages;
use crate::pipeline::presence::Sighting;
use crate::pipeline::task::{Tasks, attempt_within};
use crate::pipeline::write::stored_ids;
use crate::record::day::Day;
use crate::store::{Result, Store};

/// How long the sessions of one instance may take. What is not done then is gone on with at the next sample.
const LIMIT: Duration = Duration::from_secs(120);
/// Before sessions of our own are opened again after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause before an instance whose sessions could not be closed is tried again. The first one is the half
/// of an interval between samples, so that the next sample tries it, and each is twice the one before.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

pub struct Closer {
    shared: Arc<Shared>,
    closing: Closing,
    /// Those whose sessions are to be closed, as they were seen last.
    dead: Vec<Dead>,
    /// Those of them that failed, the longest ago first.
    failed: Vec<Failure>,
    /// Incarnations of this instance that are claimed and whose sessions are to be opened again, in their order.
    claimed: VecDeque<Claimed>,
    /// Whether a sample of the present incarnation is stored, and it is not claimed.
    is_seen: bool,
    retry_at: Option<Instant>,
    tasks: Tasks<Ended>,
}

/// That the sessions of an instance could not be closed.
struct Failure {
    of: Incarnation,
    pause: Duration,
    /// When it is tried again.
    until: Instant,
}

#[derive(Clone, Copy)]
struct Claimed {
    /// Its last sample.
    own: Dead,
    /// The incarnation after it.
    next: Incarnation,
}

/// The result of a task: how many sessions were closed, or opened again.
pub enum Ended {
    Closed(Dead, Result<usize>),
    Resumed(Result<usize>),
}

impl Closer {
    pub fn new(shared: &Arc<Shared>, closing: Closing) -> Self {
        Self {
            shared: Arc::clone(shared),
            closing,
            dead: Vec::new(),
            failed: Vec::new(),
            claimed: VecDeque::new(),
            is_seen: false,
            retry_at: None,
            tasks: Tasks::new(),
        }
    }

    /// Takes over what was seen. Returns whether this instance has a new incarnation by that, which nobody
    /// knows yet.
    pub fn see(&mut self, sighting: Sighting) -> bool {
        self.dead = sighting.dead;
        let is_dead = |one: &Failure| self.dead.iter().any(|dead| dead.of == one.of);
        self.failed.retain(is_dead);
        let own = sighting.own;
        if own.of != self.shared.incarnation.get() {
            return false;
        }
        self.is_seen = !sighting.is_claimed;
        if sighting.is_claimed {
            let next = Incarnation::fresh(&self.shared.context.random);
            self.claimed.push_back(Claimed { own, next });
            self.shared
                .incarnation
                .change(|incarnation| *incarnation = next);
        }
        sighting.is_claimed
    }

    /// Works on what was seen. `connected` are the sessions whose players are logged in, each with its day.
    pub fn poll<S: Store>(
        &mut self,
        store: &Arc<S>,
        baselines: &Arc<Baselines>,
        connected: impl FnOnce() -> Vec<(ObjectId, Day)>,
        now: Instant,
    ) {
        if !self.tasks.is_empty() {
            return;
        }
        self.retry_at = self.retry_at.filter(|at| *at > now);
        let may_resume = self.is_seen && self.retry_at.is_none();
        let (store, closing) = (Arc::clone(store), self.closing.clone());
        if let (Some(Claimed { own, next }), true) = (self.claimed.front().copied(), may_resume) {
            let (connected, baselines) = (connected(), Arc::clone(baselines));
            let work = attempt_within(LIMIT, async move {
                let ids = stored_ids(store.as_ref(), &baselines, &connected).await?;
                let ids: HashSet<ObjectId> = ids.into_iter().collect();
                closing.resume(store.as_ref(), own, next, &ids).await
            });
            self.tasks.spawn(async { Ended::Resumed(work.await) });
        } else if let Some(dead) = self.next_dead(now) {
            let work = attempt_within(
                LIMIT,
                async move { closing.close(store.as_ref(), dead).await },
            );
            self.tasks
                .spawn(async move { Ended::Closed(dead, work.await) });
        }
    }

    fn next_dead(&mut self, now: Instant) -> Option<Dead> {
        let failed = |dead: &Dead| self.failed.iter().position(|one| one.of == dead.of);
        let is_due = |dead: &Dead| failed(dead).is_none_or(|at| self.failed[at].until <= now);
        let all = self.dead.iter().enumerate();
        let due = all.filter(|(_, dead)| is_due(dead));
        let (next, _) = due.min_by_key(|(_, dead)| failed(dead))?;
        Some(self.dead.remove(next))
    }

    /// Notes whether the sessions of an instance could be closed.
    fn note(&mut self, of: Incarnation, is_closed: bool, now: Instant) {
        let before = self.failed.iter().position(|one| one.of == of);
        let before = before.map(|at| self.failed.remove(at));
        if !is_closed {
            let first = self.shared.context.limits.presence_every / 2;
            let pause = before.map_or(first, |one| (one.pause * 2).min(LONGEST_PAUSE));
            let until = now + pause;
            self.failed.push(Failure { of, pause, until });
        }
    }

    /// Resolves with the next result. Cancel-safe.
    pub async fn next(&mut self) -> Ended {
        self.tasks.next().await
    }

    pub fn handle(&mut self, ended: Ended, now: Instant) {
        if let Ended::Closed(dead, result) = &ended {
            self.note(dead.of, result.is_ok(), now);
        }
        let (health, log) = (&self.shared.health, &self.shared.log);
        match ended {
            // It is found dead again at the next sample, unless others were faster.
            Ended::Closed(_, Err(error)) => health.error(error.message),
            Ended::Closed(_, Ok(0)) => {}
            Ended::Closed(dead, Ok(closed)) => {
                health.count(|counts| counts.estimated_logouts += closed as u64);
                log.info(messages::sessions_closed(closed, dead.until_ms));
            }
            Ended::Resumed(Err(error)) => {
                health.error(error.message);
                self.retry_at = Some(now + PAUSE);
            }
            Ended::Resumed(Ok(opened)) => {
                self.claimed.pop_front();
                log.warn(messages::taken_for_dead(opened));
            }
        }
    }

    pub fn wake_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// The database is left. The next may be the same one: sessions of ours may have to be opened again there.
    pub fn leave_database(&mut self) {
        self.tasks.detach();
        self.dead.clear();
        self.is_seen = false;
    }
}
