//! What the primary holds, what a majority holds, and what majority reads see of that.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use super::server::State;

/// Older states that a new primary may still believe to be the newest that a majority holds.
const REMEMBERED: usize = 24;

pub struct Views {
    pub current: State,
    committed: State,
    before: VecDeque<State>,
    /// What reads see until then, just after an election.
    behind: Option<(State, Instant)>,
}

impl Views {
    pub fn new(state: State) -> Self {
        Self {
            current: state.clone(),
            committed: state,
            before: VecDeque::new(),
            behind: None,
        }
    }

    /// What a majority holds, and no election takes back.
    pub fn committed(&self) -> &State {
        &self.committed
    }

    /// What a read with concern `majority` sees.
    pub fn majority(&self) -> &State {
        match &self.behind {
            Some((state, until)) if Instant::now() < *until => state,
            _ => &self.committed,
        }
    }

    /// Whether such a read sees less than what the primary holds.
    pub fn lag(&self) -> bool {
        *self.majority() != self.current
    }

    /// A majority holds everything up to now, and the primary knows.
    pub fn commit(&mut self) {
        self.behind = None;
        let before = std::mem::replace(&mut self.committed, self.current.clone());
        self.before.push_front(before);
        self.before.truncate(REMEMBERED);
    }

    /// Puts the daily documents back to what they were; the records that they held since.
    pub fn restore_days(&mut self, back: usize) -> BTreeSet<i32> {
        let held = records(&self.current);
        if let Some(state) = self.before.get(back).or(self.before.back()) {
            self.current.days = Arc::clone(&state.days);
        }
        self.commit();
        self.before.clear();
        held.difference(&records(&self.current)).copied().collect()
    }

    /// Another server becomes primary; whether it takes something back.
    pub fn fail_over(&mut self, behind: usize, until: Instant) -> bool {
        let takes_back = self.current != self.committed;
        self.current = self.committed.clone();
        let back = behind.checked_sub(1);
        let seen = back.and_then(|back| self.before.get(back).or(self.before.back()));
        self.behind = seen.map(|state| (state.clone(), until));
        takes_back
    }
}

fn records(state: &State) -> BTreeSet<i32> {
    let days = state.days.values();
    days.flat_map(|daily| daily.records.iter().copied())
        .collect()
}
