//! Events of a day: how many of each, what came into the game and left it by reason and item, and whether the
//! totals of the day say the same.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};

use super::amount;
use super::settings::{Flow, Settings};
use crate::record::document::number;
use crate::store::EventRow;

/// Names that a report has room for; the others are its rest.
const REASONS: usize = 20;
const ITEMS: usize = 100;
const EVENTS: usize = 200;
/// Names that are told apart while a report is made.
const MOST_NAMES: usize = 20_000;

type Name = Option<String>;

#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Sum {
    amount: f64,
    count: i64,
}

/// Sums by name. The names that come first are told apart.
#[derive(Debug, Default)]
struct Names {
    sums: BTreeMap<Name, Sum>,
    rest: Sum,
    /// Rows of other names.
    more: i64,
}

#[derive(Debug, Default)]
struct Totals {
    sum: Sum,
    reasons: Names,
    items: Names,
}

/// The events of a day, summed up row by row. It takes no more memory than the names that are told apart, however
/// many rows there are.
#[derive(Debug)]
pub struct Tally<'a> {
    settings: &'a Settings,
    events: Names,
    flows: Vec<Totals>,
    seen: BTreeMap<&'a str, f64>,
    excluded: i64,
}

impl<'a> Tally<'a> {
    pub fn new(settings: &'a Settings) -> Self {
        let totals = settings.totals.iter();
        Self {
            settings,
            events: Names::default(),
            flows: settings.flows.iter().map(|_| Totals::default()).collect(),
            seen: totals.map(|one| (one.total, 0.0)).collect(),
            excluded: 0,
        }
    }

    pub fn add(&mut self, row: &EventRow) {
        let settings = self.settings;
        let text = row.text.as_deref().map_or(0.0, amount::of_text);
        let sum = Sum {
            amount: row.amount + text * row.count as f64,
            count: row.count,
        };
        for counted in settings.totals.iter().filter(|one| is(row, &one.event)) {
            *self.seen.entry(counted.total).or_default() += match counted.has_amount {
                true => sum.amount,
                false => sum.count as f64,
            };
        }
        if row.is_excluded {
            self.excluded += row.count;
            return;
        }
        self.events.add(&cut_name(&row.event), sum);
        let here = settings.flows.iter().zip(&mut self.flows);
        for (flow, totals) in here.filter(|(flow, _)| is(row, &flow.event)) {
            let amount = match flow.has_amount {
                true => sum.amount,
                false => sum.count as f64,
            };
            totals.add(row, flow, Sum { amount, ..sum });
        }
    }

    /// The fields of a report that say what the events of its day were.
    pub fn fields(self, totals: Option<&Document>) -> Document {
        let sums = self.events.sums.values().chain([&self.events.rest]);
        let all: i64 = sums.map(|sum| sum.count).sum();
        doc! {
            "economy": economy(self.flows, self.settings),
            "events": self.events.shown(EVENTS, Shown::Counts),
            "eventsTotal": number(all as f64),
            "eventsExcluded": number(self.excluded as f64),
            "coverage": coverage(&self.seen, totals),
        }
    }
}

/// The same fields of a day whose events are not known.
pub fn unknown() -> Document {
    doc! {
        "economy": null, "events": null, "eventsTotal": null, "eventsExcluded": null, "coverage": null,
    }
}

fn is(row: &EventRow, event: &str) -> bool {
    row.event.as_deref() == Some(event)
}

/// One entry per currency and direction.
fn economy(flows: Vec<Totals>, settings: &Settings) -> Vec<Document> {
    let mut entries: Vec<(&Flow, Totals)> = Vec::new();
    for (flow, totals) in settings.flows.iter().zip(flows) {
        let same =
            |known: &Flow| known.currency == flow.currency && known.is_source == flow.is_source;
        match entries.iter_mut().find(|(known, _)| same(known)) {
            Some((_, sum)) => sum.join(totals),
            None => entries.push((flow, totals)),
        }
    }
    let entry = |(flow, totals): (&Flow, Totals)| {
        let direction = match flow.is_source {
            true => "source",
            false => "sink",
        };
        doc! {
            "currency": &flow.currency, "flow": direction,
            "amount": number(totals.sum.amount), "count": number(totals.sum.count as f64),
            "reasons": totals.reasons.shown(REASONS, Shown::Amounts),
            "items": totals.items.shown(ITEMS, Shown::Amounts),
        }
    };
    entries.into_iter().map(entry).collect()
}

/// What was counted beside what is stored, excluded users included: the totals know of events that came too late
/// for the report.
fn coverage(seen: &BTreeMap<&str, f64>, totals: Option<&Document>) -> Vec<Document> {
    let counted = |total: &str| totals.and_then(|totals| totals.get(total).cloned());
    let entry = |(total, events): (&&str, &f64)| {
        doc! { "k": *total, "total": counted(total).unwrap_or(Bson::Null), "events": number(*events) }
    };
    seen.iter().map(entry).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Counts,
    Amounts,
}

impl Shown {
    /// What the largest are of.
    fn size(self, sum: Sum) -> f64 {
        match self {
            Shown::Counts => sum.count as f64,
            Shown::Amounts => sum.amount.abs(),
        }
    }

    fn entry(self, mut entry: Document, sum: Sum) -> Document {
        if self == Shown::Amounts {
            entry.insert("a", number(sum.amount));
        }
        entry.insert("n", number(sum.count as f64));
        entry
    }
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.amount += other.amount;
        self.count += other.count;
    }
}

impl Names {
    fn add(&mut self, name: &Name, sum: Sum) {
        if self.sums.len() == MOST_NAMES && !self.sums.contains_key(name) {
            self.more += 1;
            self.rest.add(sum);
        } else {
            self.sums.entry(name.clone()).or_default().add(sum);
        }
    }

    fn join(&mut self, other: Names) {
        for (name, sum) in other.sums {
            self.add(&name, sum);
        }
        self.more += other.more;
        self.rest.add(other.rest);
    }

    /// The largest, and the rest as one entry.
    fn shown(self, most: usize, shown: Shown) -> Vec<Document> {
        let mut sums: Vec<(Name, Sum)> = self.sums.into_iter().collect();
        sums.sort_by(|(_, one), (_, other)| {
            let (one, other) = (shown.size(*one), shown.size(*other));
            other.total_cmp(&one)
        });
        let cut = sums.split_off(most.min(sums.len()));
        let mut rest = self.rest;
        cut.iter().for_each(|(_, sum)| rest.add(*sum));
        let names = cut.len() as i64 + self.more;
        let entry = |(name, sum)| shown.entry(doc! { "k": name }, sum);
        let mut entries: Vec<Document> = sums.into_iter().map(entry).collect();
        if names > 0 {
            entries.push(shown.entry(doc! { "other": number(names as f64) }, rest));
        }
        entries
    }
}

/// Names of events have up to 256 bytes.
fn cut_name(name: &Name) -> Name {
    let name = name.as_ref()?;
    Some(name.chars().take(64).collect())
}

impl Totals {
    fn add(&mut self, row: &EventRow, flow: &Flow, sum: Sum) {
        let reason = flow
            .reason
            .map(str::to_owned)
            .or_else(|| row.reason.clone());
        self.sum.add(sum);
        self.reasons.add(&reason, sum);
        self.items.add(&row.item, sum);
    }

    fn join(&mut self, other: Totals) {
        self.sum.add(other.sum);
        self.reasons.join(other.reasons);
        self.items.join(other.items);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;

    fn settings() -> Settings {
        let (config, _) = Config::from_json("{}", "{}").expect("valid");
        Settings::new(&config)
    }

    fn fields(rows: &[EventRow], totals: Option<&Document>) -> Document {
        let settings = settings();
        let mut tally = Tally::new(&settings);
        rows.iter().for_each(|row| tally.add(row));
        tally.fields(totals)
    }

    fn row(event: &str, reason: &str, amount: f64, count: i64) -> EventRow {
        EventRow {
            event: Some(event.to_owned()),
            reason: Some(reason.to_owned()),
            amount,
            count,
            ..EventRow::default()
        }
    }

    fn flow<'a>(fields: &'a Document, currency: &str, flow: &str) -> &'a Document {
        let economy = fields.get_array("economy").expect("a list");
        let mut entries = economy.iter().filter_map(Bson::as_document);
        let found = entries.find(|one| {
            one.get_str("currency").is_ok_and(|text| text == currency)
                && one.get_str("flow").is_ok_and(|text| text == flow)
        });
        found.expect("an entry")
    }

    #[test]
    fn gems_that_were_bought_are_a_source() {
        let rows = [
            row("gems.earn", "quest", 5.0, 1),
            row("gems.purchase", "whatever", 100.0, 1),
            EventRow {
                text: Some(" 7 ".to_owned()),
                ..row("gems.spend", "shop", 0.0, 2)
            },
        ];
        let fields = fields(&rows, None);
        let source = flow(&fields, "gems", "source");
        let reasons = [
            doc! { "k": "purchase", "a": 100, "n": 1 },
            doc! { "k": "quest", "a": 5, "n": 1 },
        ];
        assert_eq!(source.get("amount"), Some(&Bson::Int32(105)));
        assert_eq!(source.get("reasons"), Some(&Bson::from(reasons.to_vec())));
        assert_eq!(
            flow(&fields, "gems", "sink").get("amount"),
            Some(&Bson::Int32(14))
        );
        assert_eq!(
            flow(&fields, "credits", "sink").get("count"),
            Some(&Bson::Int32(0))
        );
    }

    #[test]
    fn coverage_compares_totals_with_all_events_also_of_those_who_are_excluded() {
        let rows = [
            row("credits.earn", "a", 5.0, 1),
            EventRow {
                is_excluded: true,
                ..row("credits.earn", "a", 2.0, 1)
            },
        ];
        let totals = doc! { "creditsEarned": 7 };
        let fields = fields(&rows, Some(&totals));
        let coverage = fields.get_array("coverage").expect("a list");
        let entry = doc! { "k": "creditsEarned", "total": 7, "events": 7 };
        assert!(coverage.contains(&Bson::from(entry)));
        assert_eq!(
            flow(&fields, "credits", "source").get("amount"),
            Some(&Bson::Int32(5))
        );
        assert_eq!(fields.get("eventsTotal"), Some(&Bson::Int32(1)));
        assert_eq!(fields.get("eventsExcluded"), Some(&Bson::Int32(1)));
    }

    proptest! {
        #[test]
        fn reasons_and_items_with_their_rest_are_the_amount(
            rows in proptest::collection::vec(("[a-z]{1,2}", -50_i32..50, 1_i64..3), 0..60),
        ) {
            let rows: Vec<EventRow> = rows
                .iter()
                .map(|(name, amount, count)| EventRow {
                    item: Some(name.clone()),
                    ..row("credits.spend", name, f64::from(*amount), *count)
                })
                .collect();
            let fields = fields(&rows, None);
            let sink = flow(&fields, "credits", "sink");
            let sum = |name: &str, field: &str| -> i32 {
                let list = sink.get_array(name).expect("a list");
                list.iter().map(|one| one.as_document().expect("an entry").get_i32(field).expect("a number")).sum()
            };
            for name in ["reasons", "items"] {
                prop_assert_eq!(Some(&Bson::Int32(sum(name, "a"))), sink.get("amount"));
                prop_assert_eq!(Some(&Bson::Int32(sum(name, "n"))), sink.get("count"));
                prop_assert!(sink.get_array(name).expect("a list").len() <= 101);
            }
        }
    }
}
