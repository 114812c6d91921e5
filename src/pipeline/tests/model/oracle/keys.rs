//! Events with a key, and purchases: what is stored of them is marked and counted as it is.

use super::{Look, Verdict};
use crate::pipeline::tests::model::scenario::KEYS;
use crate::pipeline::tests::model::server::Daily;
use crate::pipeline::tests::model::truth::{KEYED, KEYED_EVENT, digit, is_purchase};
use crate::record::key::document_id;

impl Look<'_> {
    pub fn purchases_are_marked_as_they_are_stored(&self) -> Verdict {
        for (key, marker) in self.state.keys.iter() {
            let purchase = self.state.purchases.get(&document_id(KEYED_EVENT, key));
            let stored = purchase.map(|one| (&one.day, one.amount));
            let is_right = stored == Some((&marker.day, marker.amount));
            if is_purchase(key.parse().expect("a number")) && !is_right {
                return Err(format!("{marker:?} marks a purchase: {purchase:?}"));
            }
        }
        Ok(())
    }

    /// What is stored with a key is in the total of its day, or not at all.
    pub fn keyed_totals_do_not_lead(&self, day: &str, daily: &Daily) -> Verdict {
        let total = daily.total(KEYED);
        let counted = |key: &u8| digit(total, *key);
        let sum: f64 = (0..KEYS).map(|key| counted(&key)).sum();
        let is_stored = |key: u8| {
            let stored = self
                .keyed
                .get(&key)
                .filter(|event| event.day.as_str() == day);
            stored.and_then(|event| event.amount) == Some(counted(&key))
        };
        let is_right = |key: u8| counted(&key) == 0.0 || is_stored(key);
        match sum == total && (0..KEYS).all(is_right) {
            true => Ok(()),
            false => Err(format!(
                "{total} of {day} is not what is stored with keys: {:?}",
                self.keyed
            )),
        }
    }

    /// Of what is stored with a key no more is missing than a process that died and made its marker had not
    /// settled; or a backup took it away.
    pub fn keyed_events_are_totalled(&self) -> Verdict {
        for (key, event) in &self.keyed {
            let daily = self.state.days.get(event.day.as_str());
            let counted = daily.map_or(0.0, |daily| digit(daily.total(KEYED), *key));
            let mut dead = self.truth.dead().filter(|(_, left)| *left > 0);
            let has_delivered = |process: usize| {
                let mut records = self.truth.records.iter();
                records.any(|one| one.process == process && one.key() == Some(*key))
            };
            let is_excused = dead.any(|(process, _)| has_delivered(process));
            let is_left_out = self.truth.is_restored || self.truth.is_clashed;
            if counted == 0.0 && !is_excused && !is_left_out {
                return Err(format!("not totalled under the key {key}: {event:?}"));
            }
        }
        Ok(())
    }
}
