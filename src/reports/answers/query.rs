//! Queries of the host, checked. An error names the field that it is about.

use serde_json::{Map, Value};

use crate::record::day::Day;

const MOST_DAYS: i64 = 366;
const DAYS: i64 = 30;
/// The cells of the retention table.
const RETENTION_DAYS: [i64; 5] = [1, 3, 7, 14, 30];
const LATEST_RETURN: i64 = 90;

/// What the host asks; equal ones share one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    Activity(Range),
    Retention(Cohorts),
    SessionLengths(Range),
    Economy(EconomyQuery),
    Revenue(RevenueQuery),
    TopEvents(TopEvents),
}

/// So many days up to one; today by the server's clock if there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub days: i64,
    pub to: Option<Day>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohorts {
    /// The number of first days, up to today.
    pub cohorts: i64,
    /// Days after the first one.
    pub days: Vec<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EconomyQuery {
    pub range: Range,
    pub currency: Option<String>,
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevenueQuery {
    pub range: Range,
    /// Three capital letters, as ISO 4217 has them.
    pub currency: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopEvents {
    pub range: Range,
    pub limit: usize,
}

impl Query {
    /// The query of the method with this name, by its options as JSON.
    pub fn read(method: &str, options: &str, currencies: &[String]) -> Result<Query, String> {
        let mut options = match serde_json::from_str(options) {
            Ok(Value::Object(options)) => Fields(options),
            _ => return Err("options: must be an object".to_owned()),
        };
        let query = match method {
            "getActivity" => Query::Activity(options.range()?),
            "getRetention" => Query::Retention(options.cohorts()?),
            "getSessionLengths" => Query::SessionLengths(options.range()?),
            "getEconomy" => Query::Economy(EconomyQuery {
                range: options.range()?,
                currency: options.currency(currencies)?,
                limit: options.whole("limit", 20, 1, 100)? as usize,
            }),
            "getRevenue" => Query::Revenue(RevenueQuery {
                range: options.range()?,
                currency: options.code()?,
            }),
            "getTopEvents" => Query::TopEvents(TopEvents {
                range: options.range()?,
                limit: options.whole("limit", 20, 1, 200)? as usize,
            }),
            _ => return Err(format!("{method}: is not known")),
        };
        match options.0.keys().next() {
            None => Ok(query),
            Some(field) => Err(format!("{field}: is not known")),
        }
    }

    /// The public method's name.
    pub fn name(&self) -> &'static str {
        match self {
            Query::Activity(_) => "getActivity()",
            Query::Retention(_) => "getRetention()",
            Query::SessionLengths(_) => "getSessionLengths()",
            Query::Economy(_) => "getEconomy()",
            Query::Revenue(_) => "getRevenue()",
            Query::TopEvents(_) => "getTopEvents()",
        }
    }

    /// The first and the last day whose reports it needs.
    pub fn days(&self, today: &Day) -> (Day, Day) {
        match self {
            Query::Activity(range) | Query::SessionLengths(range) => range.ends(today),
            Query::Economy(economy) => economy.range.ends(today),
            Query::Revenue(revenue) => revenue.range.ends(today),
            Query::TopEvents(events) => events.range.ends(today),
            Query::Retention(cohorts) => cohorts.range().ends(today),
        }
    }
}

impl Range {
    pub fn ends(&self, today: &Day) -> (Day, Day) {
        let to = self.to.as_ref().unwrap_or(today);
        (to.plus(1 - self.days), to.clone())
    }

    /// Its days, oldest first.
    pub fn all(&self, today: &Day) -> Vec<Day> {
        let (from, _) = self.ends(today);
        (0..self.days).map(|day| from.plus(day)).collect()
    }
}

impl Cohorts {
    pub fn range(&self) -> Range {
        Range {
            days: self.cohorts,
            to: None,
        }
    }
}

/// Fields are removed as they are read, so that what remains is unknown.
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, field: &str) -> Option<Value> {
        self.0.remove(field).filter(|value| !value.is_null())
    }

    fn range(&mut self) -> Result<Range, String> {
        let problem = "to: must be a day of the calendar, as '2026-11-28'";
        let to = match self.take("to") {
            None => None,
            Some(Value::String(day)) => Some(Day::existing(&day).ok_or(problem)?),
            Some(_) => return Err(problem.to_owned()),
        };
        let days = self.whole("days", DAYS, 1, MOST_DAYS)?;
        Ok(Range { days, to })
    }

    fn cohorts(&mut self) -> Result<Cohorts, String> {
        let problem =
            format!("days: must be a list of at most 20 whole numbers from 1 to {LATEST_RETURN}");
        let days = match self.take("days") {
            None => RETENTION_DAYS.to_vec(),
            Some(Value::Array(list)) if list.len() <= 20 => {
                let days = list.iter().map(|day| whole(day, 1, LATEST_RETURN));
                let mut days: Vec<i64> = days.collect::<Option<_>>().ok_or(problem)?;
                days.sort_unstable();
                days.dedup();
                days
            }
            Some(_) => return Err(problem),
        };
        let cohorts = self.whole("cohorts", DAYS, 1, MOST_DAYS)?;
        Ok(Cohorts { cohorts, days })
    }

    fn currency(&mut self, known: &[String]) -> Result<Option<String>, String> {
        match self.take("currency") {
            None => Ok(None),
            Some(Value::String(name)) if known.contains(&name) => Ok(Some(name)),
            Some(_) => Err(format!("currency: must be one of {}", known.join(", "))),
        }
    }

    /// The code of a currency.
    fn code(&mut self) -> Result<String, String> {
        let is_code =
            |code: &str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        match self.take("currency") {
            None => Ok("USD".to_owned()),
            Some(Value::String(code)) if is_code(&code) => Ok(code),
            Some(_) => Err("currency: must be three capital letters, as 'USD'".to_owned()),
        }
    }

    fn whole(&mut self, field: &str, default: i64, min: i64, max: i64) -> Result<i64, String> {
        let problem = || format!("{field}: must be a whole number from {min} to {max}");
        match self.take(field) {
            None => Ok(default),
            Some(value) => whole(&value, min, max).ok_or_else(problem),
        }
    }
}

fn whole(value: &Value, min: i64, max: i64) -> Option<i64> {
    let number = value.as_f64()?;
    let is_whole = number.fract() == 0.0 && (min as f64..=max as f64).contains(&number);
    is_whole.then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, options: &str) -> Result<Query, String> {
        Query::read(method, options, &["credits".to_owned(), "gems".to_owned()])
    }

    #[test]
    fn a_range_ends_today_unless_it_says_where() {
        let Ok(Query::Activity(range)) = read("getActivity", "{}") else {
            panic!("no range");
        };
        let today = Day::existing("2028-03-01").expect("a day");
        let days = range.all(&today);
        assert_eq!((days.len(), days[29].clone()), (30, today));
        assert_eq!(days[28].as_str(), "2028-02-29");
        let Ok(Query::Activity(one)) = read("getActivity", r#"{"days": 1, "to": "2026-01-01"}"#)
        else {
            panic!("no range");
        };
        let (from, to) = one.ends(&Day::of(0));
        assert_eq!((from.as_str(), to.as_str()), ("2026-01-01", "2026-01-01"));
    }

    #[test]
    fn an_error_names_the_field() {
        for (method, options, field) in [
            ("getActivity", r#"{"days": 0}"#, "days"),
            ("getActivity", r#"{"days": 367}"#, "days"),
            ("getActivity", r#"{"days": 1.5}"#, "days"),
            ("getActivity", r#"{"days": "7"}"#, "days"),
            ("getActivity", r#"{"to": "2027-02-29"}"#, "to"),
            ("getActivity", r#"{"to": 5}"#, "to"),
            ("getActivity", r#"{"day": "2027-02-28"}"#, "day"),
            ("getActivity", "[]", "options"),
            ("getRetention", r#"{"days": [0]}"#, "days"),
            ("getRetention", r#"{"days": 7}"#, "days"),
            ("getRetention", r#"{"cohorts": 500}"#, "cohorts"),
            ("getEconomy", r#"{"currency": "gold"}"#, "currency"),
            ("getEconomy", r#"{"limit": 101}"#, "limit"),
            ("getRevenue", r#"{"currency": "usd"}"#, "currency"),
            ("getTopEvents", r#"{"limit": []}"#, "limit"),
        ] {
            let error = read(method, options).expect_err(options);
            assert!(error.starts_with(&format!("{field}: ")), "{error}");
        }
    }
}
