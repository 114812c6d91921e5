//! Funnels: sequences of events that users come through.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::ConfigError;
use super::source::{Source, whole_number};

/// Funnels that may be declared.
const MOST: usize = 10;
/// Steps of one, and bytes of the name of an event.
const STEPS: std::ops::RangeInclusive<usize> = 2..=20;
const LONGEST_NAME: usize = 256;
/// Events are kept for 7 days, and a day of them is needed at both ends.
const WINDOW_S: std::ops::RangeInclusive<u64> = 1..=432_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Funnel {
    /// Names of events; one may be that of several steps.
    pub steps: Vec<String>,
    /// The longest time from the first step to any other, in seconds.
    pub window_s: u32,
}

impl Funnel {
    /// Reads `{ steps, windowS }`; an error names the field, behind `label`.
    pub fn read(label: &str, value: Value) -> Result<Self, ConfigError> {
        let Value::Object(mut fields) = value else {
            let label = label.trim_end_matches('.');
            let problem = "must be an object { steps, windowS }";
            return Err(ConfigError::new(label, problem));
        };
        let funnel = Self {
            steps: steps(label, &mut fields)?,
            window_s: window_s(label, &mut fields)?,
        };
        match fields.keys().next() {
            None => Ok(funnel),
            Some(field) => {
                let problem = "is not known; a funnel has steps and windowS";
                Err(ConfigError::new(format!("{label}{field}"), problem))
            }
        }
    }
}

fn steps(label: &str, fields: &mut Map<String, Value>) -> Result<Vec<String>, ConfigError> {
    let is_name = |name: &String| (1..=LONGEST_NAME).contains(&name.len());
    let names: Option<Vec<String>> = match fields.remove("steps") {
        Some(Value::Array(names)) => names
            .into_iter()
            .map(|name| name.as_str().map(str::to_owned).filter(is_name))
            .collect(),
        _ => None,
    };
    names
        .filter(|names| STEPS.contains(&names.len()))
        .ok_or_else(|| {
            let problem = "must be a list of 2 to 20 names of events, each of 1 to 256 bytes";
            ConfigError::new(format!("{label}steps"), problem)
        })
}

fn window_s(label: &str, fields: &mut Map<String, Value>) -> Result<u32, ConfigError> {
    let window = fields.remove("windowS").as_ref().and_then(whole_number);
    let window = window.filter(|window| WINDOW_S.contains(window));
    window.map(|window| window as u32).ok_or_else(|| {
        let problem = "must be a whole number of seconds from 1 to 432000 (5 days)";
        ConfigError::new(format!("{label}windowS"), problem)
    })
}

/// The funnels that are declared, by name.
pub(super) fn read(source: &mut Source) -> Result<BTreeMap<String, Funnel>, ConfigError> {
    let given = match source.option("funnels") {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map,
        Some(_) => {
            let problem =
                "must be a plain object that can be read, with names of funnels as its keys";
            return Err(ConfigError::new("funnels", problem));
        }
    };
    if given.len() > MOST {
        return Err(ConfigError::new("funnels", "must be at most 10 funnels"));
    }
    let mut funnels = BTreeMap::new();
    for (name, value) in given {
        let label = label(&name);
        if !(1..=64).contains(&name.chars().count()) {
            let problem = "must have a name of 1 to 64 characters";
            return Err(ConfigError::new(label, problem));
        }
        if !value.is_null() {
            let funnel = Funnel::read(&format!("{label}."), value)?;
            funnels.insert(name, funnel);
        }
    }
    Ok(funnels)
}

/// A funnel, as an error names it.
fn label(name: &str) -> String {
    let shown: String = name.chars().take(64).collect();
    format!("funnels[{}]", Value::String(shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::object;

    fn read_all(json: &str) -> Result<BTreeMap<String, Funnel>, String> {
        let options = object("options", json).expect("an object");
        read(&mut Source::new(options, Map::new())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_funnel_has_steps_and_a_window() {
        let funnels = read_all(
            r#"{"funnels": {"first day": {"steps": ["a", "b", "a"], "windowS": 86400}, "no": null}}"#,
        )
        .expect("valid");
        let expected = Funnel {
            steps: ["a", "b", "a"].map(str::to_owned).to_vec(),
            window_s: 86_400,
        };
        assert_eq!(funnels, [("first day".to_owned(), expected)].into());
        assert!(read_all("{}").expect("none").is_empty());
    }

    #[test]
    fn an_error_names_the_field() {
        let many: Vec<String> = (0..21).map(|i| format!(r#""{i}""#)).collect();
        let many = format!(r#"{{"steps": [{}], "windowS": 1}}"#, many.join(","));
        let long = format!(r#"{{"steps": ["a", "{}"], "windowS": 1}}"#, "e".repeat(257));
        for (funnel, field) in [
            ("5", ""),
            ("[]", ""),
            (r#"{"windowS": 1}"#, ".steps"),
            (r#"{"steps": ["a"], "windowS": 1}"#, ".steps"),
            (r#"{"steps": ["a", ""], "windowS": 1}"#, ".steps"),
            (r#"{"steps": ["a", 1], "windowS": 1}"#, ".steps"),
            (&many, ".steps"),
            (&long, ".steps"),
            (r#"{"steps": ["a", "b"]}"#, ".windowS"),
            (r#"{"steps": ["a", "b"], "windowS": 0}"#, ".windowS"),
            (r#"{"steps": ["a", "b"], "windowS": 1.5}"#, ".windowS"),
            (r#"{"steps": ["a", "b"], "windowS": 432001}"#, ".windowS"),
            (
                r#"{"steps": ["a", "b"], "windowS": 1, "window": 1}"#,
                ".window",
            ),
        ] {
            let error = read_all(&format!(r#"{{"funnels": {{"f": {funnel}}}}}"#));
            let error = error.expect_err(funnel);
            assert!(
                error.starts_with(&format!(r#"funnels["f"]{field}: "#)),
                "{error}"
            );
        }
        assert!(read_all(r#"{"funnels": []}"#).is_err_and(|error| error.starts_with("funnels: ")));
    }

    #[test]
    fn there_are_at_most_10() {
        let map = |count: usize| {
            let funnel = r#"{"steps": ["a", "b"], "windowS": 1}"#;
            let entries: Vec<String> = (0..count).map(|i| format!(r#""f{i}": {funnel}"#)).collect();
            read_all(&format!(r#"{{"funnels": {{{}}}}}"#, entries.join(",")))
        };
        assert_eq!(map(10).expect("valid").len(), 10);
        assert!(map(11).is_err_and(|error| error.contains("at most 10")));
    }
}
