//! What reports are made of: the currencies and their events, and what each event adds to the totals.

use std::collections::BTreeMap;

use crate::config::{Config, Excluded, Funnel};
use crate::store::EventPass;

#[derive(Debug, Clone)]
pub struct Settings {
    pub flows: Vec<Flow>,
    pub currencies: Vec<String>,
    /// Names of events that add to totals, or are purchases.
    pub counted: Vec<String>,
    /// Whether none of these are of the game: it is read without its options.
    pub learns: bool,
    /// What events add to the totals, by their names.
    pub totals: Vec<Counted>,
    pub pass: EventPass,
    /// Those that are declared, by name.
    pub funnels: BTreeMap<String, Funnel>,
    /// Whether this instance makes indexes, so that one which is missing may be under way.
    pub makes_indexes: bool,
}

/// An event that brings a currency into the game, or takes it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    pub event: String,
    pub currency: String,
    pub is_source: bool,
    /// The reason of all its amounts, if the event itself says it.
    pub reason: Option<&'static str>,
}

/// An event that adds to a total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub event: String,
    pub total: &'static str,
    /// Whether it adds its amount; else 1.
    pub has_amount: bool,
}

/// Gems that were bought are gems that came into the game, also where another total counts them.
const PURCHASE: (&str, &str, &str, &str) = ("gems.purchase", "gems", "gems", "purchase");
const AMOUNT: &str = "amount";

impl Settings {
    pub fn new(config: &Config) -> Self {
        let currencies = config.reports.currencies.clone();
        let flows: Vec<Flow> = currencies.iter().flat_map(|one| flows_of(one)).collect();
        let (mut totals, mut unreadable) = (Vec::new(), Vec::new());
        let mut amounts: Vec<(String, String)> = Vec::new();
        for (event, entry) in config.counters.events() {
            let is_path = |field: &String| !field.contains('.') && !field.starts_with('$');
            if let Some(field) = entry.amount.as_ref() {
                // A pipeline cannot read the others.
                if !is_path(field) {
                    unreadable.push(entry.counter.field());
                    continue;
                }
                amounts.push((event.clone(), field.clone()));
            }
            totals.push(Counted {
                event: event.clone(),
                total: entry.counter.field(),
                has_amount: entry.amount.is_some(),
            });
        }
        totals.retain(|one: &Counted| !unreadable.contains(&one.total));
        for flow in &flows {
            if !amounts.iter().any(|(event, _)| *event == flow.event) {
                let field = match flow.reason {
                    Some(_) => PURCHASE.2,
                    None => AMOUNT,
                };
                amounts.push((flow.event.clone(), field.to_owned()));
            }
        }
        let counters = config.counters.events().map(|(event, _)| event);
        let purchases = config.purchases.events();
        let purchases = purchases.filter(|event| !config.counters.has(event));
        Self {
            counted: counters.chain(purchases).cloned().collect(),
            learns: config.learns,
            flows,
            currencies,
            totals,
            pass: EventPass::new(&config.reports, amounts),
            funnels: config.funnels.clone(),
            makes_indexes: !config.is_reader,
        }
    }

    pub fn excluded(&self) -> &Excluded {
        &self.pass.excluded
    }

    /// The totals that the events of a currency add to.
    pub fn totals_of(&self, currency: &str) -> Vec<&'static str> {
        let mut totals = self.flow_totals(currency, true);
        totals.extend(self.flow_totals(currency, false));
        totals.sort_unstable();
        totals.dedup();
        totals
    }

    /// Those of the events that bring it in, or take it out.
    pub fn flow_totals(&self, currency: &str, is_source: bool) -> Vec<&'static str> {
        let is_of = |flow: &&Flow| flow.currency == currency && flow.is_source == is_source;
        let total = |flow: &Flow| {
            let counted = self.totals.iter().find(|one| one.event == flow.event)?;
            Some(counted.total)
        };
        self.flows.iter().filter(is_of).filter_map(total).collect()
    }
}

fn flows_of(currency: &str) -> Vec<Flow> {
    let flow = |event: String, is_source, reason| Flow {
        event,
        currency: currency.to_owned(),
        is_source,
        reason,
    };
    let mut flows = vec![
        flow(format!("{currency}.earn"), true, None),
        flow(format!("{currency}.spend"), false, None),
    ];
    if currency == PURCHASE.1 {
        flows.push(flow(PURCHASE.0.to_owned(), true, Some(PURCHASE.3)));
    }
    flows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(options: &str) -> Settings {
        let (config, _) = Config::from_json(options, "{}").expect("valid");
        Settings::new(&config)
    }

    #[test]
    fn gems_come_from_earning_and_from_purchases() {
        let settings = settings("{}");
        let sources = settings.flows.iter().filter(|flow| flow.is_source);
        let gems: Vec<&str> = sources
            .filter(|flow| flow.currency == "gems")
            .map(|flow| flow.event.as_str())
            .collect();
        assert_eq!(gems, ["gems.earn", "gems.purchase"]);
        let totals = ["gemsEarned", "gemsPurchased", "gemsSpent"];
        assert_eq!(settings.totals_of("gems"), totals);
    }

    #[test]
    fn a_currency_that_no_total_counts_has_its_events() {
        let settings = settings(r#"{"currencies": ["gold"]}"#);
        let amounts = &settings.pass.amounts;
        assert!(amounts.contains(&("gold.earn".to_owned(), "amount".to_owned())));
        assert_eq!(settings.totals_of("gold"), [""; 0]);
    }

    #[test]
    fn an_amount_is_read_as_the_counter_reads_it() {
        let settings = settings(
            r#"{"counters": {"gems.purchase": {"total": "gemsPurchased", "amount": "n"},
                "a": {"total": "b", "amount": "c.d"}}}"#,
        );
        let amounts = &settings.pass.amounts;
        assert!(amounts.contains(&("gems.purchase".to_owned(), "n".to_owned())));
        assert!(!amounts.iter().any(|(event, _)| event == "a"));
        assert!(!settings.totals.iter().any(|one| one.total == "b"));
    }
}
