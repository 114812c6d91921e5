//! Estimates: what claims say of the end of sessions.

use std::collections::{HashMap, HashSet};

use bson::oid::ObjectId;

use crate::instance::incarnation::Incarnation;
use crate::record::item::duration_s;
use crate::store::{Claim, LeftSession};

/// Durations are whole seconds.
const LONGER_MS: i64 = 1_000;

#[derive(Debug, Default)]
pub struct Estimates {
    known: HashMap<ObjectId, Estimate>,
    /// Whose sessions nobody can tell of: a claim of theirs cannot be read.
    unknown: HashSet<Incarnation>,
}

/// When a session was estimated to end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub logout_ms: i64,
    /// What the totals hold of it.
    pub seconds: f64,
}

impl Estimates {
    /// Takes in what a claim says; it is later than what was taken in before.
    pub fn take(&mut self, claim: &Claim) {
        for session in &claim.sessions {
            let logout_ms = logout_ms(claim, session);
            let seconds = duration_s(session.login_ms, logout_ms);
            self.known
                .insert(session.id, Estimate { logout_ms, seconds });
        }
    }

    pub fn of(&self, session: ObjectId) -> Option<Estimate> {
        self.known.get(&session).copied()
    }

    /// A claim of this incarnation cannot be read.
    pub fn lack(&mut self, of: Incarnation) {
        self.unknown.insert(of);
    }

    /// Whether it is not known what is estimated of the session.
    pub fn lacks(&self, session: ObjectId) -> bool {
        self.unknown.contains(&Incarnation::of(session))
    }
}

/// When the session ends by the claim: when the instance was seen last, but at least this much after the end that is
/// counted already. So no two claims give it one duration, which fences late closes: see [`LeftClose`].
pub fn logout_ms(claim: &Claim, session: &LeftSession) -> i64 {
    claim.until_ms.max(session.counted_ms + LONGER_MS)
}
