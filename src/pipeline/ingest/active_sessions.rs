//! Active sessions: the users who are logged in through this instance. None is evicted: a logout must find
//! its login, however long ago that was.

use std::collections::HashMap;

use bson::oid::ObjectId;

use crate::record::day::Day;
use crate::record::item::{Close, duration_s};

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
            duration_s: duration_s(session.login_ms, logout_ms),
            estimate_ms: None,
        };
        Some((session.day, close))
    }

    /// The open session of this user.
    pub fn of(&self, user: &str) -> Option<ObjectId> {
        Some(self.by_user.get(user)?.id)
    }

    /// The sessions whose players are logged in.
    pub fn all(&self) -> impl Iterator<Item = &Session> {
        self.by_user.values()
    }

    pub fn len(&self) -> usize {
        self.by_user.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
