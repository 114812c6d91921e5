//! Funnels: how many users of a day come how far through a sequence of events, and how fast.
//!
//! A user belongs to the cohort of a day with every first step on that day, and reaches step k if some chain of
//! k events does; see [`chains`]. The cohorts of declared funnels are kept, so that they are known when the events are
//! gone.
//!
//! | module | responsibility |
//! |---|---|
//! | `chains` | how far one user comes |
//! | `kept` | what is stored of the cohort of a day |
//! | `keeping` | when it is computed, and when again |
//! | `query`, `answer` | `getFunnel()` |

mod answer;
mod chains;
mod keeping;
mod kept;
mod query;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

pub use answer::answer;
use chains::Chains;
pub use keeping::Subject;
pub use query::FunnelQuery;

/// The steps of a funnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// The different names of events, that of the first step first.
    pub names: Vec<String>,
    /// The name of each step, by its position among them.
    steps: Vec<u8>,
    window_ms: i64,
}

impl Steps {
    /// Of at most 256 names. The window is the longest time from the first step to any other.
    pub fn new(events: &[String], window_ms: i64) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut steps = Vec::new();
        for event in events {
            let known = names.iter().position(|name| name == event);
            let position = known.unwrap_or_else(|| {
                names.push(event.clone());
                names.len() - 1
            });
            steps.push(position as u8);
        }
        Self {
            names,
            steps,
            window_ms,
        }
    }

    /// When events of chains may happen that begin in this span.
    pub fn span(&self, begins: &Range<i64>) -> Range<i64> {
        begins.start..begins.end + self.window_ms
    }
}

/// An event whose name is that of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepEvent {
    /// Ms since 1970.
    pub at_ms: i64,
    /// A number that only this user has.
    pub user: u32,
    /// The position of its name in [`Steps::names`].
    pub name: u8,
}

/// The cohorts of several spans of time, as days. Memory is that of the users who have done the first step.
pub struct Cohorts<'a> {
    steps: &'a Steps,
    cohorts: Vec<Cohort>,
    /// The events of the newest moment.
    moment: Vec<StepEvent>,
}

struct Cohort {
    begins: Range<i64>,
    users: HashMap<u32, Chains>,
    without_user: u64,
}

/// What became of a cohort.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// For each step the shortest times of the users who reached it, ms, shortest first.
    pub times_ms: Vec<Vec<i64>>,
    /// Events of its steps, on its day, that have no user.
    pub without_user: u64,
}

impl<'a> Cohorts<'a> {
    pub fn new(steps: &'a Steps, spans: impl IntoIterator<Item = Range<i64>>) -> Self {
        let cohort = |begins| Cohort {
            begins,
            users: HashMap::new(),
            without_user: 0,
        };
        Self {
            steps,
            cohorts: spans.into_iter().map(cohort).collect(),
            moment: Vec::new(),
        }
    }

    /// Adds an event that is not earlier than those before it.
    pub fn add(&mut self, event: StepEvent) {
        if self
            .moment
            .first()
            .is_some_and(|first| first.at_ms != event.at_ms)
        {
            self.end_moment();
        }
        self.moment.push(event);
    }

    /// Counts an event that has no user.
    pub fn add_without_user(&mut self, at_ms: i64) {
        for cohort in &mut self.cohorts {
            cohort.without_user += u64::from(cohort.begins.contains(&at_ms));
        }
    }

    pub fn finish(mut self) -> Vec<Outcome> {
        self.end_moment();
        let count = self.steps.steps.len();
        self.cohorts
            .iter()
            .map(|cohort| cohort.outcome(count))
            .collect()
    }

    fn end_moment(&mut self) {
        let mut moment = std::mem::take(&mut self.moment);
        moment.sort_unstable_by_key(|event| event.user);
        for of_user in moment.chunk_by(|one, next| one.user == next.user) {
            let names: Vec<u8> = of_user.iter().map(|event| event.name).collect();
            let StepEvent { at_ms, user, .. } = of_user[0];
            for cohort in &mut self.cohorts {
                cohort.extend(user, at_ms, &names, self.steps);
            }
        }
        moment.clear();
        self.moment = moment;
    }
}

impl Cohort {
    fn extend(&mut self, user: u32, now_ms: i64, names: &[u8], steps: &Steps) {
        if !steps.span(&self.begins).contains(&now_ms) {
            return;
        }
        let may_begin = self.begins.contains(&now_ms);
        let enters = may_begin && names.contains(&0);
        if !enters && !self.users.contains_key(&user) {
            return;
        }
        let chains = self.users.entry(user).or_default();
        chains.extend(now_ms, names, may_begin, &steps.steps, steps.window_ms);
    }

    fn outcome(&self, steps: usize) -> Outcome {
        let mut times_ms = vec![Vec::new(); steps];
        for chains in self.users.values() {
            for (times, shortest) in times_ms.iter_mut().zip(chains.shortest()) {
                times.push(shortest);
            }
        }
        times_ms.iter_mut().for_each(|times| times.sort_unstable());
        Outcome {
            times_ms,
            without_user: self.without_user,
        }
    }
}

/// The median of sorted numbers, if there are any: the smallest that at least half of them do not exceed.
pub fn median(sorted: &[i64]) -> Option<i64> {
    let middle = sorted.len().div_ceil(2).checked_sub(1)?;
    Some(sorted[middle])
}
