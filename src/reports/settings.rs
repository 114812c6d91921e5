//! What reports are made of: the currencies and their events, and what each event adds to the totals.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Whether it moves its amount; else 1.
    pub has_amount: bool,
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
        let mut flows: Vec<Flow> = currencies.iter().flat_map(|one| flows_of(one)).collect();
        let mut totals = Vec::new();
        let mut amounts: Vec<(String, String)> = Vec::new();
        for (event, entry) in config.counters.events() {
            let field = entry.amount.as_ref();
            amounts.extend(field.map(|field| (event.clone(), field.clone())));
            totals.push(Counted {
                event: event.clone(),
                total: entry.counter.field(),
                has_amount: field.is_some(),
            });
        }
        flows.extend(further_flows(&flows, &totals));
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

    /// The totals that say how much of a currency came in, or went out.
    pub fn flow_totals(&self, currency: &str, is_source: bool) -> Vec<&'static str> {
        let is_of = |total: &&str| {
            let flow = flow_of_total(&self.flows, &self.totals, total);
            flow.is_some_and(|flow| flow.currency == currency && flow.is_source == is_source)
        };
        let totals = self.totals.iter().map(|one| one.total).filter(is_of);
        totals.collect::<BTreeSet<&str>>().into_iter().collect()
    }
}

/// The direction of a currency that a total sums up: each of the currencies' events that add to it moves there what
/// it adds.
fn flow_of_total<'a>(flows: &'a [Flow], totals: &[Counted], total: &str) -> Option<&'a Flow> {
    let moving = |one: &Counted| {
        let flow = flows.iter().find(|flow| flow.event == one.event)?;
        Some((flow, one.has_amount))
    };
    let adding = totals.iter().filter(|one| one.total == total);
    let moving: Vec<(&Flow, bool)> = adding.filter_map(moving).collect();
    let (first, _) = *moving.first()?;
    let is_same = |(flow, has_amount): &(&Flow, bool)| {
        (&flow.currency, flow.is_source, flow.has_amount)
            == (&first.currency, first.is_source, *has_amount)
    };
    moving.iter().all(is_same).then_some(first)
}

/// Other events that add to such a total move the currency too.
fn further_flows(flows: &[Flow], totals: &[Counted]) -> Vec<Flow> {
    let others = totals
        .iter()
        .filter(|one| flows.iter().all(|flow| flow.event != one.event));
    let further = |one: &Counted| {
        Some(Flow {
            event: one.event.clone(),
            reason: None,
            has_amount: one.has_amount,
            ..flow_of_total(flows, totals, one.total)?.clone()
        })
    };
    others.filter_map(further).collect()
}

fn flows_of(currency: &str) -> Vec<Flow> {
    let flow = |event: String, is_source, reason| Flow {
        event,
        currency: currency.to_owned(),
        is_source,
        reason,
        has_amount: true,
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
        let totals = [true, false].map(|is_source| settings.flow_totals("gems", is_source));
        assert_eq!(totals[0], ["gemsEarned", "gemsPurchased"]);
        assert_eq!(totals[1], ["gemsSpent"]);
    }

    #[test]
    fn a_currency_that_no_total_counts_has_its_events() {
        let settings = settings(r#"{"currencies": ["gold"]}"#);
        let amounts = &settings.pass.amounts;
        assert!(amounts.contains(&("gold.earn".to_owned(), "amount".to_owned())));
        assert_eq!(settings.flow_totals("gold", true), [""; 0]);
    }

    #[test]
    fn what_adds_to_the_total_of_a_currency_moves_it() {
        let settings = settings(
            r#"{"counters": {
                "quest.reward": {"total": "creditsEarned", "amount": "n"},
                "boss.kill": "creditsEarned",
                "tax": {"total": "creditsSpent", "amount": "n"},
                "raid": {"total": "other", "amount": "n"}
            }}"#,
        );
        let found = settings
            .flows
            .iter()
            .filter(|one| one.currency == "credits");
        let mut found: Vec<(&str, bool, bool)> = found
            .map(|one| (one.event.as_str(), one.is_source, one.has_amount))
            .collect();
        found.sort_unstable();
        let expected = [
            ("boss.kill", true, false),
            ("credits.earn", true, true),
            ("credits.spend", false, true),
            ("quest.reward", true, true),
            ("tax", false, true),
        ];
        assert_eq!(found, expected);
        assert_eq!(settings.flow_totals("credits", true), ["creditsEarned"]);
    }

    #[test]
    fn a_total_of_two_directions_and_one_that_counts_events_say_nothing_of_a_currency() {
        let settings = settings(
            r#"{"counters": {
                "credits.earn": {"total": "moved", "amount": "amount"},
                "credits.spend": {"total": "moved", "amount": "amount"},
                "gems.earn": "gifts",
                "a": {"total": "moved", "amount": "n"},
                "b": {"total": "gifts", "amount": "n"}
            }}"#,
        );
        assert!(settings.flows.iter().all(|flow| flow.event.contains('.')));
        assert_eq!(settings.flow_totals("credits", true), [""; 0]);
        assert_eq!(settings.flow_totals("gems", true), ["gemsPurchased"]);
    }

    #[test]
    fn an_amount_is_read_as_the_counter_reads_it() {
        let settings = settings(
            r#"{"counters": {"gems.purchase": {"total": "gemsPurchased", "amount": "n"},
                "a": {"total": "b", "amount": "c.d"}}}"#,
        );
        let amounts = &settings.pass.amounts;
        assert!(amounts.contains(&("gems.purchase".to_owned(), "n".to_owned())));
        assert!(amounts.contains(&("a".to_owned(), "c.d".to_owned())));
    }
}
