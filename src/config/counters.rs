//! The counters of an instance: which event adds what to which total of its day. The option `counters` adds to
//! the built-in entries, replaces them or takes them out.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::ConfigError;
use super::event_map::{self, is_field};
use super::source::Source;
use crate::record::counters::{COUNTED_EVENTS, Counter};

/// Totals of the host's own; the indexes of all counters fit into a byte.
const MOST_OWN: usize = 64;
/// Totals of logins, which no event adds to.
const OF_SESSIONS: [Counter; 3] = [Counter::Dau, Counter::SessionCount, Counter::TotalSessionS];

/// What an event adds to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub counter: Counter,
    /// The field of the payload that holds the amount; `None` counts 1.
    pub amount: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Counters {
    events: BTreeMap<String, Entry>,
    /// Those that are not built in.
    own: Vec<Counter>,
}

impl Default for Counters {
    fn default() -> Self {
        let events = COUNTED_EVENTS.iter().map(|event| {
            let amount = event.amount.map(str::to_owned);
            let counter = event.counter;
            (event.name.to_owned(), Entry { counter, amount })
        });
        Self {
            events: events.collect(),
            own: Vec::new(),
        }
    }
}

impl Counters {
    /// The events that are counted.
    pub fn events(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.events.iter()
    }

    pub fn has(&self, event: &str) -> bool {
        self.events.contains_key(event)
    }

    /// The counters that are not built in.
    pub fn own(&self) -> &[Counter] {
        &self.own
    }

    /// The index by which a frame names a counter of this instance.
    pub fn index(&self, counter: Counter) -> Option<u8> {
        let own = || self.own.iter().position(|own| *own == counter);
        let behind = |at: usize| (Counter::BUILT_IN.len() + at) as u8 + 1;
        counter.index().or_else(|| own().map(behind))
    }

    /// The counter that a frame of this instance names by its index.
    pub fn at(&self, index: u8) -> Option<Counter> {
        let own = || usize::from(index).checked_sub(Counter::BUILT_IN.len() + 1);
        Counter::from_index(index).or_else(|| self.own.get(own()?).copied())
    }

    pub(super) fn read(source: &mut Source) -> Result<Self, ConfigError> {
        let mut counters = Self::default();
        let given = source.option("counters");
        event_map::read("counters", given, |event, value| counters.set(event, value))?;
        Ok(counters)
    }

    fn set(&mut self, event: String, value: Value) -> Result<(), &'static str> {
        let entry = match value {
            Value::Null => {
                self.events.remove(&event);
                return Ok(());
            }
            Value::String(total) => Entry {
                counter: counter(Some(Value::String(total)))?,
                amount: None,
            },
            Value::Object(fields) => entry(fields)?,
            _ => return Err("must be the name of a total, an object { total, amount } or null"),
        };
        if self.index(entry.counter).is_none() {
            if self.own.len() == MOST_OWN {
                return Err("adds one total too many: at most 64 may not be built in");
            }
            self.own.push(entry.counter);
        }
        self.events.insert(event, entry);
        Ok(())
    }
}

fn entry(mut fields: Map<String, Value>) -> Result<Entry, &'static str> {
    let counter = counter(fields.remove("total"))?;
    let amount = match fields.remove("amount") {
        None | Some(Value::Null) => None,
        Some(Value::String(field)) if is_field(&field) => Some(field),
        Some(_) => return Err("must have an amount that names a field of data: 1 to 256 bytes"),
    };
    match fields.is_empty() {
        true => Ok(Entry { counter, amount }),
        false => Err("must have no fields but total and amount"),
    }
}

fn counter(total: Option<Value>) -> Result<Counter, &'static str> {
    let problem = "must name a total: a letter, then at most 63 letters, digits and _; _id, __v, _a, day, \
                   month, dau, sessionCount and totalSessionS are reserved";
    let named = total
        .as_ref()
        .and_then(Value::as_str)
        .and_then(Counter::named);
    named
        .filter(|counter| !OF_SESSIONS.contains(counter))
        .ok_or(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::object;

    fn read(json: &str) -> Result<Counters, String> {
        let options = object("options", json).expect("an object");
        Counters::read(&mut Source::new(options, Map::new())).map_err(|error| error.to_string())
    }

    fn entry(counters: &Counters, event: &str) -> Option<(&'static str, Option<String>)> {
        let mut events = counters.events();
        let (_, found) = events.find(|(name, _)| *name == event)?;
        Some((found.counter.field(), found.amount.clone()))
    }

    #[test]
    fn entries_are_added_replaced_and_taken_out() {
        let counters = read(
            r#"{"counters": {
                "boss.kill": "bossKills",
                "gold.earn": {"total": "goldEarned", "amount": "gold"},
                "quest.reward": {"total": "creditsEarned", "amount": "credits"},
                "gems.earn": "gemGifts",
                "pvp.battle": null
            }}"#,
        )
        .expect("valid");
        assert_eq!(entry(&counters, "boss.kill"), Some(("bossKills", None)));
        let gold = Some(("goldEarned", Some("gold".to_owned())));
        assert_eq!(entry(&counters, "gold.earn"), gold);
        let reward = Some(("creditsEarned", Some("credits".to_owned())));
        assert_eq!(entry(&counters, "quest.reward"), reward);
        assert_eq!(entry(&counters, "gems.earn"), Some(("gemGifts", None)));
        assert_eq!(entry(&counters, "pvp.battle"), None);
        assert_eq!(
            entry(&counters, "raid.complete"),
            Some(("raidBattles", None))
        );
        let own: Vec<&str> = counters.own().iter().map(|own| own.field()).collect();
        assert_eq!(own, ["bossKills", "gemGifts", "goldEarned"]);
    }

    #[test]
    fn an_index_names_the_counter_it_came_from() {
        let counters =
            read(r#"{"counters": {"a": "aaa", "b": "bbb", "c": "aaa"}}"#).expect("valid");
        for counter in Counter::BUILT_IN.iter().chain(counters.own()) {
            let index = counters.index(*counter).expect("known");
            assert_eq!(counters.at(index), Some(*counter));
        }
        assert_eq!(counters.own().len(), 2);
        assert_eq!(
            (counters.at(0), counters.at(18), counters.at(255)),
            (None, None, None)
        );
        assert_eq!(Counters::default().at(16), None);
    }

    #[test]
    fn an_error_names_the_entry() {
        for entry in [
            r#""boss.kill": 5"#,
            r#""boss.kill": []"#,
            r#""boss.kill": {}"#,
            r#""boss.kill": """#,
            r#""boss.kill": "_id""#,
            r#""boss.kill": "dau""#,
            r#""boss.kill": "month""#,
            r#""boss.kill": "a.b""#,
            r#""boss.kill": "$a""#,
            r#""boss.kill": {"total": "sessionCount"}"#,
            r#""boss.kill": {"total": "bosses", "amount": 5}"#,
            r#""boss.kill": {"total": "bosses", "amount": ""}"#,
            r#""boss.kill": {"total": "bosses", "field": "gold"}"#,
        ] {
            let error = read(&format!(r#"{{"counters": {{{entry}}}}}"#)).expect_err(entry);
            assert!(
                error.starts_with(r#"counters["boss.kill"]: must "#),
                "{error}"
            );
        }
    }

    #[test]
    fn there_are_at_most_64_totals_of_the_hosts_own() {
        let map = |count: usize| {
            let entries: Vec<String> = (0..count).map(|i| format!(r#""e{i}": "t{i}""#)).collect();
            format!(r#"{{"counters": {{{}}}}}"#, entries.join(","))
        };
        assert_eq!(read(&map(64)).expect("valid").own().len(), 64);
        let error = read(&map(65)).expect_err("too many");
        assert!(error.contains("adds one total too many"), "{error}");
    }
}
