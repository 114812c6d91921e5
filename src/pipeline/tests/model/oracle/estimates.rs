//! What claims have closed, and added to the totals.

use bson::oid::ObjectId;

use super::{Look, Verdict};
use crate::instance::incarnation::Incarnation;
use crate::pipeline::tests::model::truth::What;
use crate::record::counters::Counter;
use crate::record::item::duration_s;
use crate::store::{Claim, Delta, LeftSession, Stage};

impl Look<'_> {
    /// The claims that hold a session at last, in their order, and what each says of its end.
    fn estimates(&self, id: ObjectId) -> Vec<(&Claim, f64)> {
        let mut found = Vec::new();
        let mut next = Some(Incarnation::of(id));
        while let Some(claim) = next.and_then(|of| self.state.dead.get(&of)) {
            let is_final = claim.stage >= Stage::Counting;
            let mut sessions = claim.sessions.iter().filter(|_| is_final);
            let end = |one: &LeftSession| claim.until_ms.max(one.counted_ms + 1_000);
            let seconds = |one: &LeftSession| duration_s(one.login_ms, end(one));
            let estimate = sessions.find(|one| one.id == id).map(seconds);
            found.extend(estimate.map(|seconds| (claim, seconds)));
            next = claim.next;
        }
        found
    }

    /// What the totals of a day hold of estimates, but for what real logouts hold.
    pub fn estimates_of(&self, day: &str) -> Delta {
        let mut all = Delta::default();
        let writers = self.state.days.get(day).map(|daily| &daily.writers);
        let sessions = self.state.sessions.iter().filter(|(_, one)| one.day == day);
        for (id, session) in sessions {
            let estimates = self.estimates(*id);
            let mut before = 0.0;
            for (claim, seconds) in &estimates {
                let writer = format!("{}.o", claim.writer);
                if writers.is_some_and(|writers| writers.contains_key(&writer)) {
                    add_change(&mut all, before, *seconds);
                }
                before = *seconds;
            }
            if self.has_totalled_logout(session.record) {
                add_change(&mut all, before, 0.0);
            }
        }
        all
    }

    fn has_totalled_logout(&self, login: i32) -> bool {
        let mut records = self.truth.records.iter();
        let is_of = |what: &What| matches!(what, What::Logout { login: of, .. } if *of == login);
        records.any(|record| is_of(&record.what) && self.is_totalled(record))
    }

    /// Whether the process of a session has gone on since it was claimed, under an incarnation that is not claimed.
    fn goes_on(&self, id: ObjectId) -> bool {
        let mut of = Incarnation::of(id);
        while let Some(claim) = self.state.dead.get(&of) {
            match claim.next {
                Some(next) => of = next,
                None => return false,
            }
        }
        true
    }

    /// What was open when its process was claimed is closed, unless the player is still connected, or the process
    /// went on and died later.
    pub fn the_dead_are_offline(&self) -> Verdict {
        let connected = self.truth.connected();
        for id in self.truth.left.iter().filter(|id| !self.goes_on(**id)) {
            let open = self
                .state
                .sessions
                .get(id)
                .filter(|one| one.logout_ms.is_none());
            if let Some(session) = open.filter(|one| !connected.contains(&one.record)) {
                return Err(format!("left open by the dead: {session:?}"));
            }
        }
        Ok(())
    }

    pub fn nobody_online_is_closed(&self) -> Verdict {
        for login in self.truth.connected() {
            if let Some(Some(end)) = self.sessions.get(&login) {
                return Err(format!(
                    "session {login} was closed, whose player is online: {end:?}"
                ));
            }
        }
        Ok(())
    }
}

fn add_change(delta: &mut Delta, before: f64, after: f64) {
    let is_long = |seconds: f64| f64::from(u8::from(seconds > 0.0));
    delta.add(Counter::TotalSessionS, after - before);
    delta.session_seconds += after - before;
    delta.sessions_closed += is_long(after) - is_long(before);
}
