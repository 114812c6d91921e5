//! Options and environment variables, each read once and checked. An error names the one that it is about.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::ConfigError;

pub const KIB: u64 = 1024;
pub const MIB: u64 = 1024 * KIB;

/// A JSON object; `what` names it in the error.
pub fn object(what: &str, json: &str) -> Result<Map<String, Value>, ConfigError> {
    match serde_json::from_str(json) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(ConfigError::new(what, "must be an object")),
    }
}

/// A text and the option or variable it was read from, as the user wrote its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub field: &'static str,
    pub text: String,
}

/// Options are removed as they are read, so that what remains is unknown.
pub struct Source {
    options: Map<String, Value>,
    env: Map<String, Value>,
}

impl Source {
    pub fn new(options: Map<String, Value>, env: Map<String, Value>) -> Self {
        Self { options, env }
    }

    /// Names of the options that were not read.
    pub fn unread(self) -> impl Iterator<Item = String> {
        self.options.into_iter().map(|(name, _)| name)
    }

    pub fn option(&mut self, name: &str) -> Option<Value> {
        self.options.remove(name).filter(|value| !value.is_null())
    }

    /// An environment variable; an empty one counts as not set.
    pub fn variable(&self, name: &str) -> Option<String> {
        let value = self.env.get(name)?.as_str()?;
        (!value.is_empty()).then(|| value.to_owned())
    }

    pub fn text(
        &mut self,
        name: &'static str,
        env: &'static str,
    ) -> Result<Option<Text>, ConfigError> {
        let (field, text) = match self.option(name) {
            Some(Value::String(text)) if !text.is_empty() => (name, Some(text)),
            Some(_) => return Err(ConfigError::new(name, "must be a string that is not empty")),
            None => (env, self.variable(env)),
        };
        Ok(text.map(|text| Text { field, text }))
    }

    pub fn integer(
        &mut self,
        name: &str,
        env: Option<&str>,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let (source, value) = match (self.option(name), env) {
            (Some(value), _) => (name, Some(whole_number(&value))),
            (None, Some(env)) => (env, self.variable(env).map(|text| text.trim().parse().ok())),
            (None, None) => (name, None),
        };
        within(&range, value.unwrap_or(Some(default)))
            .map_err(|problem| ConfigError::new(source, problem))
    }

    pub fn millis(
        &mut self,
        name: &str,
        env: Option<&str>,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<Duration, ConfigError> {
        self.integer(name, env, default, range)
            .map(Duration::from_millis)
    }

    /// Whether the second of these words was chosen; the first is the default.
    pub fn choice(
        &mut self,
        name: &'static str,
        env: &'static str,
        [usual, other]: [&str; 2],
    ) -> Result<bool, ConfigError> {
        match self.text(name, env)? {
            Some(Text { field, text }) if text != usual && text != other => {
                let problem = format!("must be '{usual}' or '{other}'");
                Err(ConfigError::new(field, problem))
            }
            given => Ok(given.is_some_and(|given| given.text == other)),
        }
    }

    /// A text that `is_valid` accepts.
    pub fn checked(
        &mut self,
        name: &'static str,
        env: &'static str,
        is_valid: fn(&str) -> bool,
        problem: &str,
    ) -> Result<Option<String>, ConfigError> {
        match self.text(name, env)? {
            Some(Text { field, text }) if !is_valid(&text) => Err(ConfigError::new(field, problem)),
            given => Ok(given.map(|given| given.text)),
        }
    }
}

/// The value, or what is expected of it.
pub fn within(range: &RangeInclusive<u64>, value: Option<u64>) -> Result<u64, String> {
    let (min, max) = (range.start(), range.end());
    let problem = || format!("must be a whole number from {min} to {max}");
    value
        .filter(|value| range.contains(value))
        .ok_or_else(problem)
}

/// A number that JavaScript shows without a fraction.
pub fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        (float.fract() == 0.0 && (0.0..9e15).contains(&float)).then_some(float as u64)
    })
}
