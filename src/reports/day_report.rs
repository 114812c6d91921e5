//! The report of a day as a document, made of what the store has read.

use bson::{Bson, Document, doc};

use super::due::{self, State};
use super::presence::DayPresence;
use super::settings::Settings;
use super::{basis, economy, learned, lengths};
use crate::record::day::Day;
use crate::record::document::number;
use crate::store::{DaySessions, DayUsers, Report};

/// First days that a report has room for, newest first; the others are its rest.
const FIRST_DAYS: usize = 400;
/// Numbers of sessions per user that are told apart.
const SESSIONS_PER_USER: i64 = 20;
/// The total of the events that register a user.
const REGISTERED: &str = "newUsers";

/// What was read of a day.
pub struct Read<'a> {
    pub users: DayUsers,
    pub sessions: DaySessions,
    pub totals: Option<Document>,
    pub presence: DayPresence,
    /// `None` where some may be deleted, or cannot be read.
    pub events: Option<economy::Tally<'a>>,
    /// First days from this one on may be earlier, on a day that could not be read.
    pub unknown_since: Option<Day>,
}

/// When a report was begun, and how long it took.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub as_of_ms: i64,
    pub took_ms: i64,
    pub events_kept_ms: Option<i64>,
}

pub fn report(day: &Day, read: Read<'_>, times: Times, settings: &Settings) -> Report {
    let start = day.start_ms().unwrap_or_default();
    let state: State = due::state(start, times.as_of_ms, times.events_kept_ms);
    let unknown_since = read.unknown_since.as_ref();
    // It is reported again once that day is.
    let state = match unknown_since {
        Some(_) => state.min(State::Settling),
        None => state,
    };
    let totals = read.totals.as_ref();
    let mut set = doc! {
        "state": state.name(), "tookMs": number(times.took_ms as f64),
        "users": users(&read.users, totals, unknown_since), "sessions": sessions(&read.sessions, &read.users),
        (learned::FIELD): learned::part(settings),
    };
    set.insert(basis::USERS, basis::of_users(settings.excluded()));
    let mut set_new = Document::new();
    match read.events {
        Some(tally) => {
            set.extend(tally.fields(totals));
            set.insert(basis::EVENTS, basis::of_events(settings));
        }
        None => {
            set_new = economy::unknown();
            set_new.insert(basis::EVENTS, Bson::Null);
        }
    }
    Report {
        day: day.clone(),
        as_of_ms: times.as_of_ms,
        set,
        set_new,
        presence: read.presence.document(),
    }
}

fn users(users: &DayUsers, totals: Option<&Document>, unknown_since: Option<&Day>) -> Document {
    let dau: i64 = users.per_user.iter().map(|(_, users)| users).sum();
    let registered = totals.and_then(|totals| totals.get(REGISTERED).cloned());
    doc! {
        "dau": number(dau as f64), "wau": number(users.wau as f64), "mau30": number(users.mau30 as f64),
        "byFirstDay": by_first_day(users.by_first_day.clone(), unknown_since),
        "registered": registered.unwrap_or(Bson::Null),
    }
}

fn by_first_day(
    mut days: Vec<(Option<String>, i64)>,
    unknown_since: Option<&Day>,
) -> Vec<Document> {
    days.sort_by(|one, other| other.0.cmp(&one.0));
    let older = days.split_off(FIRST_DAYS.min(days.len()));
    let is_known =
        |first: &String| unknown_since.is_none_or(|since| first.as_str() < since.as_str());
    let entry = |(first, users): (Option<String>, i64)| {
        let users = match first.as_ref().is_none_or(is_known) {
            true => number(users as f64),
            false => Bson::Null,
        };
        doc! { "f": first, "u": users }
    };
    let mut entries: Vec<Document> = days.into_iter().map(entry).collect();
    if !older.is_empty() {
        let users: i64 = older.iter().map(|(_, users)| users).sum();
        entries.push(doc! { "older": number(users as f64) });
    }
    entries
}

fn sessions(sessions: &DaySessions, users: &DayUsers) -> Document {
    let lengths = &sessions.lengths;
    let ended: i64 = lengths.iter().map(|(_, count)| count).sum();
    let percentile = |percent| {
        let length = lengths::percentile(lengths, percent);
        length.map_or(Bson::Null, |length| number(length as f64))
    };
    let buckets = lengths::buckets(lengths).into_iter();
    let bucket =
        |(bucket, count): (i32, i64)| Bson::Array(vec![bucket.into(), number(count as f64)]);
    doc! {
        "count": number(sessions.count as f64), "ended": number(ended as f64),
        "open": number(sessions.open as f64), "seconds": number(sessions.seconds),
        "p50": percentile(50), "p90": percentile(90), "p99": percentile(99),
        "perUser": per_user(users.per_user.clone()),
        "buckets": buckets.map(bucket).collect::<Vec<Bson>>(),
    }
}

fn per_user(mut users: Vec<(i64, i64)>) -> Vec<Document> {
    users.sort_unstable();
    let at = users.partition_point(|(sessions, _)| *sessions <= SESSIONS_PER_USER);
    let more = users.split_off(at);
    let entry = |(n, u): (i64, i64)| doc! { "n": number(n as f64), "u": number(u as f64) };
    let mut entries: Vec<Document> = users.into_iter().map(entry).collect();
    if !more.is_empty() {
        let sessions: i64 = more.iter().map(|(n, u)| n * u).sum();
        let users: i64 = more.iter().map(|(_, u)| u).sum();
        entries.push(doc! {
            "over": number(SESSIONS_PER_USER as f64), "n": number(sessions as f64), "u": number(users as f64),
        });
    }
    entries
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;
    use crate::store::EventRow;

    fn made(read: Read<'_>) -> Report {
        let times = Times {
            as_of_ms: 1_795_392_000_000,
            took_ms: 5,
            events_kept_ms: None,
        };
        let (config, _) = Config::from_json("{}", "{}").expect("valid");
        let settings = Settings::new(&config);
        report(&Day::of(1_795_392_000_000), read, times, &settings)
    }

    fn empty() -> Read<'static> {
        Read {
            users: DayUsers::default(),
            sessions: DaySessions::default(),
            totals: None,
            presence: DayPresence::default(),
            events: None,
            unknown_since: None,
        }
    }

    #[test]
    fn what_is_not_known_is_null_and_keeps_what_was_known() {
        let report = made(empty());
        assert_eq!(report.set.get("state"), Some(&Bson::from("open")));
        assert!(!report.set.contains_key("economy"));
        assert_eq!(report.set_new.get("economy"), Some(&Bson::Null));
        let sessions = report.set.get_document("sessions").expect("a part");
        assert_eq!(sessions.get("p50"), Some(&Bson::Null));
        assert_eq!(sessions.get("count"), Some(&Bson::Int32(0)));
    }

    #[test]
    fn first_days_since_a_day_that_could_not_be_read_are_not_known() {
        let first = |day: &str, users| (Some(day.to_owned()), users);
        let read = Read {
            users: DayUsers {
                by_first_day: vec![first("2026-11-19", 5), first("2026-11-22", 7)],
                ..DayUsers::default()
            },
            unknown_since: Day::existing("2026-11-20"),
            ..empty()
        };
        let (config, _) = Config::from_json("{}", "{}").expect("valid");
        let long_ago = Times {
            as_of_ms: 1_795_392_000_000 + 30 * crate::record::day::DAY_MS,
            took_ms: 5,
            events_kept_ms: None,
        };
        let settings = Settings::new(&config);
        let report = report(&Day::of(1_795_392_000_000), read, long_ago, &settings);
        assert_eq!(report.set.get("state"), Some(&Bson::from("settling")));
        let users = report.set.get_document("users").expect("a part");
        let known = doc! { "f": "2026-11-19", "u": 5 };
        let unknown = doc! { "f": "2026-11-22", "u": null };
        let days = users.get_array("byFirstDay").expect("a list");
        assert_eq!(*days, [Bson::from(unknown), known.into()]);
    }

    #[test]
    fn a_report_of_a_busy_day_stays_small() {
        let (config, _) = Config::from_json("{}", "{}").expect("valid");
        let settings = Settings::new(&config);
        let mut tally = economy::Tally::new(&settings);
        for i in 0..30_000 {
            tally.add(&EventRow {
                event: Some("credits.spend".to_owned()),
                reason: Some(format!("{i:064}")),
                item: Some(format!("{i:064}")),
                count: 1,
                amount: f64::from(i),
                ..EventRow::default()
            });
        }
        let read = Read {
            users: DayUsers {
                by_first_day: (0..2_000)
                    .map(|day| (Some(format!("{day:010}")), 10))
                    .collect(),
                per_user: (1..500).map(|n| (n, 3)).collect(),
                ..DayUsers::default()
            },
            sessions: DaySessions {
                lengths: (1..90_000).map(|length| (length, 2)).collect(),
                ..DaySessions::default()
            },
            events: Some(tally),
            ..empty()
        };
        let report = made(read);
        let bytes = bson::serialize_to_vec(&report.set).expect("BSON");
        assert!(bytes.len() < 64 << 10, "{} bytes", bytes.len());
        let users = report.set.get_document("users").expect("a part");
        let days = users.get_array("byFirstDay").expect("a list");
        assert_eq!(days.last(), Some(&Bson::from(doc! { "older": 16_000 })));
    }

    proptest! {
        #[test]
        fn users_by_their_sessions_are_all_users_and_all_sessions(
            per_user in proptest::collection::btree_map(1_i64..40, 1_i64..9, 0..30),
        ) {
            let per_user: Vec<(i64, i64)> = per_user.into_iter().collect();
            let sessions: i64 = per_user.iter().map(|(n, u)| n * u).sum();
            let users: i64 = per_user.iter().map(|(_, u)| u).sum();
            let (mut shown_users, mut shown_sessions) = (0, 0);
            for entry in super::per_user(per_user) {
                let n = i64::from(entry.get_i32("n").expect("n"));
                let u = i64::from(entry.get_i32("u").expect("u"));
                shown_users += u;
                shown_sessions += if entry.contains_key("over") { n } else { n * u };
            }
            prop_assert_eq!((shown_users, shown_sessions), (users, sessions));
        }
    }
}
