//! `getRevenue()`: who pays. It reads purchases, which are kept for ever, and not reports; before there were any, the
//! total of the daily documents.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bson::{Document, doc};

use super::query::RevenueQuery;
use super::rows::{self, Row, quotient, value};
use crate::record::day::Day;
use crate::record::document::number_in;
use crate::reports::basis::Part;
use crate::reports::due::Outlook;
use crate::store::{ReportStore, Result, Revenue, RevenueRow};

/// The currency of the total of the daily documents.
const CURRENCY_OF_TOTAL: &str = "USD";
const TOTAL: &str = "stripeRevenue";

pub async fn read<S: ReportStore + Sync>(
    store: &S,
    outlook: &Outlook,
    wanted: &RevenueQuery,
    limit: Duration,
) -> Result<Document> {
    let rows = rows::read(store, outlook, &wanted.range, (Part::Users, &["users.dau"])).await?;
    let (from, to) = wanted.range.ends(&outlook.today());
    let revenue = store.revenue(&from, &to, limit).await?;
    let totals = totals_before(store, &revenue, &rows, &wanted.currency).await?;
    let today = outlook.today();
    let shown = rows.iter().map(|row| {
        let is_known = are_known(row, &revenue, &today);
        shown(row, is_known, &revenue, &totals, &wanted.currency)
    });
    Ok(doc! { "rows": shown.collect::<Vec<Document>>() })
}

/// The totals of the days before the first purchase.
async fn totals_before<S: ReportStore + Sync>(
    store: &S,
    revenue: &Revenue,
    rows: &[Row],
    currency: &str,
) -> Result<BTreeMap<String, f64>> {
    let before = rows.iter().filter(|row| !has_purchases(row, revenue));
    let days: BTreeSet<&str> = before.map(|row| row.day.as_str()).collect();
    if days.is_empty() || currency != CURRENCY_OF_TOTAL {
        return Ok(BTreeMap::new());
    }
    let (first, last) = (&rows[0].day, &rows[rows.len() - 1].day);
    let found = store.totals_between(first, last, TOTAL).await?;
    let total = |document: &Document| {
        let day = document
            .get_str("day")
            .ok()
            .filter(|day| days.contains(day))?;
        Some((day.to_owned(), document.get(TOTAL).and_then(number_in)?))
    };
    Ok(found.iter().filter_map(total).collect())
}

/// Whether purchases were stored on that day, had there been any.
fn has_purchases(row: &Row, revenue: &Revenue) -> bool {
    revenue
        .first_day
        .as_ref()
        .is_some_and(|first| *first <= row.day)
}

/// Whether its purchases are known: also those of a day that is not reported, but none of a day that is to come.
fn are_known(row: &Row, revenue: &Revenue, today: &Day) -> bool {
    row.day <= *today && has_purchases(row, revenue)
}

/// `is_known` says whether its purchases are: nothing else than `dau` comes out of its report.
fn shown(
    row: &Row,
    is_known: bool,
    revenue: &Revenue,
    totals: &BTreeMap<String, f64>,
    currency: &str,
) -> Document {
    let mut shown = row.head();
    let day = revenue.rows.iter().filter(|one| one.day == row.day);
    let (own, others): (Vec<&RevenueRow>, Vec<&RevenueRow>) =
        day.partition(|one| one.currency.as_deref() == Some(currency));
    let number = |value_of: fn(&RevenueRow) -> f64| {
        is_known.then(|| own.iter().fold(0.0, |sum, one| sum + value_of(one)))
    };
    let cents = match is_known {
        true => number(|one| one.cents),
        false => totals.get(row.day.as_str()).copied(),
    };
    let payers = number(|one| one.payers as f64);
    let new = revenue
        .new_payers
        .get(&row.day)
        .copied()
        .unwrap_or_default();
    let dau = row.number("users", "dau");
    shown.extend(doc! {
        "currency": currency, "cents": value(cents), "payments": value(number(|one| one.payments as f64)),
        "payers": value(payers), "newPayers": value(is_known.then_some(new as f64)),
        "payingShare": value(quotient(payers, dau)), "arpdauCents": value(quotient(cents, dau)),
        "arppuCents": value(quotient(cents, payers)),
        "otherCurrencies": others.iter().map(|one| other(one)).collect::<Vec<Document>>(),
    });
    shown
}

fn other(row: &RevenueRow) -> Document {
    doc! {
        "currency": row.currency.as_deref(), "cents": value(Some(row.cents)),
        "payments": value(Some(row.payments as f64)),
    }
}

#[cfg(test)]
mod tests {
    use bson::Bson;

    use super::*;
    use crate::record::day::DAY_MS;
    use crate::store::Sources;

    #[test]
    fn a_day_without_a_report_has_its_purchases() {
        let now_ms = 1_795_392_000_000;
        let outlook = Outlook::new(now_ms, None, &Sources::default(), Vec::new());
        let purchase = RevenueRow {
            day: outlook.today(),
            currency: Some("USD".to_owned()),
            cents: 500.0,
            payments: 1,
            payers: 1,
        };
        let revenue = Revenue {
            first_day: Some(outlook.today()),
            rows: vec![purchase],
            ..Revenue::default()
        };
        let cents = |days: i64| {
            let day = Day::of(now_ms + days * DAY_MS);
            let row = rows::row(day, None, &outlook);
            let is_known = are_known(&row, &revenue, &outlook.today());
            let shown = shown(&row, is_known, &revenue, &BTreeMap::new(), "USD");
            shown.get("cents").cloned()
        };
        assert_eq!(cents(0), Some(Bson::Int32(500)));
        assert_eq!(cents(1), Some(Bson::Null));
        assert_eq!(cents(-1), Some(Bson::Null));
    }
}
