//! Closing: the sessions that a dead instance has left open end at the last moment that it was seen. That
//! moment is an estimate: a real logout replaces it, whenever it comes.
//!
//! **The claim** ([`Claim`]) makes it happen once, in four stages, each begun by one compare-and-set. Any
//! number of processes may work on a claim at once, and each goes on from what stands there.
//!
//! 1. `claimed`: it is known to a majority that the instance counts as dead. Only now its open sessions are
//!    listed. They are found by their `_id`, whose middle is the incarnation.
//! 2. `closing`: the list stands. Sessions on it are closed while they are open, and no others ever.
//! 3. `counting`: each of them was closed, or had a real logout. Those that have the estimate now are the
//!    sessions of the claim for ever. They are added to the totals under the writer id of the claim, in
//!    one batch whose last number is the same for everybody ([`add_once`]).
//! 4. `done`: a majority holds the totals of all days.
//!
//! **A real logout** closes its session if that is open, then looks at the claims. What the claim says is
//! final when it is counting, so a logout that meets an earlier stage brings the claim there first. Of a
//! session that is the claim's, it replaces the estimate and adds the difference; of any other, all. The
//! claim was there before a session is closed by it, and the claims are read after the logout's own
//! update: so either the logout sees the claim, or its session is not on the list. A repeated attempt finds
//! the same claim, and adds the same.
//!
//! **An instance that was only frozen**, or cut off, finds its claim. It takes a new incarnation, which the
//! claim names as its next, and opens the sessions again whose players are still connected. The totals keep
//! what they hold of these sessions until the logout, and so does their `durationS`. Should the instance die
//! then, the claim of the next incarnation takes these sessions in, and adds what they lasted longer. A session that
//! the instance stores after the list was made stays open if the instance dies before its next sample.
//!
//! **A close that arrives late**, of a closer that was frozen itself, must not close a session that was opened
//! again. It matches only the duration that stood there before its claim. Each claim gives a session a longer
//! one than the claim before, so that none comes back.

mod closer;
mod estimates;

use std::collections::HashSet;

use bson::oid::ObjectId;

use crate::instance::context::Context;
use crate::instance::incarnation::Incarnation;
use crate::instance::log::Log;
use crate::instance::shared::Shared;
use crate::pipeline::messages;
use crate::pipeline::totals::{Amount, Contribution, Rules, add_once};
use crate::record::day::Day;
use crate::record::item::duration_s;
use crate::reports::note_late;
use crate::store::{
    Claim, LeftClose, LeftSession, Result, Stage, Store, StoreError, is_unreadable_claim,
};
use crate::util::failpoint::failpoint;
pub use closer::Closer;
pub use estimates::Estimates;
use estimates::logout_ms;

/// Sessions that are closed or opened in one request.
const PER_REQUEST: usize = 1_000;

/// An instance that died, and its last sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dead {
    pub of: Incarnation,
    /// The number of its last sample.
    pub sample: i64,
    /// When that was, by the clock of its host, ms since 1970.
    pub until_ms: i64,
    /// The time of its first session, or before.
    pub from_ms: i64,
    /// The latest that the clock of its host has shown.
    pub to_ms: i64,
}

/// Works on claims.
#[derive(Clone)]
pub struct Closing {
    context: Context,
    log: Log,
    rules: Rules,
}

impl Closing {
    pub fn new(shared: &Shared, rules: Rules) -> Self {
        Self {
            context: shared.context.clone(),
            log: shared.log.clone(),
            rules,
        }
    }

    /// Closes what a dead instance has left open. Can be repeated until it succeeds, and be done by others
    /// at the same time. Returns how many sessions end by what was done now.
    pub async fn close<S: Store>(&self, store: &S, dead: Dead) -> Result<usize> {
        let (mut of, mut closed) = (dead.of, 0);
        loop {
            let claim = store.insert_claim(&self.claim(Dead { of, ..dead })).await?;
            failpoint!("claim:inserted");
            let (claim, now) = self.bring_to(store, claim, Stage::Done).await?;
            closed += now;
            // If it was seen after the claim, and did not find it before it died, its heir is claimed.
            if claim.sample >= dead.sample
                || store.name_next(&claim, of.heir()).await?.next != Some(of.heir())
            {
                break;
            }
            of = of.heir();
        }
        store.retire(dead.of, dead.sample).await?;
        Ok(closed)
    }

    fn claim(&self, dead: Dead) -> Claim {
        Claim {
            of: dead.of,
            from_ms: dead.from_ms,
            to_ms: dead.to_ms,
            until_ms: dead.until_ms,
            sample: dead.sample,
            writer: self.context.random.id(),
            stage: Stage::Claimed,
            sessions: Vec::new(),
            next: None,
        }
    }

    /// Brings a claim to a stage, from where it stands. Returns how many sessions are added by it now.
    pub async fn bring_to<S: Store>(
        &self,
        store: &S,
        mut claim: Claim,
        stage: Stage,
    ) -> Result<(Claim, usize)> {
        let mut added = 0;
        while claim.stage < stage {
            let before = claim.stage;
            let reached = self.next_stage(store, claim).await?;
            failpoint!("claim:advance");
            let (stands, is_ours) = store.advance_claim(&reached).await?;
            if stands.stage <= before {
                return Err(StoreError::transient("a claim does not advance"));
            }
            if is_ours && reached.stage == Stage::Done {
                added = stands.sessions.len();
            }
            claim = stands;
        }
        Ok((claim, added))
    }

    /// Does the work of a stage; returns the claim as it is to be then.
    async fn next_stage<S: Store>(&self, store: &S, claim: Claim) -> Result<Claim> {
        let (stage, sessions) = match claim.stage {
            Stage::Claimed => (Stage::Closing, self.list(store, &claim).await?),
            Stage::Closing => (Stage::Counting, close_all(store, &claim).await?),
            Stage::Counting | Stage::Done => {
                self.count(store, &claim).await?;
                (Stage::Done, claim.sessions.clone())
            }
        };
        Ok(Claim {
            stage,
            sessions,
            ..claim
        })
    }

    /// The sessions that are to be closed, with what earlier claims say of them; of too many the oldest ones.
    async fn list<S: Store>(&self, store: &S, claim: &Claim) -> Result<Vec<LeftSession>> {
        let left = store.left_by(claim).await?;
        let mut counted = Estimates::default();
        for claim in left.earlier.iter().rev() {
            counted.take(claim);
        }
        let mut open = left.open;
        for session in &mut open {
            let estimate = counted.of(session.id);
            session.counted_ms = estimate.map_or(session.login_ms, |one| one.logout_ms);
        }
        let most = self.context.limits.claim_sessions;
        if open.len() > most {
            let more = open.len() - most;
            let text = || messages::sessions_beyond_claim(most, more);
            self.log.warn_once("sessions beyond a claim", text);
            open.sort_unstable_by_key(|session| (session.login_ms, session.id));
        }
        open.truncate(most);
        Ok(open)
    }

    /// Adds the sessions of a claim to the totals of their days; old ones are reported again.
    async fn count<S: Store>(&self, store: &S, claim: &Claim) -> Result<()> {
        let contribution = |session: &LeftSession| Contribution {
            seq: number(session.id),
            day: day_of(session),
            amount: Amount::Closed {
                seconds: duration_s(session.login_ms, logout_ms(claim, session)),
                counted: duration_s(session.login_ms, session.counted_ms),
            },
        };
        let contributions = claim.sessions.iter().map(contribution);
        let writer = (self.rules.claim_writer)(claim);
        add_once(store, &self.context, self.rules, &writer, contributions).await?;
        let days: Vec<Day> = claim.sessions.iter().map(day_of).collect();
        note_late(store, days.iter(), self.context.clock.now_ms()).await
    }

    /// What is estimated of sessions, by claims that were read after their logouts, and by others of them, of these
    /// incarnations, that cannot be read.
    pub async fn estimates<S: Store>(
        &self,
        store: &S,
        claims: Vec<Claim>,
        unreadable: Vec<Incarnation>,
    ) -> Result<Estimates> {
        let mut estimates = Estimates::default();
        let mut unknown = unreadable;
        let claims = in_order(claims);
        for claim in &claims {
            let brought = match (self.rules.waits_for_claim)(claim) {
                true => self.bring_to(store, claim.clone(), Stage::Counting).await,
                false => Ok((claim.clone(), 0)),
            };
            match brought {
                Ok((claim, _)) => estimates.take(&claim),
                Err(error) if is_unreadable_claim(&error) => unknown.push(claim.of),
                Err(error) => return Err(error),
            }
        }
        // The sessions of an incarnation are also in the claims of those after it.
        for claim in claims.iter().rev() {
            if claim.next.is_some_and(|next| unknown.contains(&next)) {
                unknown.push(claim.of);
            }
        }
        unknown.into_iter().for_each(|of| estimates.lack(of));
        Ok(estimates)
    }

    /// An instance has found its claim after its sample `own`, and goes on as `next`, of which a sample is stored:
    /// those of its sessions whose players are connected are opened again, given as they are stored. A fail-over
    /// may have taken the claim back: it is made then, so that nobody makes it later. Can be repeated until it
    /// succeeds. Returns how many were to be opened.
    pub async fn resume<S: Store>(
        &self,
        store: &S,
        own: Dead,
        next: Incarnation,
        connected: &HashSet<ObjectId>,
    ) -> Result<usize> {
        let (mut of, mut again) = (own.of, Vec::new());
        while of != next {
            let claim = store.insert_claim(&self.claim(Dead { of, ..own })).await?;
            let (claim, _) = self.bring_to(store, claim, Stage::Done).await?;
            let is_connected = |session: &&LeftSession| connected.contains(&session.id);
            let sessions = claim.sessions.iter().filter(is_connected);
            again.extend(sessions.map(|one| (one.id, logout_ms(&claim, one))));
            // An heir, where others took the instance for dead a second time.
            of = store.name_next(&claim, next).await?.next.unwrap_or(next);
        }
        for some in again.chunks(PER_REQUEST) {
            store.reopen_sessions(some).await?;
        }
        Ok(again.len())
    }
}

/// Closes the sessions of the list that are open; returns those that have the estimate.
async fn close_all<S: Store>(store: &S, claim: &Claim) -> Result<Vec<LeftSession>> {
    let mut closed = Vec::new();
    for some in claim.sessions.chunks(PER_REQUEST) {
        let closes: Vec<LeftClose> = some
            .iter()
            .map(|session| close_of(claim, session))
            .collect();
        failpoint!("claim:close");
        let ids = store.close_open_sessions(&closes).await?;
        let ids: HashSet<ObjectId> = ids.into_iter().collect();
        closed.extend(some.iter().filter(|session| ids.contains(&session.id)));
    }
    Ok(closed)
}

fn close_of(claim: &Claim, session: &LeftSession) -> LeftClose {
    let logout_ms = logout_ms(claim, session);
    LeftClose {
        session: session.id,
        logout_ms,
        duration_s: duration_s(session.login_ms, logout_ms),
        counted_s: duration_s(session.login_ms, session.counted_ms),
    }
}

/// A session counts on the day of its login.
fn day_of(session: &LeftSession) -> Day {
    Day::of(session.login_ms)
}

/// The number of a session among those of its process, in the order of their `_id`: its time and its place
/// within that.
fn number(session: ObjectId) -> i64 {
    let [t1, t2, t3, t4, _, _, _, _, _, n1, n2, n3] = session.bytes();
    i64::from_be_bytes([0, t1, t2, t3, t4, n1, n2, n3])
}

/// Claims before those that they name as their next.
fn in_order(mut claims: Vec<Claim>) -> Vec<Claim> {
    let mut ordered = Vec::new();
    while !claims.is_empty() {
        let is_next = |claim: &Claim| claims.iter().any(|one| one.next == Some(claim.of));
        let (later, first): (Vec<Claim>, Vec<Claim>) = claims.iter().cloned().partition(is_next);
        if first.is_empty() {
            return ordered;
        }
        ordered.extend(first);
        claims = later;
    }
    ordered
}
