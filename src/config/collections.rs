//! Names of the collections; the defaults are those that mongoose derives from the model names.

use std::collections::BTreeSet;

use serde_json::Value;

use super::error::ConfigError;
use super::source::Source;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collections {
    pub sessions: String,
    pub daily: String,
    pub events: String,
    pub uniques: String,
    pub reports: String,
    pub players: String,
    pub purchases: String,
}

/// One of the collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Collection {
    Events,
    Sessions,
    Daily,
    Uniques,
    Purchases,
}

impl Collection {
    pub const ALL: [Collection; 5] = [
        Collection::Events,
        Collection::Sessions,
        Collection::Daily,
        Collection::Uniques,
        Collection::Purchases,
    ];

    /// Its key in the options.
    pub fn key(self) -> &'static str {
        match self {
            Collection::Events => "events",
            Collection::Sessions => "sessions",
            Collection::Daily => "daily",
            Collection::Uniques => "uniques",
            Collection::Purchases => "purchases",
        }
    }
}

impl Collections {
    pub fn name(&self, collection: Collection) -> &str {
        match collection {
            Collection::Events => &self.events,
            Collection::Sessions => &self.sessions,
            Collection::Daily => &self.daily,
            Collection::Uniques => &self.uniques,
            Collection::Purchases => &self.purchases,
        }
    }
}

impl Default for Collections {
    fn default() -> Self {
        Self {
            sessions: "gsosessions".into(),
            daily: "gsodailies".into(),
            events: "gsoevents".into(),
            uniques: "gsouniques".into(),
            reports: "gsoreports".into(),
            players: "gsoplayers".into(),
            purchases: "gsopurchases".into(),
        }
    }
}

impl Collections {
    pub(super) fn read(source: &mut Source) -> Result<Self, ConfigError> {
        let mut names = Self::default();
        let mut given = match source.option("collections") {
            None => return Ok(names),
            Some(Value::Object(map)) => map,
            Some(_) => return Err(ConfigError::new("collections", "must be an object")),
        };
        let mut all = [
            ("sessions", &mut names.sessions),
            ("daily", &mut names.daily),
            ("events", &mut names.events),
            ("uniques", &mut names.uniques),
            ("reports", &mut names.reports),
            ("players", &mut names.players),
            ("purchases", &mut names.purchases),
        ];
        for (key, name) in &mut all {
            match given.remove(*key) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) if is_collection_name(&text) => **name = text,
                Some(_) => {
                    let problem = "must be the name of a collection: 1 to 191 bytes, no $, no NUL, no \
                                   dot at an end, not below system.";
                    return Err(ConfigError::new(format!("collections.{key}"), problem));
                }
            }
        }
        let different: BTreeSet<&str> = all.iter().map(|(_, name)| name.as_str()).collect();
        if different.len() < all.len() {
            let problem = "must have different names";
            return Err(ConfigError::new("collections", problem));
        }
        if let Some(key) = given.keys().next() {
            let problem = "is not known; the collections are sessions, daily, events, uniques, \
                           reports, players and purchases";
            return Err(ConfigError::new(format!("collections.{key}"), problem));
        }
        Ok(names)
    }
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
