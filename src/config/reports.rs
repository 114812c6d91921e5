//! What reports are made of, and whether any are made.

use std::collections::BTreeSet;

use serde_json::Value;

use super::error::ConfigError;
use super::source::Source;

/// Currencies of a game, and fields that may hold a reason or an item.
const MOST_CURRENCIES: usize = 10;
const MOST_FIELDS: usize = 10;
const MOST_EXCLUDED: usize = 1_000;
/// Bytes of a user id.
const LONGEST_ID: usize = 256;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports {
    /// `reports` or `ANALYTICS_REPORTS`; on by default.
    pub are_on: bool,
    /// Whether reads may be answered by a secondary; not by default.
    pub reads_secondaries: bool,
    /// The events of each are `<currency>.earn` and `<currency>.spend`; `credits` and `gems` by default.
    pub currencies: Vec<String>,
    /// The fields of `data` of which the first with a text says why an amount was earned or spent.
    pub reason_fields: Vec<String>,
    /// The same for what was bought, sold or found.
    pub item_fields: Vec<String>,
    pub excluded: Excluded,
}

/// The users who are left out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Excluded {
    pub ids: Vec<String>,
    pub prefixes: Vec<String>,
}

impl Excluded {
    pub fn has(&self, user: &str) -> bool {
        let begins = |prefix: &String| user.starts_with(prefix.as_str());
        self.ids.iter().any(|id| id == user) || self.prefixes.iter().any(begins)
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.prefixes.is_empty()
    }
}

impl Reports {
    pub(super) fn read(source: &mut Source) -> Result<Self, ConfigError> {
        let given = source.option("currencies");
        let currencies = names("currencies", given, &["credits", "gems"], MOST_CURRENCIES)?;
        if currencies.is_empty() {
            let problem = "must name at least one currency";
            return Err(ConfigError::new("currencies", problem));
        }
        let reasons = source.option("reasonFields");
        let items = source.option("itemFields");
        Ok(Self {
            are_on: !source.choice("reports", "ANALYTICS_REPORTS", ["auto", "off"])?,
            reads_secondaries: source.choice(
                "reportsReadPreference",
                "ANALYTICS_REPORTS_READ_PREFERENCE",
                ["primary", "secondaryPreferred"],
            )?,
            currencies,
            reason_fields: names(
                "reasonFields",
                reasons,
                &["reason", "source", "on"],
                MOST_FIELDS,
            )?,
            item_fields: names("itemFields", items, &["item", "sku", "recipe"], MOST_FIELDS)?,
            excluded: excluded(source)?,
        })
    }
}

/// Names of currencies or of fields, in their order.
fn names(
    option: &'static str,
    given: Option<Value>,
    default: &[&str],
    most: usize,
) -> Result<Vec<String>, ConfigError> {
    let problem = || {
        let problem = format!(
            "must be a list of at most {most} different names, each of 1 to 64 letters, digits, _ and -"
        );
        ConfigError::new(option, problem)
    };
    let given = match given {
        None => return Ok(default.iter().map(|name| (*name).to_owned()).collect()),
        Some(given) => texts(given).ok_or_else(problem)?,
    };
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let is_name = |name: &String| (1..=64).contains(&name.len()) && name.bytes().all(is_allowed);
    let different: BTreeSet<&String> = given.iter().collect();
    match different.len() == given.len() && given.len() <= most && given.iter().all(is_name) {
        true => Ok(given),
        false => Err(problem()),
    }
}

fn excluded(source: &mut Source) -> Result<Excluded, ConfigError> {
    let problem = || {
        let problem = "must be a list of at most 1000 user ids of 1 to 256 bytes, or of their beginnings \
                       before a *";
        ConfigError::new("excludeUsers", problem)
    };
    let given = match source.option("excludeUsers") {
        None => return Ok(Excluded::default()),
        Some(given) => texts(given).ok_or_else(problem)?,
    };
    if given.len() > MOST_EXCLUDED {
        return Err(problem());
    }
    let mut excluded = Excluded::default();
    for text in given {
        let (list, text) = match text.strip_suffix('*') {
            Some(prefix) => (&mut excluded.prefixes, prefix.to_owned()),
            None => (&mut excluded.ids, text),
        };
        if !(1..=LONGEST_ID).contains(&text.len()) || text.contains('\0') {
            return Err(problem());
        }
        list.push(text);
    }
    Ok(excluded)
}

fn texts(value: Value) -> Option<Vec<String>> {
    let Value::Array(list) = value else {
        return None;
    };
    let text = |one: Value| match one {
        Value::String(text) => Some(text),
        _ => None,
    };
    list.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::config::source::object;

    fn read(options: &str, env: &str) -> Result<Reports, String> {
        let options = object("options", options).expect("an object");
        let env: Map<String, Value> = object("environment", env).expect("an object");
        Reports::read(&mut Source::new(options, env)).map_err(|error| error.to_string())
    }

    #[test]
    fn reports_are_on_with_the_currencies_of_the_class() {
        let reports = read("{}", "{}").expect("defaults");
        assert!(reports.are_on && !reports.reads_secondaries);
        assert_eq!(reports.currencies, ["credits", "gems"]);
        assert_eq!(reports.reason_fields, ["reason", "source", "on"]);
        assert!(reports.excluded.is_empty());
        assert!(
            !read("{}", r#"{"ANALYTICS_REPORTS": "off"}"#)
                .expect("off")
                .are_on
        );
        let option = read(r#"{"reports": "auto"}"#, r#"{"ANALYTICS_REPORTS": "off"}"#);
        assert!(option.expect("auto").are_on);
    }

    #[test]
    fn an_id_with_a_star_at_its_end_is_a_beginning() {
        let reports = read(r#"{"excludeUsers": ["bot-*", "t1"]}"#, "{}").expect("valid");
        assert_eq!(reports.excluded.prefixes, ["bot-"]);
        assert_eq!(reports.excluded.ids, ["t1"]);
    }

    #[test]
    fn an_error_names_the_option() {
        for (options, field) in [
            (r#"{"reports": "on"}"#, "reports"),
            (r#"{"currencies": "gems"}"#, "currencies"),
            (r#"{"currencies": []}"#, "currencies"),
            (r#"{"currencies": ["a", "a"]}"#, "currencies"),
            (r#"{"currencies": ["a.b"]}"#, "currencies"),
            (r#"{"reasonFields": ["$a"]}"#, "reasonFields"),
            (r#"{"itemFields": [1]}"#, "itemFields"),
            (r#"{"excludeUsers": ["*"]}"#, "excludeUsers"),
            (r#"{"excludeUsers": {}}"#, "excludeUsers"),
            (
                r#"{"reportsReadPreference": "nearest"}"#,
                "reportsReadPreference",
            ),
        ] {
            let error = read(options, "{}").expect_err(options);
            assert!(error.starts_with(&format!("{field}: must ")), "{error}");
        }
    }
}
