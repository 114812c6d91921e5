//! `getRetention()`: who comes back.

use std::collections::BTreeMap;

use bson::{Document, doc};

use super::activity::{new_users, users_of};
use super::query::Cohorts;
use super::rows::{self, Row, value};
use crate::record::day::Day;
use crate::reports::basis::Part;
use crate::reports::due::Outlook;
use crate::store::{ReportStore, Result};

pub async fn read<S: ReportStore + Sync>(
    store: &S,
    outlook: &Outlook,
    cohorts: &Cohorts,
) -> Result<Document> {
    // The cohorts end today, so no later day can be known.
    let wanted: (Part, &[&str]) = (Part::Users, &["users.byFirstDay"]);
    let rows = rows::read(store, outlook, &cohorts.range(), wanted).await?;
    Ok(doc! { "rows": table(&rows, &cohorts.days, &outlook.today()) })
}

fn table(rows: &[Row], days: &[i64], today: &Day) -> Vec<Document> {
    let by_day: BTreeMap<&Day, &Row> = rows.iter().map(|row| (&row.day, row)).collect();
    let row = |cohort| {
        let known = |days| known_return(cohort, days, &by_day, today);
        shown(cohort, days, known)
    };
    rows.iter().map(row).collect()
}

/// The day so many days later, if it is over and both days are known as a whole. A report that somebody asked for
/// while its day went on may stay until the next run point.
fn known_return<'a>(
    cohort: &Row,
    days: i64,
    by_day: &BTreeMap<&Day, &'a Row>,
    today: &Day,
) -> Option<&'a Row> {
    let day = cohort.day.plus(days);
    let row = *by_day.get(&day)?;
    let is_known = day < *today && new_users(cohort).is_some() && row.is_known();
    (is_known && !cohort.is_open() && !row.is_open()).then_some(row)
}

/// A row is of its cohort and of all days of return that are known.
fn shown<'a>(cohort: &'a Row, days: &[i64], known: impl Fn(i64) -> Option<&'a Row>) -> Document {
    let returns = days.iter().filter_map(|days| known(*days));
    let of: Vec<&Row> = [cohort].into_iter().chain(returns).collect();
    let cell = |days: &i64| {
        let users = known(*days).and_then(|row| users_of(row, cohort.day.as_str()));
        (days.to_string(), value(users))
    };
    let mut shown = doc! { "day": cohort.day.as_str() };
    shown.extend(rows::head_of(&of));
    shown.insert("size", value(new_users(cohort)));
    shown.insert("retained", days.iter().map(cell).collect::<Document>());
    shown
}

#[cfg(test)]
mod tests {
    use bson::{Bson, DateTime};

    use super::*;
    use crate::reports::answers::rows::Content;
    use crate::reports::due::State;

    /// A report in which `users` of the first day are there.
    fn row(day: &str, state: State, as_of_ms: i64, users: i32) -> Row {
        let by_first_day = vec![doc! { "f": "2026-11-01", "u": users }];
        Row {
            day: Day::existing(day).expect("a day"),
            state: state.name(),
            as_of: Some(DateTime::from_millis(as_of_ms)),
            content: Content::Report(doc! { "users": { "byFirstDay": by_first_day } }),
            is_other: false,
        }
    }

    fn first(rows: &[Row]) -> Document {
        let today = Day::existing("2026-11-04").expect("a day");
        table(rows, &[1, 2, 3], &today).swap_remove(0)
    }

    fn retained(row: &Document) -> Vec<Bson> {
        let cells = row.get_document("retained").expect("cells");
        cells.iter().map(|(_, cell)| cell.clone()).collect()
    }

    #[test]
    fn a_day_whose_report_knows_a_part_of_it_counts_nobody() {
        let mut rows = [
            row("2026-11-01", State::Settling, 1, 9),
            row("2026-11-02", State::Settling, 2, 5),
            row("2026-11-03", State::Open, 3, 2),
            row("2026-11-04", State::Open, 4, 1),
        ];
        let cells = [Bson::Int32(5), Bson::Null, Bson::Null];
        assert_eq!(retained(&first(&rows)), cells);
        rows[0].state = State::Open.name();
        assert_eq!(
            retained(&first(&rows)),
            [Bson::Null, Bson::Null, Bson::Null]
        );
    }

    #[test]
    fn the_state_is_that_of_the_least_final_day_that_is_shown() {
        let rows = [
            row("2026-11-01", State::Final, 7, 9),
            row("2026-11-02", State::Settling, 5, 5),
            row("2026-11-03", State::Open, 3, 2),
        ];
        let shown = first(&rows);
        assert_eq!(shown.get("state"), Some(&Bson::from("settling")));
        let as_of = DateTime::from_millis(5);
        assert_eq!(shown.get("asOf"), Some(&Bson::DateTime(as_of)));
    }
}
