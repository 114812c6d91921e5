//! Days that could not be read: callers do not wait for them, and who came first on a day after them is not known.

use std::collections::BTreeMap;

use crate::record::day::{DAY_MS, Day};
use crate::store::{Late, Mark, Unread};

/// Days that could not be reported and have no report of the whole day, by their begin.
#[derive(Debug, Clone, Default)]
pub struct UnreadDays(BTreeMap<i64, Unread>);

impl UnreadDays {
    pub fn new(late: &[Late], marks: &[Mark]) -> Self {
        let mut days = Self::default();
        for late in late {
            if let Some(unread) = late.unread {
                let mark = marks.iter().find(|mark| mark.day == late.day);
                days.note(&late.day, unread, mark);
            }
        }
        days
    }

    /// The day could not be reported; `mark` is the report that it has.
    pub fn note(&mut self, day: &Day, unread: Unread, mark: Option<&Mark>) {
        let Some(start) = day.start_ms() else {
            return;
        };
        let later = unread.at_ms.min(start + DAY_MS);
        if mark.is_none_or(|mark| mark.as_of_ms < later) {
            self.0.insert(start, unread);
        }
    }

    /// The day is reported.
    pub fn remove(&mut self, day: &Day) {
        if let Some(start) = day.start_ms() {
            self.0.remove(&start);
        }
    }

    pub fn of(&self, day: &Day) -> Option<Unread> {
        self.0.get(&day.start_ms()?).copied()
    }

    /// Whether the first days of its users are not known.
    pub fn lacks_first_days(&self, day: &Day) -> bool {
        self.of(day).is_some_and(|unread| !unread.has_first_days)
    }

    /// The first of them before this day whose users are not known: who seems to have come first on a day since then
    /// may have come on that one.
    pub fn unknown_since(&self, day: &Day) -> Option<Day> {
        let mut before = self.0.range(..day.start_ms()?);
        let (start, _) = before.find(|(_, unread)| !unread.has_first_days)?;
        Some(Day::of(*start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::due::Outlook;
    use crate::store::{REPORT_VERSION, Sources};

    const START: i64 = 1_795_392_000_000;

    fn day(day: i64) -> Day {
        Day::of(START + day * DAY_MS)
    }

    fn unread(at_day: i64, has_first_days: bool) -> Unread {
        Unread {
            at_ms: START + at_day * DAY_MS,
            has_first_days,
        }
    }

    #[test]
    fn a_report_of_the_whole_day_or_a_later_one_tells_what_there_is() {
        let mark = |of: i64, as_of_ms| Mark {
            day: day(of),
            version: REPORT_VERSION,
            as_of_ms,
            took_ms: 1,
        };
        let late = |of| Late {
            day: day(of),
            at_ms: None,
            lowered_ms: None,
            unread: Some(unread(4, true)),
        };
        let noon = START + 4 * DAY_MS + DAY_MS / 2;
        let marks = [mark(1, START + DAY_MS), mark(2, noon), mark(4, noon)];
        let days = UnreadDays::new(&[0, 1, 2, 4].map(late), &marks);
        let is_unread = [0, 1, 2, 3, 4].map(|one| days.of(&day(one)).is_some());
        assert_eq!(is_unread, [true, true, false, false, false]);
    }

    #[test]
    fn nobody_waits_for_a_day_that_could_not_be_read() {
        let sources = Sources {
            session_days: vec![day(0), day(1)],
            ..Sources::default()
        };
        let now_ms = START + 2 * DAY_MS + DAY_MS / 24;
        let mut outlook = Outlook::new(now_ms, None, &sources, Vec::new());
        outlook.give_up(&day(0), false);
        let awaited: Vec<&Day> = outlook.awaited().collect();
        assert_eq!(awaited, [&day(1)]);
        assert_eq!(outlook.missing().count(), 2);
    }

    #[test]
    fn who_is_new_is_not_known_after_a_day_whose_users_are_not() {
        let mut days = UnreadDays::default();
        days.note(&day(0), unread(9, true), None);
        days.note(&day(2), unread(9, false), None);
        days.note(&day(5), unread(9, false), None);
        let since = [0, 2, 3, 9].map(|one| days.unknown_since(&day(one)));
        assert_eq!(since, [None, None, Some(day(2)), Some(day(2))]);
        assert!(days.lacks_first_days(&day(2)) && !days.lacks_first_days(&day(0)));
        days.remove(&day(2));
        assert_eq!(days.unknown_since(&day(9)), Some(day(5)));
    }
}
