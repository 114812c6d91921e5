//! What the host asks of `getFunnel()`, checked. An error names the field that it is about.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::config::Funnel;
use crate::record::day::Day;

/// Days of a declared funnel, whose cohorts are kept, and of any other.
const KEPT_DAYS: (u32, u32) = (30, 366);
const OTHER_DAYS: (u32, u32) = (6, 6);

/// Equal ones share one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunnelQuery {
    /// Of a declared funnel, whose cohorts are kept.
    pub name: Option<String>,
    pub funnel: Funnel,
    pub days: u32,
    /// The last day; today by the server's clock if there is none.
    pub to: Option<Day>,
}

impl FunnelQuery {
    /// Reads `{ funnel, name, options }` in JSON. `name` makes a definition that of a declared funnel.
    pub fn read(json: &str, declared: &BTreeMap<String, Funnel>) -> Result<Self, String> {
        let mut asked: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
        let (name, funnel) = funnel(asked.remove("funnel"), declared)?;
        let declared_elsewhere = asked.get("name").and_then(Value::as_str);
        let name = name.or(declared_elsewhere.map(str::to_owned));
        let mut options = match asked.remove("options") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(options)) => options,
            Some(_) => return Err("options: must be an object".to_owned()),
        };
        let (usual, most) = match name {
            Some(_) => KEPT_DAYS,
            None => OTHER_DAYS,
        };
        let query = Self {
            days: days(options.remove("days"), usual, most)?,
            to: to(options.remove("to"), name.is_some())?,
            name,
            funnel,
        };
        match options.keys().next() {
            None => Ok(query),
            Some(field) => Err(format!("{field}: is not known")),
        }
    }
}

fn funnel(
    given: Option<Value>,
    declared: &BTreeMap<String, Funnel>,
) -> Result<(Option<String>, Funnel), String> {
    match given {
        Some(Value::String(name)) => match declared.get(&name) {
            Some(funnel) => Ok((Some(name), funnel.clone())),
            None => Err("funnel: is the name of no funnel in the option funnels".to_owned()),
        },
        Some(definition @ Value::Object(_)) => match Funnel::read("", definition) {
            Ok(funnel) => Ok((None, funnel)),
            Err(problem) => Err(problem.to_string()),
        },
        _ => Err("funnel: must be the name of a declared funnel or { steps, windowS }".to_owned()),
    }
}

fn days(given: Option<Value>, usual: u32, most: u32) -> Result<u32, String> {
    let days = match given {
        None | Some(Value::Null) => Some(u64::from(usual)),
        Some(given) => given.as_u64(),
    };
    days.filter(|days| (1..=u64::from(most)).contains(days))
        .map(|days| days as u32)
        .ok_or_else(|| format!("days: must be a whole number from 1 to {most}"))
}

fn to(given: Option<Value>, is_kept: bool) -> Result<Option<Day>, String> {
    let day = match given {
        None | Some(Value::Null) => return Ok(None),
        Some(_) if !is_kept => {
            return Err("to: is for declared funnels only; others end today".to_owned());
        }
        Some(given) => given.as_str().and_then(Day::existing),
    };
    let problem = "to: must be a day of the calendar, as '2026-11-28'";
    day.map(Some).ok_or_else(|| problem.to_owned())
}
