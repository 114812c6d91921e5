//! Basis: the options that a report was made under, as short hashes that are stored with it. Figures of reports that
//! were made under different ones are not of one piece, and answers mark them.
//!
//! What a report says of users and sessions depends on who is left out alone; what it says of events, on all that
//! reports are made of.

use bson::Document;
use ring::digest::{Context, SHA256};

use super::settings::Settings;
use crate::config::Excluded;
use crate::util::bytes::hex;

/// The field of a report and of a kept cohort.
pub const FIELD: &str = "options";
/// The two hashes of a report.
pub const USERS: &str = "options.users";
pub const EVENTS: &str = "options.events";

/// What of a report an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Users,
    Events,
}

/// The hash of who is left out.
pub fn of_users(excluded: &Excluded) -> String {
    let mut hash = Hash::new();
    for list in [&excluded.ids, &excluded.prefixes] {
        let mut sorted: Vec<&str> = list.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        sorted.dedup();
        hash.list(&sorted);
    }
    hash.finish()
}

/// The hash of everything that reports are made of.
pub fn of_events(settings: &Settings) -> String {
    let mut hash = Hash::new();
    hash.list(&[&of_users(settings.excluded())]);
    let mut currencies: Vec<&str> = settings.currencies.iter().map(String::as_str).collect();
    currencies.sort_unstable();
    hash.list(&currencies);
    let mut totals: Vec<[&str; 3]> = settings
        .totals
        .iter()
        .map(|one| {
            let adds = if one.has_amount { "amount" } else { "1" };
            [one.event.as_str(), one.total, adds]
        })
        .collect();
    totals.sort_unstable();
    hash.list(totals.as_flattened());
    let pass = &settings.pass;
    let amounts = pass.amounts.iter();
    let mut amounts: Vec<[&str; 2]> = amounts
        .map(|(event, field)| [event.as_str(), field])
        .collect();
    amounts.sort_unstable();
    hash.list(amounts.as_flattened());
    // The first field with a text counts.
    for fields in [&pass.reason_fields, &pass.item_fields] {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        hash.list(&fields);
    }
    hash.finish()
}

/// The hash that a report was stored with; `None` in those of builds that stored none.
pub fn in_report(report: &Document, part: Part) -> Option<&str> {
    let field = match part {
        Part::Users => USERS,
        Part::Events => EVENTS,
    };
    let (_, name) = field.split_once('.')?;
    report.get_document(FIELD).ok()?.get_str(name).ok()
}

/// Whether both are known and differ.
pub fn differ(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

struct Hash(Context);

impl Hash {
    fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    fn list(&mut self, texts: &[&str]) {
        self.0.update(&(texts.len() as u32).to_le_bytes());
        for text in texts {
            self.0.update(&(text.len() as u32).to_le_bytes());
            self.0.update(text.as_bytes());
        }
    }

    fn finish(self) -> String {
        hex(&self.0.finish().as_ref()[..8])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::Config;

    fn settings(options: &str) -> Settings {
        let (config, _) = Config::from_json(options, "{}").expect("valid");
        Settings::new(&config)
    }

    #[test]
    fn every_option_that_changes_figures_changes_a_hash() {
        let all = [
            "{}",
            r#"{"currencies": ["gems"]}"#,
            r#"{"reasonFields": ["why"]}"#,
            r#"{"itemFields": ["why"]}"#,
            r#"{"reasonFields": ["a", "b"]}"#,
            r#"{"reasonFields": ["b", "a"]}"#,
            r#"{"counters": {"boss.kill": "bossKills"}}"#,
            r#"{"counters": {"boss.kill": {"total": "bossKills", "amount": "n"}}}"#,
            r#"{"excludeUsers": ["a", "b"]}"#,
            r#"{"excludeUsers": ["a*", "b"]}"#,
            r#"{"excludeUsers": ["ab"]}"#,
        ];
        let hashes: BTreeSet<String> = all.map(|one| of_events(&settings(one))).into();
        assert_eq!(hashes.len(), all.len());
        let users: BTreeSet<String> = all.map(|one| of_users(settings(one).excluded())).into();
        assert_eq!(users.len(), 4);
    }

    #[test]
    fn what_changes_no_figure_changes_no_hash() {
        for (one, other) in [
            (
                r#"{"excludeUsers": ["a", "b"]}"#,
                r#"{"excludeUsers": ["b", "a", "b"]}"#,
            ),
            (
                r#"{"currencies": ["a", "b"]}"#,
                r#"{"currencies": ["b", "a"]}"#,
            ),
            (
                "{}",
                r#"{"currencies": ["credits", "gems"], "flushIntervalMs": 50}"#,
            ),
        ] {
            assert_eq!(
                of_events(&settings(one)),
                of_events(&settings(other)),
                "{one}"
            );
        }
    }
}
