//! Learned settings: what a process beside the game, which was given no options, takes from the reports of the game.
//!
//! Each report says in `settings` of what it was made: the currencies with the totals that they add to, and the events
//! that are counted. Its basis tells whether users are left out; who they are, nothing does, since reports hold no ids.
//! That takes less than 1 kB of defaults, and needs no further document, right or time at which to write it.
//! The newest report that says it counts. One of an earlier version says nothing: then a currency is known by its
//! amounts alone, no event is known to be counted, and nobody knows whether users are left out. What follows from
//! that is not known either, and is never guessed from defaults.

use bson::{Bson, Document, doc};

use super::basis::{self, Part};
use super::settings::Settings;
use crate::config::Excluded;
use crate::record::day::Day;
use crate::store::{ReportStore, Result};

/// The field of a report.
pub const FIELD: &str = "settings";
/// Days of which a running game has reported one.
const DAYS: i64 = 7;
/// Names that a report has room for, and their characters, as those of its events.
const MOST_NAMES: usize = 64;
const LONGEST_NAME: usize = 64;

/// What a report says of what it was made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Learned {
    pub currencies: Vec<Currency>,
    pub counted: Vec<String>,
    /// Whether users are left out.
    pub excludes: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Currency {
    pub name: String,
    /// The totals that say how much came in, and how much went out.
    pub sources: Vec<String>,
    pub sinks: Vec<String>,
}

/// The part of a report that says of what it is made.
pub fn part(settings: &Settings) -> Document {
    let currency = |name: &String| {
        let [sources, sinks] = [true, false].map(|is_source| settings.flow_totals(name, is_source));
        doc! { "name": name, "sources": sources, "sinks": sinks }
    };
    let currencies = settings.currencies.iter().map(currency);
    let cut = |name: &String| name.chars().take(LONGEST_NAME).collect::<String>();
    let counted = settings.counted.iter().take(MOST_NAMES).map(cut);
    doc! {
        "currencies": currencies.collect::<Vec<Document>>(), "counted": counted.collect::<Vec<String>>(),
    }
}

/// What a report says, if it says that.
pub fn of(report: &Document) -> Option<Learned> {
    let part = report.get_document(FIELD).ok()?;
    let currencies = part.get_array("currencies").ok()?.iter();
    let currency = |entry: &Bson| {
        let entry = entry.as_document()?;
        Some(Currency {
            name: entry.get_str("name").ok()?.to_owned(),
            sources: texts(entry, "sources")?,
            sinks: texts(entry, "sinks")?,
        })
    };
    Some(Learned {
        currencies: currencies.map(currency).collect::<Option<_>>()?,
        counted: texts(part, "counted")?,
        excludes: basis::in_report(report, Part::Users)? != basis::of_users(&Excluded::default()),
    })
}

/// What the newest report says that says anything.
pub async fn newest<S: ReportStore>(store: &S, today: &Day) -> Result<Option<Learned>> {
    let from = today.plus(1 - DAYS);
    let reports = store.reports(&from, today, &[FIELD]).await?;
    Ok(reports.iter().rev().find_map(of))
}

impl Learned {
    /// `{ events, flows: [{ currency, flow, total }] }`: what a scrape needs to know.
    pub fn document(&self) -> Document {
        let flows = self.currencies.iter().flat_map(|currency| {
            let named = |flow, totals: &[String]| {
                let entry =
                    |total| doc! { "currency": &currency.name, "flow": flow, "total": total };
                totals.iter().map(entry).collect::<Vec<Document>>()
            };
            [
                named("source", &currency.sources),
                named("sink", &currency.sinks),
            ]
            .concat()
        });
        doc! { "events": &self.counted, "flows": flows.collect::<Vec<Document>>() }
    }
}

fn texts(document: &Document, field: &str) -> Option<Vec<String>> {
    let list = document.get_array(field).ok()?.iter();
    list.map(|text| text.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn settings(options: &str) -> Settings {
        let (config, _) = Config::from_json(options, "{}").expect("valid");
        Settings::new(&config)
    }

    fn report(settings: &Settings) -> Document {
        doc! {
            FIELD: part(settings),
            basis::FIELD: { "users": basis::of_users(settings.excluded()) },
        }
    }

    #[test]
    fn a_report_says_of_what_it_was_made() {
        let options = r#"{"currencies": ["gold", "gems"], "excludeUsers": ["bot-*"],
            "counters": {"gold.earn": {"total": "goldEarned", "amount": "amount"},
                "quest.reward": {"total": "goldEarned", "amount": "gold"}}}"#;
        let learned = of(&report(&settings(options))).expect("settings");
        let gold = Currency {
            name: "gold".to_owned(),
            sources: vec!["goldEarned".to_owned()],
            sinks: Vec::new(),
        };
        assert_eq!(learned.currencies[0], gold);
        assert_eq!(
            learned.currencies[1].sources,
            ["gemsEarned", "gemsPurchased"]
        );
        assert!(learned.excludes);
        assert!(!of(&report(&settings("{}"))).expect("settings").excludes);
        assert!(learned.counted.iter().any(|event| event == "gold.earn"));
        assert!(
            learned
                .counted
                .iter()
                .any(|event| event == "stripe.payment")
        );
        let flows = learned.document();
        let first = flows.get_array("flows").expect("a list")[0].as_document();
        let expected = doc! { "currency": "gold", "flow": "source", "total": "goldEarned" };
        assert_eq!(first, Some(&expected));
    }

    #[test]
    fn it_is_small_and_names_nobody() {
        let defaults = bson::serialize_to_vec(&part(&settings("{}"))).expect("a document");
        assert!(defaults.len() < 1_000, "{} bytes", defaults.len());
        let ids: Vec<String> = (0..1_000).map(|i| format!("{i:064}")).collect();
        let options = serde_json::json!({ "excludeUsers": ids }).to_string();
        let many = bson::serialize_to_vec(&part(&settings(&options))).expect("a document");
        assert_eq!(many.len(), defaults.len());
    }

    #[test]
    fn nothing_is_learned_of_what_another_version_wrote() {
        let whole = report(&settings("{}"));
        assert_eq!(of(&Document::new()), None);
        for field in [FIELD, basis::FIELD] {
            let mut report = whole.clone();
            report.remove(field);
            assert_eq!(of(&report), None, "{field}");
        }
        for field in ["currencies", "counted"] {
            let mut report = whole.clone();
            report
                .get_document_mut(FIELD)
                .expect("a part")
                .insert(field, 5);
            assert_eq!(of(&report), None, "{field}");
        }
        let mut later = whole;
        later
            .get_document_mut(FIELD)
            .expect("a part")
            .insert("more", true);
        assert!(of(&later).is_some());
    }
}
