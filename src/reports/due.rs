//! Run points: when a day is reported, and which days are due.
//!
//! Late logouts and replayed records are in the report of the next run point. One comes before the server deletes
//! the first event of the day; those after it know of sessions only. All times are ms since 1970 by the server's
//! clock, which also decides when events are deleted.

use std::collections::{BTreeMap, BTreeSet};

use super::unread::UnreadDays;
use crate::record::day::{DAY_MS, Day};
use crate::store::{AHEAD_MS, Late, Mark, OPEN_STATE, REPORT_VERSION, Sources, Unread};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Run points after the begin of the day.
const RUN_POINTS: [i64; 4] = [
    DAY_MS + 15 * MINUTE_MS,
    2 * DAY_MS + 30 * MINUTE_MS,
    4 * DAY_MS + 30 * MINUTE_MS,
    6 * DAY_MS + 12 * HOUR_MS,
];
/// There is a run point so long before events are deleted.
const BEFORE_DELETION_MS: i64 = 12 * HOUR_MS;
/// Events are not read again when some may be deleted meanwhile.
const MARGIN_MS: i64 = 30 * MINUTE_MS;
/// A day without sessions has a report while one of the days before it has users of its month.
const MONTH_DAYS: i64 = 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The day is not over.
    Open,
    /// Late records may change it.
    Settling,
    Final,
}

impl State {
    pub const fn name(self) -> &'static str {
        match self {
            State::Open => OPEN_STATE,
            State::Settling => "settling",
            State::Final => "final",
        }
    }
}

/// The days that there are to report, as the server knows them at a moment.
#[derive(Debug, Clone, Default)]
pub struct Outlook {
    pub now_ms: i64,
    pub events_kept_ms: Option<i64>,
    /// The first day with sessions.
    pub first_session_day: Option<Day>,
    /// Days before today, by their begin, and the report of each.
    pub days: BTreeMap<i64, Option<Mark>>,
    /// Days to be reported, oldest first.
    pub due: Vec<Day>,
    /// Days that no run point has reached yet, and their reports: callers get one that is made for them.
    pub young: Vec<(Day, Option<Mark>)>,
    /// The begins of days of which sessions came late.
    late: BTreeSet<i64>,
    /// Days that could not be reported.
    pub unread: UnreadDays,
}

impl Outlook {
    pub fn new(now_ms: i64, kept: Option<i64>, sources: &Sources, marks: Vec<Mark>) -> Self {
        let mut days: BTreeMap<i64, Option<Mark>> = candidates(now_ms, kept, sources)
            .into_iter()
            .map(|start| (start, None))
            .collect();
        let young = young(now_ms)
            .into_iter()
            .map(|day| {
                let mark = marks.iter().find(|mark| mark.day == day).cloned();
                (day, mark)
            })
            .collect();
        let late = by_begin(&sources.late);
        let unread = UnreadDays::new(&sources.late, &marks);
        for mark in marks {
            if let Some(start) = mark.day.start_ms().filter(|start| *start < today(now_ms)) {
                days.insert(start, Some(mark));
            }
        }
        let is_due = |(start, mark): (&i64, &Option<Mark>)| {
            let as_of = mark.as_ref().map(|mark| mark.as_of_ms);
            let is_newer = mark
                .as_ref()
                .is_some_and(|mark| mark.version > REPORT_VERSION);
            let is_late = as_of.is_some_and(|as_of| changed_ms(&late, *start) > as_of);
            !is_newer && (is_late || is_due(*start, as_of, now_ms, kept))
        };
        let due = days.iter().filter(|day| is_due(*day));
        Self {
            now_ms,
            events_kept_ms: kept,
            first_session_day: sources.session_days.first().cloned(),
            due: due.map(|(start, _)| Day::of(*start)).collect(),
            young,
            late: late
                .into_iter()
                .filter_map(|(start, late)| late.at_ms.and(Some(start)))
                .collect(),
            unread,
            days,
        }
    }

    /// Whether sessions of the day came late.
    pub fn is_late(&self, day: &Day) -> bool {
        day.start_ms()
            .is_some_and(|start| self.late.contains(&start))
    }

    /// Whether it is a day of the game up to today.
    pub fn may_report(&self, day: &Day) -> bool {
        let first = self.first_session_day.as_ref();
        *day <= self.today() && first.is_some_and(|first| first <= day)
    }

    /// Days after this one.
    pub fn later(&self, day: &Day) -> impl Iterator<Item = Day> {
        let start = day.start_ms().unwrap_or_default();
        self.days
            .range(start + 1..)
            .map(|(start, _)| Day::of(*start))
    }

    /// Reports that are due because they were begun at a time that is still to come, and that time.
    pub fn ahead(&self) -> impl Iterator<Item = (&Day, i64)> {
        self.due.iter().filter_map(|day| {
            let mark = self.days.get(&day.start_ms()?)?.as_ref()?;
            (mark.as_of_ms > self.now_ms + AHEAD_MS).then_some((day, mark.as_of_ms))
        })
    }

    /// Days that are to have a report by now and have none.
    pub fn missing(&self) -> impl Iterator<Item = &Day> {
        self.due.iter().filter(|day| {
            let start = day.start_ms().unwrap_or_default();
            !matches!(self.days.get(&start), Some(Some(_)))
        })
    }

    /// Those of them that are still to be read: nobody waits for a day that cannot be.
    pub fn awaited(&self) -> impl Iterator<Item = &Day> {
        self.missing().filter(|day| self.unread.of(day).is_none())
    }

    /// The day could not be reported now.
    pub fn give_up(&mut self, day: &Day, has_first_days: bool) {
        let at_ms = self.now_ms;
        let unread = Unread {
            at_ms,
            has_first_days,
        };
        let start = day.start_ms().unwrap_or_default();
        let mark = self.days.get(&start).and_then(Option::as_ref);
        self.unread.note(day, unread, mark);
    }

    pub fn today(&self) -> Day {
        Day::of(self.now_ms)
    }
}

fn young(now_ms: i64) -> Vec<Day> {
    let today = today(now_ms);
    let starts = [today - DAY_MS, today].into_iter();
    starts
        .filter(|start| is_young(*start, now_ms))
        .map(Day::of)
        .collect()
}

/// Whether no run point of the day has come yet.
pub fn is_young(start: i64, now_ms: i64) -> bool {
    now_ms < start + RUN_POINTS[0]
}

fn today(now_ms: i64) -> i64 {
    now_ms.div_euclid(DAY_MS) * DAY_MS
}

/// The begin of each day before today that has sessions or events, or users of the month before.
fn candidates(now_ms: i64, kept: Option<i64>, sources: &Sources) -> BTreeSet<i64> {
    let end = today(now_ms);
    let mut starts = BTreeSet::new();
    for start in sources.session_days.iter().filter_map(Day::start_ms) {
        starts.extend((0..MONTH_DAYS).map(|day| start + day * DAY_MS));
    }
    if let Some(oldest) = sources.oldest_event_ms {
        let first = kept.map_or(oldest, |kept| oldest.max(now_ms - kept));
        let mut start = today(first);
        while start < end {
            starts.insert(start);
            start += DAY_MS;
        }
    }
    starts.split_off(&end);
    starts
}

fn by_begin(late: &[Late]) -> BTreeMap<i64, &Late> {
    let begins = late
        .iter()
        .filter_map(|late| Some((late.day.start_ms()?, late)));
    begins.collect()
}

/// When sessions came last that change the report of a day: its own, those of the month before it, or any before it
/// that made the first day of a user earlier.
fn changed_ms(late: &BTreeMap<i64, &Late>, start: i64) -> i64 {
    let month = late.range(start - (MONTH_DAYS - 1) * DAY_MS..=start);
    let lowered = late.range(..=start).filter_map(|(_, late)| late.lowered_ms);
    let came = month.filter_map(|(_, late)| late.at_ms).chain(lowered);
    came.max().unwrap_or(i64::MIN)
}

/// The run points of a day, in order.
fn run_points(start: i64, kept: Option<i64>) -> Vec<i64> {
    let [first, .., last] = RUN_POINTS;
    let before_deletion = kept.map(|kept| kept - BEFORE_DELETION_MS);
    let mut points = RUN_POINTS.to_vec();
    points.extend(before_deletion.filter(|point| (first..last).contains(point)));
    points.sort_unstable();
    points.into_iter().map(|point| start + point).collect()
}

/// Whether a run point of the day has come since its report was begun.
pub fn is_due(start: i64, as_of: Option<i64>, now: i64, kept: Option<i64>) -> bool {
    let is_open = |point: &i64| match as_of {
        None => true,
        Some(as_of) => *point > as_of || as_of > now + AHEAD_MS,
    };
    let points = run_points(start, kept);
    points.iter().any(|point| *point <= now && is_open(point))
}

/// The state of the report of a day that was begun at this moment.
pub fn state(start: i64, as_of: i64, kept: Option<i64>) -> State {
    let last = run_points(start, kept).last().copied();
    match as_of {
        as_of if as_of < start + DAY_MS => State::Open,
        as_of if last.is_some_and(|last| as_of < last) => State::Settling,
        _ => State::Final,
    }
}

/// Whether no run point follows that finds all events of a day.
pub fn has_last_events(start: i64, as_of: i64, kept: Option<i64>) -> bool {
    let mut points = run_points(start, kept).into_iter();
    let last = points.rfind(|point| has_events(start, *point, kept));
    as_of >= last.unwrap_or(start + RUN_POINTS[0])
}

/// Whether all events of a day are still there.
pub fn has_events(start: i64, as_of: i64, kept: Option<i64>) -> bool {
    kept.is_none_or(|kept| as_of < start + kept - MARGIN_MS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: i64 = 1_795_392_000_000;
    const WEEK: Option<i64> = Some(7 * DAY_MS);

    fn at(days: i64, hours: i64, minutes: i64) -> i64 {
        START + days * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS
    }

    fn mark(day: i64, as_of_ms: i64) -> Mark {
        Mark {
            day: Day::of(at(day, 0, 0)),
            version: REPORT_VERSION,
            as_of_ms,
            took_ms: 1,
        }
    }

    #[test]
    fn a_day_is_due_at_each_run_point_once() {
        for (now, as_of, expected) in [
            (at(1, 0, 14), None, false),
            (at(1, 0, 15), None, true),
            (at(1, 9, 0), Some(at(1, 0, 15)), false),
            (at(1, 9, 0), Some(at(0, 23, 0)), true),
            (at(2, 0, 30), Some(at(1, 0, 15)), true),
            (at(4, 0, 29), Some(at(2, 0, 30)), false),
            (at(6, 12, 0), Some(at(4, 0, 30)), true),
            (at(400, 0, 0), Some(at(6, 12, 0)), false),
            (at(1, 9, 0), Some(at(1, 10, 0)), true),
        ] {
            assert_eq!(is_due(START, as_of, now, WEEK), expected, "{now} {as_of:?}");
        }
    }

    #[test]
    fn a_run_comes_before_events_are_deleted() {
        let three_days = Some(3 * DAY_MS);
        let points = run_points(START, three_days);
        assert_eq!(points[..3], [at(1, 0, 15), at(2, 0, 30), at(2, 12, 0)]);
        assert!(!has_last_events(START, at(2, 11, 59), three_days));
        assert!(has_last_events(START, at(2, 12, 0), three_days));
        assert!(has_events(START, at(2, 23, 29), three_days));
        assert!(!has_events(START, at(2, 23, 30), three_days));
    }

    #[test]
    fn sessions_are_read_again_when_events_are_gone() {
        for kept in [None, WEEK, Some(DAY_MS)] {
            let points = [at(1, 0, 15), at(2, 0, 30), at(4, 0, 30), at(6, 12, 0)];
            assert_eq!(run_points(START, kept), points, "{kept:?}");
        }
        let three_days = Some(3 * DAY_MS);
        let replayed_at = at(3, 6, 0);
        assert_eq!(state(START, at(2, 12, 0), three_days), State::Settling);
        assert!(is_due(START, Some(replayed_at), at(4, 0, 30), three_days));
    }

    #[test]
    fn the_state_is_that_of_the_moment_at_which_it_was_begun() {
        assert_eq!(state(START, at(0, 23, 59), WEEK), State::Open);
        assert_eq!(state(START, at(1, 0, 0), WEEK), State::Settling);
        assert_eq!(state(START, at(6, 12, 0), WEEK), State::Final);
    }

    #[test]
    fn days_without_sessions_count_while_the_month_has_users() {
        let sources = Sources {
            session_days: vec![Day::of(START)],
            ..Sources::default()
        };
        let outlook = Outlook::new(at(100, 1, 0), WEEK, &sources, Vec::new());
        let first: Vec<&Day> = outlook.due.iter().collect();
        assert_eq!(first.len(), 30);
        assert_eq!(*first[29], Day::of(at(29, 0, 0)));
        assert_eq!(outlook.missing().count(), 30);
        let done = (0..30).map(|day| mark(day, at(day + 7, 0, 0))).collect();
        let outlook = Outlook::new(at(100, 1, 0), WEEK, &sources, done);
        assert!(outlook.due.is_empty());
    }

    #[test]
    fn late_sessions_make_their_day_and_its_month_due_again() {
        let done = |count: i64| (0..count).map(|day| mark(day, at(60, 0, 0))).collect();
        let mut sources = Sources {
            session_days: (0..20).map(|day| Day::of(at(day, 0, 0))).collect(),
            late: vec![Late {
                day: Day::of(at(3, 0, 0)),
                at_ms: Some(at(60, 5, 0)),
                lowered_ms: None,
                unread: None,
            }],
            ..Sources::default()
        };
        let outlook = Outlook::new(at(100, 1, 0), WEEK, &sources, done(49));
        assert_eq!(outlook.due.first(), Some(&Day::of(at(3, 0, 0))));
        assert_eq!(outlook.due.len(), 30);
        assert_eq!(outlook.missing().count(), 0);
        sources.late[0].lowered_ms = Some(at(60, 6, 0));
        let outlook = Outlook::new(at(100, 1, 0), WEEK, &sources, done(49));
        assert_eq!(outlook.due.len(), 46);
    }

    #[test]
    fn a_report_from_ahead_is_due_and_told() {
        let ahead = mark(0, at(3, 0, 0));
        let outlook = Outlook::new(at(2, 1, 0), WEEK, &Sources::default(), vec![ahead]);
        let told: Vec<(&Day, i64)> = outlook.ahead().collect();
        assert_eq!(told, [(&Day::of(START), at(3, 0, 0))]);
    }

    #[test]
    fn today_and_a_young_yesterday_are_reported_when_somebody_asks() {
        assert_eq!(young(at(0, 5, 0)), [Day::of(START)]);
        assert_eq!(young(at(1, 0, 5)), [Day::of(START), Day::of(at(1, 0, 0))]);
    }

    proptest! {
        #[test]
        fn a_report_that_has_just_been_made_is_not_due(
            days in 0_i64..20, ms in 0..DAY_MS, kept in 1_i64..10,
        ) {
            let now = START + days * DAY_MS + ms;
            prop_assert!(!is_due(START, Some(now), now, Some(kept * DAY_MS)));
        }
    }
}
