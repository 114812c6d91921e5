//! Active sessions: the users who are logged in through this instance. None is evicted: a logout must find
//! its login, however long ago that was.

use std::collections::HashMap;

use bson::oid::ObjectId;

use crate::record::day::Day;
use crate::record::item::Close;

#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub id: ObjectId,
    pub login_ms: i64,
    /// The day of the login: the whole session counts there.
    pub day: Day,
}

#[derive(Debug, Default)]
pub struct ActiveSessions {
    by_user: HashMap<Box<str>, Session>,
}

impl ActiveSessions {
    /// A second login takes the place of the first, whose session stays open.
    pub fn login(&mut self, user: &str, session: Session) {
        self.by_user.insert(user.into(), session);
    }

    /// The end of the user's session, if there is one.
    pub fn logout(&mut self, user: &str, logout_ms: i64) -> Option<(Day, Close)> {
        let session = self.by_user.remove(user)?;
        let close = Close {
            session: session.id,
            user: None,
            logout_ms,
            duration_s: rounded_seconds(logout_ms.saturating_sub(session.login_ms)),
        };
        Some((session.day, close))
    }

    /// The open session of this user.
    pub fn of(&self, user: &str) -> Option<ObjectId> {
        Some(self.by_user.get(user)?.id)
    }

    pub fn len(&self) -> usize {
        self.by_user.len()
    }
}

/// Like `Math.round(ms / 1000)`, and 0 where the host's clock went back.
fn rounded_seconds(ms: i64) -> f64 {
    (ms.max(0) as f64 / 1000.0 + 0.5).floor()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_as_javascript_rounds_and_are_never_negative() {
        for (ms, seconds) in [(0, 0.0), (499, 0.0), (500, 1.0), (1499, 1.0), (1500, 2.0)] {
            assert_eq!(rounded_seconds(ms), seconds, "{ms} ms");
        }
        for ms in [-1, -500, -1501, i64::MIN] {
            assert_eq!(rounded_seconds(ms).to_bits(), 0.0_f64.to_bits(), "{ms} ms");
        }
    }

    #[test]
    fn a_second_login_replaces_the_first_and_a_second_logout_finds_nothing() {
        let mut active = ActiveSessions::default();
        let session = |login_ms| Session {
            id: ObjectId::new(),
            login_ms,
            day: Day::of(login_ms),
        };
        let second = session(2_000);
        active.login("u", session(1_000));
        active.login("u", second.clone());
        let (_, close) = active.logout("u", 5_000).expect("logged in");
        assert_eq!((close.session, close.duration_s), (second.id, 3.0));
        assert_eq!(active.logout("u", 6_000), None);
        assert_eq!(active.len(), 0);
    }
}
