//! What the replaced class has left in the database before the run.

use std::sync::Arc;

use bson::oid::ObjectId;

use super::{DAY_MS, END_OF_FEBRUARY_MS, HOUR_MS, IN_NOVEMBER_MS, user};
use crate::pipeline::tests::model::scenario::{OldDay, Scenario};
use crate::pipeline::tests::model::server::{Session, State};
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::store::Delta;

/// What the replaced class wrote: sessions, and daily documents with its own `dau`.
pub fn old_state(scenario: &Scenario, eve_ms: i64) -> State {
    let mut state = State::default();
    for (number, old) in scenario.old.iter().enumerate() {
        let morning_ms = match old.day {
            OldDay::First if scenario.month_ends => END_OF_FEBRUARY_MS - 27 * DAY_MS,
            OldDay::First => IN_NOVEMBER_MS - DAY_MS,
            OldDay::Eve => eve_ms,
            OldDay::Morrow => eve_ms + DAY_MS,
        };
        let login_ms = morning_ms + 4 * HOUR_MS + number as i64 * 10_000;
        let session = Session {
            record: -(number as i32) - 1,
            user: user(old.user),
            day: Day::of(login_ms).as_str().to_owned(),
            login_ms,
            logout_ms: old.seconds.map(|s| login_ms + i64::from(s) * 1000),
            seconds: old.seconds.unwrap_or(0).into(),
        };
        count_old(&mut state, &session);
        state.insert_sessions(&[(old_id(login_ms, number), session)]);
    }
    state
}

fn count_old(state: &mut State, session: &Session) {
    state.ensure_day(&session.day);
    let known = state.sessions.values();
    let is_new = !known
        .clone()
        .any(|s| s.day == session.day && s.user == session.user);
    let mut delta = Delta::default();
    delta.add(Counter::SessionCount, 1.0);
    delta.add(Counter::TotalSessionS, session.seconds);
    delta.add(Counter::Dau, f64::from(u8::from(is_new)));
    if let Some(daily) = Arc::make_mut(&mut state.days).get_mut(&session.day) {
        daily.add(&delta);
    }
}

fn old_id(login_ms: i64, number: usize) -> ObjectId {
    let mut bytes = [7; 12];
    bytes[..4].copy_from_slice(&((login_ms / 1000) as u32).to_be_bytes());
    bytes[11] = number as u8;
    ObjectId::from_bytes(bytes)
}
