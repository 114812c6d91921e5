//! `getEconomy()`: where a currency comes from and where it goes.

use std::collections::BTreeMap;

use bson::{Document, doc};

use super::names::{Names, Sum};
use super::query::EconomyQuery;
use super::rows::{self, Row, head_of, value};
use crate::record::document::number_in;
use crate::reports::basis::Part;
use crate::reports::due::Outlook;
use crate::reports::learned;
use crate::reports::settings::Settings;
use crate::store::{ReportStore, Result};

/// What is read of a report.
const FIELDS: [&str; 3] = ["economy", "coverage", learned::FIELD];
/// The directions, as reports name them.
const DIRECTIONS: [&str; 2] = ["source", "sink"];

pub async fn read<S: ReportStore + Sync>(
    store: &S,
    outlook: &Outlook,
    wanted: &EconomyQuery,
    settings: &Settings,
) -> Result<Document> {
    let rows = rows::read(store, outlook, &wanted.range, (Part::Events, &FIELDS)).await?;
    let is_wanted = |(currency, _): &(String, Vec<String>)| {
        wanted.currency.as_ref().is_none_or(|one| one == currency)
    };
    let currencies = match settings.learns {
        true => learned_currencies(&rows),
        false => own_currencies(settings),
    };
    let currencies = currencies.into_iter().filter(is_wanted);
    let shown =
        currencies.map(|(currency, totals)| of_currency(&rows, &currency, wanted.limit, &totals));
    Ok(doc! { "rows": shown.collect::<Vec<Document>>() })
}

/// The currencies, and the totals that say how much of each was moved.
fn own_currencies(settings: &Settings) -> Vec<(String, Vec<String>)> {
    let own = |currency: &String| {
        let totals = [true, false].map(|is_source| settings.flow_totals(currency, is_source));
        let totals = totals.concat().into_iter().map(str::to_owned);
        (currency.clone(), totals.collect())
    };
    settings.currencies.iter().map(own).collect()
}

/// The same as the newest report says it, and further currencies of other reports.
fn learned_currencies(rows: &[Row]) -> Vec<(String, Vec<String>)> {
    let mut reports = rows.iter().rev().filter_map(Row::report);
    let learned = reports.find_map(learned::of).unwrap_or_default();
    let mut known: Vec<(String, Vec<String>)> = Vec::new();
    for currency in learned.currencies {
        let totals = [currency.sources, currency.sinks].concat();
        known.push((currency.name, totals));
    }
    for entry in rows
        .iter()
        .rev()
        .filter_map(|row| row.list("economy"))
        .flatten()
    {
        if let Ok(name) = entry.get_str("currency")
            && !known.iter().any(|(known, _)| known == name)
        {
            known.push((name.to_owned(), Vec::new()));
        }
    }
    known
}

/// Days whose reports are of a process that did not know the currency are not known, and not days without it.
fn of_currency(rows: &[Row], currency: &str, limit: usize, totals: &[String]) -> Document {
    let known: Vec<&Row> = rows
        .iter()
        .filter(|row| amount(row, currency, DIRECTIONS[0]).is_some())
        .collect();
    let sum = |direction| {
        let amounts = known
            .iter()
            .filter_map(|row| amount(row, currency, direction));
        (!known.is_empty()).then(|| amounts.sum::<f64>())
    };
    let names = |direction, list| {
        let mut names = Names::default();
        for row in &known {
            names.add(&entries(row, currency, direction, list));
        }
        names.rows(limit, |sum| sum.amount.abs(), flow)
    };
    let [source, sink] = DIRECTIONS;
    let mut shown = doc! { "currency": currency };
    shown.extend(head_of(&known));
    shown.insert("daysKnown", value(Some(known.len() as f64)));
    shown.extend(balance(sum(source), sum(sink)));
    shown.extend(doc! {
        "sources": names(source, "reasons"), "sinks": names(sink, "reasons"),
        "sourceItems": names(source, "items"), "sinkItems": names(sink, "items"),
        "coverage": coverage(&known, totals),
    });
    let day = |row: &Row| {
        let mut day = row.head();
        day.extend(balance(
            amount(row, currency, source),
            amount(row, currency, sink),
        ));
        day.insert("coverage", coverage(&[row], totals));
        day
    };
    shown.insert("days", rows.iter().map(day).collect::<Vec<Document>>());
    shown
}

fn balance(sourced: Option<f64>, sunk: Option<f64>) -> Document {
    let net = sourced.zip(sunk).map(|(sourced, sunk)| sourced - sunk);
    doc! { "sourced": value(sourced), "sunk": value(sunk), "net": value(net) }
}

fn flow(mut row: Document, sum: Sum) -> Document {
    row.insert("amount", value(Some(sum.amount)));
    row.insert("count", value(Some(sum.count)));
    row
}

fn entry<'a>(row: &'a Row, currency: &str, direction: &str) -> Option<&'a Document> {
    let mut entries = row.list("economy")?.into_iter();
    entries.find(|entry| {
        entry.get_str("currency").is_ok_and(|text| text == currency)
            && entry.get_str("flow").is_ok_and(|text| text == direction)
    })
}

fn amount(row: &Row, currency: &str, direction: &str) -> Option<f64> {
    entry(row, currency, direction)?
        .get("amount")
        .and_then(number_in)
}

fn entries<'a>(row: &'a Row, currency: &str, direction: &str, list: &str) -> Vec<&'a Document> {
    let found = entry(row, currency, direction).and_then(|entry| entry.get_array(list).ok());
    found
        .into_iter()
        .flatten()
        .filter_map(|one| one.as_document())
        .collect()
}

/// What was counted and what reports have seen, of the totals that say how much was moved, over the days
/// where both are known.
fn coverage(rows: &[&Row], totals: &[String]) -> Vec<Document> {
    let mut sums: BTreeMap<&str, Option<(f64, f64)>> =
        totals.iter().map(|total| (total.as_str(), None)).collect();
    for entry in rows.iter().filter_map(|row| row.list("coverage")).flatten() {
        let number = |field| entry.get(field).and_then(number_in);
        let Some(sum) = entry
            .get_str("k")
            .ok()
            .and_then(|total| sums.get_mut(total))
        else {
            continue;
        };
        if let Some((counted, seen)) = number("total").zip(number("events")) {
            let (before, seen_before) = sum.unwrap_or_default();
            *sum = Some((before + counted, seen_before + seen));
        }
    }
    let shown = |(total, sum): (&str, Option<(f64, f64)>)| {
        let (counted, seen) = (sum.map(|sum| sum.0), sum.map(|sum| sum.1));
        doc! { "total": total, "counted": value(counted), "seen": value(seen) }
    };
    sums.into_iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use bson::{Bson, DateTime};

    use super::*;
    use crate::record::day::Day;
    use crate::reports::answers::rows::Content;

    fn row(day: &str, state: &'static str, currencies: &[&str]) -> Row {
        let flow = |currency: &&str, flow| {
            let name = doc! { "k": "quest", "a": 5, "n": 1 };
            doc! { "currency": *currency, "flow": flow, "amount": 5, "count": 1, "reasons": [name], "items": [] }
        };
        let flows = currencies
            .iter()
            .flat_map(|currency| DIRECTIONS.map(|direction| flow(currency, direction)));
        let coverage = Vec::<Document>::new();
        let report = doc! { "economy": flows.collect::<Vec<Document>>(), "coverage": coverage };
        Row {
            day: Day::existing(day).expect("a day"),
            state,
            as_of: Some(DateTime::from_millis(1)),
            content: Content::Report(report),
            is_other: false,
        }
    }

    #[test]
    fn a_day_whose_report_does_not_know_the_currency_is_not_counted() {
        let rows = [
            row("2026-11-01", "settling", &["gems"]),
            row("2026-11-02", "final", &["gems", "gold"]),
        ];
        let shown = |currency: &str| of_currency(&rows, currency, 20, &[]);
        for (currency, days, sourced, state) in
            [("gems", 2, 10, "settling"), ("gold", 1, 5, "final")]
        {
            let shown = shown(currency);
            let head = ["daysKnown", "sourced", "state"].map(|name| shown.get(name).cloned());
            let expected = [Bson::Int32(days), Bson::Int32(sourced), Bson::from(state)];
            assert_eq!(head, expected.map(Some), "{currency}");
        }
        let unknown = shown("silver");
        assert_eq!(unknown.get("daysKnown"), Some(&Bson::Int32(0)));
        assert_eq!(unknown.get("sourced"), Some(&Bson::Null));
    }
}
