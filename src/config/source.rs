//! Options and environment variables, each read once and checked; an error names the one it came from.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Collections;
use crate::config::ConfigError;

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
    pub fn into_rest(self) -> impl Iterator<Item = String> {
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

    fn text(&mut self, name: &'static str, env: &'static str) -> Result<Option<Text>, ConfigError> {
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
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let (source, value) = match (self.option(name), env) {
            (Some(value), _) => (name, Some(whole_number(&value))),
            (None, Some(env)) => (env, self.variable(env).map(|text| text.trim().parse().ok())),
            (None, None) => (name, None),
        };
        let value = value.unwrap_or(Some(default));
        value.filter(|v| range.contains(v)).ok_or_else(|| {
            let (min, max) = (range.start(), range.end());
            ConfigError::new(
                source,
                format!("must be a whole number from {min} to {max}"),
            )
        })
    }

    pub fn millis(
        &mut self,
        name: &str,
        env: Option<&str>,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<Duration, ConfigError> {
        self.integer(name, env, default, range)
            .map(Duration::from_millis)
    }

    pub fn collections(&mut self) -> Result<Collections, ConfigError> {
        let mut names = Collections::default();
        let mut given = match self.option("collections") {
            None => return Ok(names),
            Some(Value::Object(map)) => map,
            Some(_) => return Err(ConfigError::new("collections", "must be an object")),
        };
        for (key, name) in [
            ("sessions", &mut names.sessions),
            ("daily", &mut names.daily),
            ("events", &mut names.events),
            ("uniques", &mut names.uniques),
        ] {
            match given.remove(key) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) if is_collection_name(&text) => *name = text,
                Some(_) => {
                    let problem = "must be the name of a collection: 1 to 191 bytes, no $, no NUL, no \
                                   dot at an end, not below system.";
                    return Err(ConfigError::new(format!("collections.{key}"), problem));
                }
            }
        }
        let all = [&names.sessions, &names.daily, &names.events, &names.uniques];
        if all.iter().collect::<BTreeSet<_>>().len() < all.len() {
            return Err(ConfigError::new(
                "collections",
                "must have four different names",
            ));
        }
        match given.keys().next() {
            None => Ok(names),
            Some(key) => Err(ConfigError::new(
                format!("collections.{key}"),
                "is not known; the collections are sessions, daily, events and uniques",
            )),
        }
    }

    pub fn spool_dir(&mut self) -> Result<Option<PathBuf>, ConfigError> {
        let problem = "must be the path of a folder";
        let has_no_nul = |path: &str| !path.contains('\0');
        let path = self.checked("spoolDir", "ANALYTICS_SPOOL_DIR", has_no_nul, problem)?;
        // The host may change its folder.
        let absolute = |path: String| std::path::absolute(&path).unwrap_or(path.into());
        Ok(path.map(absolute))
    }

    /// Whether memory is to do where the folder cannot be used.
    pub fn spool_fallback(&mut self) -> Result<bool, ConfigError> {
        let problem = "must be 'error' or 'memory'";
        let is_known = |text: &str| matches!(text, "error" | "memory");
        let env = "ANALYTICS_SPOOL_FALLBACK";
        let chosen = self.checked("spoolFallback", env, is_known, problem)?;
        Ok(chosen.as_deref() == Some("memory"))
    }

    pub fn database(&mut self) -> Result<Option<String>, ConfigError> {
        let problem = "must be the name of a database: at most 63 bytes, no space and none of \
                       /\\.\"$*<>:|?";
        let env = "ANALYTICS_MONGODB_DATABASE";
        self.checked("database", env, is_database_name, problem)
    }

    /// Whether the driver can read it, `store::check` says.
    pub fn uri(&mut self) -> Result<Option<Text>, ConfigError> {
        self.text("uri", "ANALYTICS_MONGODB_URI")
    }

    /// A text of a certain form; the error names the option or the variable, whichever it came from.
    fn checked(
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

pub fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        (float.fract() == 0.0 && (0.0..9e15).contains(&float)).then_some(float as u64)
    })
}

/// As MongoDB allows them on every platform.
/// <https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions>
fn is_database_name(name: &str) -> bool {
    let is_allowed = |c: char| !c.is_whitespace() && !"/\\.\"$*<>:|?\0".contains(c);
    name.len() <= 63 && name.chars().all(is_allowed)
}

/// As MongoDB allows them; database, dot and collection take at most 255 bytes together.
fn is_collection_name(name: &str) -> bool {
    let is_dotted_at_an_end = name.starts_with('.') || name.ends_with('.');
    !name.is_empty()
        && name.len() <= 255 - 64
        && !name.contains(['$', '\0'])
        && !name.starts_with("system.")
        && !is_dotted_at_an_end
}
