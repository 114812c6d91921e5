//! UTC days and months of the host's clock.
//!
//! Time comes from JavaScript (milliseconds since 1970), so that a host which fakes its clock sees
//! the same days here as in its own code.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};

pub const DAY_MS: i64 = 86_400_000;

/// A UTC day as it is stored, `YYYY-MM-DD`; cheap to clone, since every record carries one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(Arc<str>);

impl Day {
    /// The day of a moment; moments outside the calendar's range count as 1970-01-01.
    pub fn of(time_ms: i64) -> Day {
        let date = DateTime::<Utc>::from_timestamp_millis(time_ms)
            .unwrap_or_default()
            .date_naive();
        let year = match date.year() {
            year @ 0..=9999 => format!("{year:04}"),
            year => format!("{year:+07}"),
        };
        // Ten characters, like the first ten of an ISO string, also beyond the year 9999.
        let mut day = format!("{year}-{:02}-{:02}", date.month(), date.day());
        day.truncate(10);
        Day(day.into())
    }

    /// The day of this name, if it has the form of one.
    pub fn named(name: &str) -> Option<Day> {
        let is_day = name.len() == 10 && name.is_ascii();
        is_day.then(|| Day(name.into()))
    }

    /// The day of this name, if there is one in the calendar.
    pub fn existing(name: &str) -> Option<Day> {
        Day::named(name).filter(|day| day.start_ms().map(Day::of).as_ref() == Some(day))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The month, `YYYY-MM`.
    pub fn month(&self) -> &str {
        &self.0[..7]
    }

    /// The day so many days later; earlier if they are negative.
    pub fn plus(&self, days: i64) -> Day {
        Day::of(self.start_ms().unwrap_or_default() + days * DAY_MS)
    }

    /// The days of this day's month, from the 1st to this day.
    pub fn days_of_month_so_far(&self) -> Vec<Day> {
        let last: u32 = self.0[8..].parse().unwrap_or(1);
        (1..=last)
            .map(|day| Day(format!("{}-{day:02}", self.month()).into()))
            .collect()
    }

    /// The first moment of this day, in ms since 1970; `None` outside the calendar.
    pub fn start_ms(&self) -> Option<i64> {
        midnight_ms(NaiveDate::parse_from_str(&self.0, "%Y-%m-%d").ok()?)
    }

    /// The first moment after this day, in ms since 1970; `None` outside the calendar.
    pub fn end_ms(&self) -> Option<i64> {
        let date = NaiveDate::parse_from_str(&self.0, "%Y-%m-%d").ok()?;
        midnight_ms(date.checked_add_days(Days::new(1))?)
    }

    /// The first moment after this day's month, in ms since 1970; `None` outside the calendar.
    pub fn end_of_month_ms(&self) -> Option<i64> {
        let date = NaiveDate::parse_from_str(&self.0, "%Y-%m-%d").ok()?;
        midnight_ms(date.with_day(1)?.checked_add_months(Months::new(1))?)
    }
}

/// A moment as `toISOString` prints it, `2026-11-23T02:35:48.540Z`; moments outside the calendar
/// count as 1970-01-01.
pub fn iso(time_ms: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp_millis(time_ms).unwrap_or_default();
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn midnight_ms(date: NaiveDate) -> Option<i64> {
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_utc_midnight() {
        assert_eq!(Day::of(1_795_391_999_999).as_str(), "2026-11-22");
        assert_eq!(Day::of(1_795_392_000_000).as_str(), "2026-11-23");
        assert_eq!(Day::of(-1).as_str(), "1969-12-31");
    }

    #[test]
    fn only_days_of_the_calendar_exist() {
        assert_eq!(
            Day::existing("2028-02-29").and_then(|day| day.start_ms()),
            Some(1_835_395_200_000)
        );
        for name in [
            "2027-02-29",
            "2027-1-01",
            "2027-01-1 ",
            "",
            "+027-01-01",
            "2027-13-01",
            "2027/01/01",
        ] {
            assert_eq!(Day::existing(name), None, "{name}");
        }
    }

    #[test]
    fn a_moment_outside_the_calendar_is_still_a_day() {
        assert_eq!(Day::of(i64::MAX).as_str(), "1970-01-01");
        assert_eq!(Day::of(253_402_300_800_000).as_str(), "+010000-01");
    }

    #[test]
    fn a_moment_is_printed_as_javascript_does() {
        assert_eq!(iso(1_795_392_000_007), "2026-11-23T00:00:00.007Z");
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_month_lists_its_days_up_to_today() {
        let days = Day::of(1_795_392_000_000).days_of_month_so_far();
        assert_eq!(days.len(), 23);
        assert_eq!(days[0].as_str(), "2026-11-01");
        assert_eq!(days[22].as_str(), "2026-11-23");
        assert_eq!(days[22].end_of_month_ms(), Some(1_796_083_200_000));
        assert_eq!(days[22].end_ms(), Some(1_795_392_000_000 + 86_400_000));
    }
}
