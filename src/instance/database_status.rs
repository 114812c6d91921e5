//! The status of the database that is written to, as `getHealth()` reports it.

#[derive(Debug, Clone, Default)]
pub struct DatabaseStatus {
    /// The last request succeeded.
    pub connected: bool,
    /// Why totals cannot be added.
    pub blocked: Option<String>,
    pub history: History,
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
