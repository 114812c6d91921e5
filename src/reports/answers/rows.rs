//! The rows of a range: one per day, with its report if there is one.

use bson::{Bson, DateTime, Document, doc};

use super::query::Range;
use crate::record::day::Day;
use crate::record::document::number_in;
use crate::reports::basis::{self, Part};
use crate::reports::due::{Outlook, State};
use crate::store::{REPORT_VERSION, ReportStore, Result};

/// A day of an answer.
pub struct Row {
    pub day: Day,
    /// `open`, `settling` or `final`.
    pub state: &'static str,
    pub as_of: Option<DateTime>,
    pub content: Content,
    /// Its report was made under other options than the newest one.
    pub is_other: bool,
}

pub enum Content {
    Report(Document),
    /// Nobody was there.
    Nobody,
    Unknown,
}

/// The rows of a range, oldest first, with these fields of their reports; `part` says what they are about.
pub async fn read<S: ReportStore + Sync>(
    store: &S,
    outlook: &Outlook,
    range: &Range,
    (part, fields): (Part, &[&str]),
) -> Result<Vec<Row>> {
    let today = outlook.today();
    let (from, to) = range.ends(&today);
    let mut reports = store
        .reports(&from, &to, fields)
        .await?
        .into_iter()
        .peekable();
    let rows = range.all(&today).into_iter().map(|day| {
        let id = format!("d:{}", day.as_str());
        let is_before =
            |report: &Document| report.get_str("_id").is_ok_and(|one| one < id.as_str());
        while reports.next_if(is_before).is_some() {}
        let report =
            reports.next_if(|report| report.get_str("_id").is_ok_and(|text| text == id.as_str()));
        row(day, report, outlook)
    });
    let mut rows: Vec<Row> = rows.collect();
    let newest = rows.iter().rev().find_map(|row| row.basis(part));
    let newest = newest.map(str::to_owned);
    for row in &mut rows {
        row.is_other = basis::differ(row.basis(part), newest.as_deref());
    }
    Ok(rows)
}

pub fn row(day: Day, report: Option<Document>, outlook: &Outlook) -> Row {
    let is_ours =
        |report: &Document| report.get("v").and_then(number_in) == Some(f64::from(REPORT_VERSION));
    let is_over = day < outlook.today();
    if let Some(report) = report.filter(is_ours) {
        let state = match report.get_str("state") {
            Ok("final") => State::Final,
            Ok("settling") => State::Settling,
            _ => State::Open,
        };
        return Row {
            day,
            state: state.name(),
            as_of: report.get_datetime("asOf").ok().copied(),
            content: Content::Report(report),
            is_other: false,
        };
    }
    let is_after_first = outlook
        .first_session_day
        .as_ref()
        .is_some_and(|first| *first <= day);
    let mark = outlook.days.get(&day.start_ms().unwrap_or_default());
    let has_none = is_over && is_after_first && mark.is_none();
    let state = match (is_over, mark) {
        (false, _) => State::Open,
        // Its report is still to be made.
        (true, Some(None)) => State::Settling,
        (true, _) => State::Final,
    };
    Row {
        day,
        state: state.name(),
        as_of: has_none.then(|| DateTime::from_millis(outlook.now_ms)),
        content: if has_none {
            Content::Nobody
        } else {
            Content::Unknown
        },
        is_other: false,
    }
}

impl Row {
    /// `{ day, state, asOf }`, and `otherOptions` where that is so.
    pub fn head(&self) -> Document {
        let mut head =
            doc! { "day": self.day.as_str(), "state": self.state, "asOf": shown(self.as_of) };
        mark(&mut head, self.is_other);
        head
    }

    fn basis(&self, part: Part) -> Option<&str> {
        match &self.content {
            Content::Report(report) => basis::in_report(report, part),
            Content::Nobody | Content::Unknown => None,
        }
    }

    /// Whether its day was not over when it was reported.
    pub fn is_open(&self) -> bool {
        self.state == State::Open.name()
    }

    pub fn is_known(&self) -> bool {
        !matches!(self.content, Content::Unknown)
    }

    /// A number of a part of the report; null if it is not known.
    pub fn number(&self, part: &str, field: &str) -> Option<f64> {
        match &self.content {
            Content::Report(report) => {
                let part = report.get_document(part).ok()?;
                part.get(field).and_then(number_in)
            }
            Content::Nobody => Some(0.0),
            Content::Unknown => None,
        }
    }

    pub fn report(&self) -> Option<&Document> {
        match &self.content {
            Content::Report(report) => Some(report),
            Content::Nobody | Content::Unknown => None,
        }
    }

    /// A list of the report; none if it is not known.
    pub fn list(&self, field: &str) -> Option<Vec<&Document>> {
        match &self.content {
            Content::Report(report) => {
                let list = report.get_array(field).ok()?;
                Some(list.iter().filter_map(Bson::as_document).collect())
            }
            Content::Nobody | Content::Unknown => None,
        }
    }
}

/// The state of all rows together, the oldest moment that they are of, and `otherOptions` where they are not of one
/// piece.
pub fn head_of(rows: &[&Row]) -> Document {
    let order = [State::Open, State::Settling, State::Final].map(State::name);
    let rank = |row: &&&Row| order.iter().position(|state| *state == row.state);
    let state = rows
        .iter()
        .min_by_key(rank)
        .map_or(State::Final.name(), |row| row.state);
    let as_of = rows.iter().filter_map(|row| row.as_of).min();
    let mut head = doc! { "state": state, "asOf": shown(as_of) };
    mark(&mut head, rows.iter().any(|row| row.is_other));
    head
}

/// The mark is there only where it is true.
pub fn mark(shown: &mut Document, is_other: bool) {
    if is_other {
        shown.insert("otherOptions", true);
    }
}

/// A number for the host; null if it is not known.
pub fn value(number: Option<f64>) -> Bson {
    number.map_or(Bson::Null, crate::record::document::number)
}

/// The quotient; not known where the divisor is 0.
pub fn quotient(dividend: Option<f64>, divisor: Option<f64>) -> Option<f64> {
    let divisor = divisor.filter(|divisor| *divisor != 0.0)?;
    Some(dividend? / divisor)
}

fn shown(as_of: Option<DateTime>) -> Bson {
    as_of.map_or(Bson::Null, Bson::DateTime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::day::DAY_MS;
    use crate::store::{Mark, Sources};

    const NOW_MS: i64 = 1_795_392_000_000 + 3_600_000;

    /// The row of a day so many days ago without a report that can be read.
    fn row_without_report(ago: i64, marks: Vec<Mark>) -> Row {
        let day = |ago: i64| Day::of(NOW_MS - ago * DAY_MS);
        let sources = Sources {
            session_days: vec![day(60), day(20)],
            ..Sources::default()
        };
        let outlook = Outlook::new(NOW_MS, None, &sources, marks);
        row(day(ago), None, &outlook)
    }

    #[test]
    fn a_day_that_is_still_to_be_reported_is_not_final() {
        for (ago, state, is_known) in [
            (0, "open", false),
            (1, "settling", false),
            (15, "settling", false),
            // Nobody was there for a month.
            (25, "final", true),
            // The game was not there yet.
            (61, "final", false),
        ] {
            let row = row_without_report(ago, Vec::new());
            assert_eq!((row.state, row.is_known()), (state, is_known), "{ago}");
        }
    }

    #[test]
    fn a_report_of_a_later_version_is_not_made_again() {
        let later = Mark {
            day: Day::of(NOW_MS - DAY_MS),
            version: REPORT_VERSION + 1,
            as_of_ms: NOW_MS,
            took_ms: 1,
        };
        let row = row_without_report(1, vec![later]);
        assert_eq!((row.state, row.is_known()), ("final", false));
    }
}
