//! Entries: where a writer stands in the daily documents, as far as this process knows.

use std::collections::HashMap;

use super::writer::Writer;
use crate::record::day::Day;

#[derive(Clone)]
pub struct Entries {
    /// Nobody has used the name of the writer before.
    is_new: bool,
    days: HashMap<Day, DayEntry>,
}

#[derive(Debug, Clone, Copy)]
pub struct DayEntry {
    /// The last record of ours that is applied to the day.
    pub previous: Option<i64>,
    /// False until it was looked up, where others may have written under the id.
    pub is_known: bool,
    /// Known from another database, which this one may hold nothing of.
    pub is_from_elsewhere: bool,
}

impl Entries {
    /// Of a writer that has not added anything here yet.
    pub fn of(writer: &Writer) -> Self {
        Self {
            is_new: writer.is_new,
            days: HashMap::new(),
        }
    }

    /// The entry of a day that is to be added to.
    pub fn of_day(&mut self, day: &Day) -> DayEntry {
        let is_known = self.is_new;
        *self.days.entry(day.clone()).or_insert(DayEntry {
            previous: None,
            is_known,
            is_from_elsewhere: false,
        })
    }

    /// The last record of ours that is applied to a day, if one is known.
    pub fn previous(&self, day: &Day) -> Option<i64> {
        self.days.get(day).and_then(|entry| entry.previous)
    }

    /// A day holds the records up to this one.
    pub fn move_to(&mut self, day: &Day, applied_seq: Option<i64>) {
        let entry = DayEntry {
            previous: applied_seq,
            is_known: true,
            is_from_elsewhere: false,
        };
        self.days.insert(day.clone(), entry);
    }

    /// The database is left for another.
    pub fn take_elsewhere(&mut self) {
        let entries = self.days.values_mut();
        entries.for_each(|entry| entry.is_from_elsewhere = true);
    }
}
