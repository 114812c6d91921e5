//! Estimates: what claims say of the end of sessions.

use std::collections::HashMap;

use bson::oid::ObjectId;

use crate::record::item::duration_s;
use crate::store::{Claim, LeftSession};

/// Durations are whole seconds.
const LONGER_MS: i64 = 1_000;

#[derive(Debug, Default)]
pub struct Estimates(HashMap<ObjectId, Estimate>);

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
            self.0.insert(session.id, Estimate { logout_ms, seconds });
        }
    }

    pub fn of(&self, session: ObjectId) -> Option<Estimate> {
        self.0.get(&session).copied()
    }
}

/// When the session ends by the claim: when the instance was seen last, but at least this much after the end that is
/// counted already. So no two claims give it one duration, which fences late closes: see [`LeftClose`].
pub fn logout_ms(claim: &Claim, session: &LeftSession) -> i64 {
    claim.until_ms.max(session.counted_ms + LONGER_MS)
}
