//! The status of the database that is written to, as `getHealth()` reports it.

use std::collections::BTreeMap;

use crate::config::Collection;
use crate::util::clock::system_ms;

#[derive(Debug, Clone, Default)]
pub struct DatabaseStatus {
    /// The last request succeeded, or the server has answered it.
    pub connected: bool,
    /// Why totals cannot be added.
    pub blocked: Option<String>,
    /// The collections that refuse requests, whatever these hold.
    pub refused: BTreeMap<Collection, Refusal>,
    pub history: History,
}

/// Why a collection refuses requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// System clock, ms since 1970.
    pub since_ms: u64,
    /// The server's code.
    pub code: Option<i32>,
    /// The action for which the user of the connection lacks a privilege.
    pub missing_privilege: Option<String>,
    /// Without secrets.
    pub message: String,
}

impl DatabaseStatus {
    /// A collection refuses a request; it may have done so before.
    pub fn refuse(
        &mut self,
        collection: Collection,
        code: Option<i32>,
        missing_privilege: Option<String>,
        message: String,
    ) {
        let since_ms = self.refused.get(&collection).map(|before| before.since_ms);
        let refusal = Refusal {
            since_ms: since_ms.unwrap_or_else(|| system_ms() as u64),
            code,
            missing_privilege,
            message,
        };
        self.refused.insert(collection, refusal);
        // It was the server that answered.
        self.connected = true;
    }

    /// Whether totals are not added.
    pub fn are_totals_blocked(&self) -> bool {
        let refuses = |collection| self.refused.contains_key(&collection);
        self.blocked.is_some() || refuses(Collection::Daily) || refuses(Collection::Uniques)
    }
}

/// Whether totals are added; the names are part of the public interface.
pub const TOTALS_STATES: [&str; 2] = ["ok", "blocked"];

/// How the summing up of the sessions that were stored before stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct History {
    pub state: HistoryState,
    /// Days of the month with such sessions, those of them that are summed up, and all.
    pub days_done: u32,
    pub days_total: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum HistoryState {
    #[default]
    None,
    Building,
    Done,
}

/// The names of [`HistoryState`] in the public interface, in its order.
pub const HISTORY_STATES: [&str; 3] = ["none", "building", "done"];

impl HistoryState {
    pub fn name(self) -> &'static str {
        HISTORY_STATES[self as usize]
    }
}
