//! Claims in the model: what each statement does to them, processes that take others for dead, and processes
//! that find their own claim. Any process may be taken for dead at any time: a frozen one is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bson::oid::ObjectId;
use tokio::time::sleep;

use super::flaws::Flaw;
use super::process::Process;
use super::scenario::Fate;
use super::seen::Sight;
use super::server::State;
use super::world::{Handle, World, lock};
use crate::instance::incarnation::Incarnation;
use crate::pipeline::closing::Dead;
use crate::record::day::Day;
use crate::record::item::Close;
use crate::store::{
    Claim, ClaimStore, Left, LeftClose, LeftSession, Minutes, Presence, PresenceStore, Result,
    Sample, Samples, Seen, Stage, StoreError,
};

/// Between two attempts of a process at a claim.
const PAUSE: Duration = Duration::from_millis(80);
const ATTEMPTS: u32 = 8;

pub fn incarnations(closes: &[Close]) -> Vec<Incarnation> {
    let of = closes.iter().map(|close| Incarnation::of(close.session));
    of.collect::<BTreeSet<_>>().into_iter().collect()
}

impl State {
    /// The claims of these incarnations, and of their next ones.
    pub fn claims_of(&self, of: &[Incarnation]) -> Vec<Claim> {
        let mut all = Vec::new();
        for first in of {
            let mut next = Some(*first);
            while let Some(claim) = next.and_then(|of| self.dead.get(&of)) {
                all.push(claim.clone());
                next = claim.next;
            }
        }
        all
    }

    fn claim_mut(&mut self, of: Incarnation) -> Result<&mut Claim> {
        let claim = Arc::make_mut(&mut self.dead).get_mut(&of);
        claim.ok_or_else(|| StoreError::transient("a fail-over took the claim back"))
    }

    fn left_by(&self, claim: &Claim) -> Left {
        let mut left = Left::default();
        let before = |next| self.dead.values().find(move |one| one.next == Some(next));
        let mut of = claim.of;
        while let Some(earlier) = before(of) {
            of = earlier.of;
            left.earlier.push(earlier.clone());
        }
        let all: Vec<_> = left.earlier.iter().chain([claim]).map(|c| c.of).collect();
        for (id, session) in self.sessions.iter() {
            if session.logout_ms.is_none() && all.contains(&Incarnation::of(*id)) {
                left.open.push(LeftSession {
                    id: *id,
                    login_ms: session.login_ms,
                    counted_ms: session.login_ms,
                });
            }
        }
        left
    }

    /// Closes those that are open; returns which of all have the logout time, and which were closed now.
    fn close_open(
        &mut self,
        closes: &[LeftClose],
        is_fenced: bool,
    ) -> (Vec<ObjectId>, Vec<ObjectId>) {
        let sessions = Arc::make_mut(&mut self.sessions);
        let (mut closed, mut now) = (Vec::new(), Vec::new());
        for close in closes {
            let Some(session) = sessions.get_mut(&close.session) else {
                continue;
            };
            let is_before = !is_fenced || session.seconds == close.counted_s;
            if session.logout_ms.is_none() && is_before {
                session.logout_ms = Some(close.logout_ms);
                session.seconds = close.duration_s;
                now.push(close.session);
            }
            if session.logout_ms == Some(close.logout_ms) {
                closed.push(close.session);
            }
        }
        (closed, now)
    }
}

impl ClaimStore for Handle {
    async fn insert_claim(&self, claim: &Claim) -> Result<Claim> {
        let new = claim.clone();
        let writer = format!("{}.o", claim.writer);
        self.lock().claim_writers.insert(writer);
        self.write(move |state, seen| {
            let is_new = !state.dead.contains_key(&new.of);
            seen[Sight::Claimed] += u64::from(is_new);
            let dead = Arc::make_mut(&mut state.dead);
            dead.entry(new.of).or_insert(new).clone()
        })
        .await
    }

    async fn advance_claim(&self, claim: &Claim) -> Result<(Claim, bool)> {
        let (to, own) = (claim.clone(), self.is(Flaw::OwnList));
        let moved: Result<_> = self
            .write(move |state, _| {
                let stands = state.claim_mut(to.of)?;
                let is_ours = Some(stands.stage) == to.stage.before();
                if is_ours {
                    (stands.stage, stands.sessions) = (to.stage, to.sessions);
                }
                Ok((stands.clone(), is_ours))
            })
            .await?;
        let (stands, is_ours) = moved?;
        Ok(match own && stands.stage == Stage::Closing {
            true => (claim.clone(), is_ours),
            false => (stands, is_ours),
        })
    }

    async fn name_next(&self, claim: &Claim, next: Incarnation) -> Result<Claim> {
        let of = claim.of;
        self.write(move |state, _| {
            let stands = state.claim_mut(of)?;
            stands.next.get_or_insert(next);
            Ok(stands.clone())
        })
        .await?
    }

    async fn left_by(&self, claim: &Claim) -> Result<Left> {
        let (claim, is_behind) = (claim.clone(), self.is(Flaw::ListedBehind));
        let list = move |world: &mut World, fate: &Fate| {
            let left = match is_behind {
                true => world.views.majority().left_by(&claim),
                false => world.write(fate, |state, _| state.left_by(&claim)),
            };
            world.note_list(&claim);
            left
        };
        let mut left = self.send(list).await?;
        if self.is(Flaw::CountedTwiceOverLives) {
            left.earlier.clear();
        }
        Ok(left)
    }

    async fn close_open_sessions(&self, closes: &[LeftClose]) -> Result<Vec<ObjectId>> {
        let (closes, is_fenced) = (closes.to_vec(), !self.is(Flaw::LateCloses));
        let (closed, now) = self
            .write(move |state, seen| {
                let (closed, now) = state.close_open(&closes, is_fenced);
                seen[Sight::Estimated] += now.len() as u64;
                (closed, now)
            })
            .await?;
        Ok(match self.is(Flaw::OnlyOwnClosesCount) {
            true => now,
            false => closed,
        })
    }

    async fn reopen_sessions(&self, sessions: &[(ObjectId, i64)]) -> Result<()> {
        let again = sessions.to_vec();
        self.write(move |state, seen| {
            let sessions = Arc::make_mut(&mut state.sessions);
            for (id, logout_ms) in &again {
                let session = sessions
                    .get_mut(id)
                    .filter(|one| one.logout_ms == Some(*logout_ms));
                seen[Sight::Reopened] += u64::from(session.is_some());
                session.into_iter().for_each(|one| one.logout_ms = None);
            }
        })
        .await
    }

    async fn retire(&self, of: Incarnation, sample: i64) -> Result<()> {
        let found = &mut self.lock().found;
        found.retain(|dead| dead.of != of || dead.sample > sample);
        Ok(())
    }
}

impl World {
    /// What is open when the server makes the first list of a claim has to be closed at last, unless its player is
    /// still connected. What is stored later may miss the list that stands.
    fn note_list(&mut self, claim: &Claim) {
        if self.listed.insert(claim.of) {
            let open = self.views.committed().left_by(claim).open;
            let left = open.iter().map(|session| session.id);
            self.truth.left.extend(left);
        }
    }
}

impl Process {
    /// Takes the process with this number for dead, and goes on until its sessions are closed, or it dies.
    pub fn take_for_dead(&mut self, of: usize, back: usize, morrow: bool) {
        let dead = {
            let mut world = lock(&self.handle.world);
            let of = world.truth.incarnation(of).expect("there are processes");
            let dead = Dead {
                of,
                sample: world.truth.records.len() as i64,
                until_ms: world.truth.recently_ms(back, morrow),
                from_ms: 0,
                to_ms: 0,
            };
            world.found.push(dead);
            dead
        };
        let (handle, closing) = (self.handle.clone(), self.closing.clone());
        self.closers.push(tokio::spawn(async move {
            for _ in 0..ATTEMPTS {
                if closing.close(&handle, dead).await.is_ok() {
                    return;
                }
                sleep(PAUSE).await;
            }
        }));
    }

    /// It has closed those that it takes for dead, or given up.
    pub async fn closed(&mut self) {
        for closer in self.closers.drain(..) {
            closer.await.expect("no panic");
        }
    }

    /// It looks for its claim with its next sample, and goes on under a new incarnation if there is one.
    pub fn thaw(&self) {
        lock(&self.handle.world).thawing.insert(self.id);
    }

    /// Closes those who were found dead and whose closers died or gave up, as the living do at each sample.
    pub async fn close_found(&self) {
        let found = lock(&self.handle.world).found.clone();
        for dead in found {
            let _ = self.closing.close(&self.handle, dead).await;
        }
    }
}

impl PresenceStore for Handle {
    async fn prepare_presence(&self) -> Result<()> {
        Ok(())
    }

    async fn write_sample(&self, sample: &Sample) -> Result<()> {
        let mut world = self.lock();
        let is_new = world
            .truth
            .note_incarnation(self.process, sample.incarnation);
        world.seen[Sight::Thaw] += u64::from(is_new);
        Ok(())
    }

    /// Nobody dies of itself; who thaws sees whether it is claimed.
    async fn presence(&self) -> Result<Presence> {
        let mut world = self.lock();
        let is_thawing = world.thawing.remove(&self.process);
        let of = world.truth.incarnation(self.process);
        let itself = of.filter(|_| is_thawing).map(|incarnation| Seen {
            incarnation,
            seq: 0,
            host_ms: None,
            from_ms: None,
            to_ms: None,
            online: 0,
            at_ms: 0,
            has_ended: false,
            is_settled: false,
            is_claimed: world.views.current.dead.contains_key(&incarnation),
            name: None,
        });
        Ok(Presence {
            now_ms: 0,
            instances: itself.into_iter().collect(),
        })
    }

    async fn samples(&self, _: &Day) -> Result<Samples> {
        Ok(Samples::new())
    }

    async fn session_changes(&self, _: &Day, _: Duration) -> Result<Minutes> {
        Ok(Minutes::new())
    }
}
