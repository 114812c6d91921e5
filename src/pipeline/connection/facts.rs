//! Facts about the collections that may stop being true while they are used: that they have their indexes, and
//! that markers and baselines are there that this process has written or read.
//!
//! A collection that was dropped, renamed or restored is another one: it has another UUID. So the server is
//! asked for the UUIDs beside writes, every two seconds at most, and at once where a day was found to be gone.
//! Where it does not tell them, as where the user lacks the right, only such a day is a sign.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Collection;
use crate::instance::listener::Level;
use crate::store::{Identities, Result, Store};

/// How often the server is asked at most.
const EVERY: Duration = Duration::from_secs(2);
pub type Lines = Vec<(Level, String)>;

/// A pass that has made the indexes.
pub struct Indexed {
    pub lines: Lines,
    /// Those whose indexes it has made.
    of: BTreeSet<Collection>,
    /// The collections before and after it.
    identities: [Option<Identities>; 2],
}

#[derive(Default)]
pub struct Facts {
    /// The collections that were seen last, as far as the server tells.
    seen: Option<Identities>,
    /// Those that are not what they were, or may not be.
    changed: BTreeSet<Collection>,
    /// When the server is to be asked.
    due: Option<Instant>,
    asked: Option<Instant>,
    is_suspected: bool,
}

impl Facts {
    /// Something was written, to a collection that may be another one by now.
    pub fn written(&mut self, now: Instant) {
        if self.seen.is_some() && self.due.is_none() {
            self.due = Some(self.asked.map_or(now, |asked| now.max(asked + EVERY)));
        }
    }

    /// A day that was there is gone.
    pub fn suspect(&mut self, now: Instant) {
        self.due = Some(now);
        self.is_suspected = true;
    }

    /// Whether the server is to be asked now; it is then.
    pub fn begin(&mut self, now: Instant) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            self.due = None;
            self.asked = Some(now);
        }
        is_due
    }

    /// The server was asked in vain. Nothing else may be written that would make it be asked again.
    pub fn failed(&mut self, now: Instant) {
        self.due = Some(now + EVERY);
    }

    /// When the server is to be asked.
    pub fn wake_at(&self) -> Option<Instant> {
        self.due
    }

    /// The collections that are there now; returns whether any is not the one that was there.
    pub fn look(&mut self, found: Option<Identities>) -> bool {
        let is_suspected = std::mem::take(&mut self.is_suspected);
        match found {
            Some(found) => {
                self.see(Some(found));
                !self.changed.is_empty()
            }
            None => is_suspected,
        }
    }

    /// The collections have their indexes, and what was lost is there again; returns those of which that may hold no
    /// more.
    pub fn restored(&mut self, indexed: Indexed) -> BTreeSet<Collection> {
        self.changed.retain(|one| !indexed.of.contains(one));
        let is_first = self.seen.is_none();
        let [before, after] = indexed.identities;
        let [old, new] = [&before, &after].map(|one| one.clone().unwrap_or_default());
        let mut again: BTreeSet<Collection> = differing(&old, &new).collect();
        if is_first && !again.is_empty() {
            // One that a new database lacks now may have been there in the middle of the pass.
            again = indexed.of;
        }
        self.see(before);
        let known = self.seen.clone().unwrap_or_default();
        self.see(after);
        if is_first {
            // Those of a new database appear. They are looked at again, but nothing can have been lost of them.
            self.changed.retain(|one| known.contains_key(one));
        }
        again.extend(&self.changed);
        again
    }

    /// A pass failed. If it was the first one, nobody saw which collections there were: one with markers may be gone.
    pub fn pass_failed(&mut self) {
        if self.seen.is_none() {
            self.changed.insert(Collection::Uniques);
        }
    }

    /// One that appears may have been dropped since it was written to.
    fn see(&mut self, found: Option<Identities>) {
        if let (Some(seen), Some(found)) = (&self.seen, &found) {
            self.changed.extend(differing(seen, found));
        }
        self.seen = found;
    }

    pub fn has_changed(&self, collection: Collection) -> bool {
        self.changed.contains(&collection)
    }

    pub fn changed(&self) -> &BTreeSet<Collection> {
        &self.changed
    }
}

/// The collections that are not the same in both.
fn differing<'a>(
    one: &'a Identities,
    other: &'a Identities,
) -> impl Iterator<Item = Collection> + 'a {
    let all = one.keys().chain(other.keys()).copied();
    all.filter(|of| one.get(of) != other.get(of))
}

/// Makes the indexes of these collections; those of purchases only where this process, or another one, has stored
/// any: a host without them needs no right on their collection.
pub async fn make_indexes<S: Store>(
    store: &Arc<S>,
    of: BTreeSet<Collection>,
    has_purchases: bool,
) -> Result<Indexed> {
    let before = store.identities().await?;
    let is_there = |found: &Identities| found.contains_key(&Collection::Purchases);
    let mut needed = of.clone();
    if !has_purchases && !before.as_ref().is_some_and(is_there) {
        needed.remove(&Collection::Purchases);
    }
    let lines = store.create_indexes(&needed).await?;
    let after = store.identities().await?;
    Ok(Indexed {
        lines,
        of,
        identities: [before, after],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identities(ids: &[(Collection, u8)]) -> Identities {
        ids.iter().map(|(one, id)| (*one, [*id; 16])).collect()
    }

    fn pass(before: &[(Collection, u8)], after: &[(Collection, u8)]) -> Indexed {
        Indexed {
            lines: Vec::new(),
            of: Collection::ALL.into(),
            identities: [Some(identities(before)), Some(identities(after))],
        }
    }

    fn of<const N: usize>(all: [Collection; N]) -> BTreeSet<Collection> {
        all.into()
    }

    fn facts(ids: &[(Collection, u8)]) -> Facts {
        let mut facts = Facts::default();
        assert_eq!(facts.restored(pass(ids, ids)), of([]));
        facts
    }

    #[test]
    fn a_collection_has_changed_when_it_appears_is_missing_or_another_one() {
        use Collection::{Daily, Events, Sessions, Uniques};
        let mut facts = facts(&[(Events, 1), (Daily, 2), (Uniques, 3)]);
        let more = [(Events, 1), (Daily, 2), (Uniques, 3), (Sessions, 4)];
        assert!(facts.look(Some(identities(&more))) && facts.has_changed(Sessions));
        assert_eq!(facts.restored(pass(&more, &more)), of([]));
        assert!(!facts.look(Some(identities(&more))));
        assert!(facts.look(Some(identities(&[(Events, 9), (Daily, 2), (Sessions, 4)]))));
        assert!(
            facts.has_changed(Events) && facts.has_changed(Uniques) && !facts.has_changed(Daily)
        );
        let again = [(Events, 9), (Daily, 2), (Uniques, 8), (Sessions, 4)];
        assert_eq!(facts.restored(pass(&again, &again)), of([Uniques]));
        assert_eq!(facts.restored(pass(&again, &again)), of([]));
        assert!(!facts.has_changed(Events));
    }

    #[test]
    fn a_pass_counts_only_when_it_ends_with_the_collections_that_it_began_with() {
        use Collection::{Daily, Uniques};
        let mut facts = Facts::default();
        let made = facts.restored(pass(&[], &[(Daily, 1), (Uniques, 2)]));
        assert_eq!(made, of(Collection::ALL));
        let dropped = [(Daily, 1)];
        assert_eq!(facts.restored(pass(&dropped, &dropped)), of([Uniques]));
        assert!(facts.has_changed(Uniques));
        let whole = [(Daily, 1), (Uniques, 3)];
        assert_eq!(facts.restored(pass(&whole, &whole)), of([Uniques]));
        assert_eq!(facts.restored(pass(&whole, &whole)), of([]));
    }

    #[test]
    fn a_pass_for_one_collection_leaves_what_has_changed_of_others() {
        use Collection::{Purchases, Uniques};
        let mut facts = facts(&[(Uniques, 1)]);
        let swapped = [(Uniques, 2), (Purchases, 1)];
        assert!(facts.look(Some(identities(&swapped))));
        let of_purchases = Indexed {
            of: of([Purchases]),
            ..pass(&swapped, &swapped)
        };
        assert_eq!(facts.restored(of_purchases), of([Uniques]));
        assert_eq!(facts.restored(pass(&swapped, &swapped)), of([]));
    }

    #[test]
    fn nothing_was_lost_of_the_collections_that_the_first_pass_makes() {
        use Collection::{Daily, Uniques};
        let whole = [(Daily, 1), (Uniques, 2)];
        let mut facts = Facts::default();
        assert_eq!(facts.restored(pass(&[], &whole)), of(Collection::ALL));
        assert!(!facts.has_changed(Uniques));
        assert_eq!(facts.restored(pass(&whole, &whole)), of([]));
        let mut facts = Facts::default();
        assert_eq!(
            facts.restored(pass(&[(Uniques, 1)], &whole)),
            of(Collection::ALL)
        );
        assert!(facts.has_changed(Uniques) && !facts.has_changed(Daily));
    }

    #[test]
    fn markers_may_be_lost_until_a_pass_has_ended_well() {
        use Collection::{Daily, Uniques};
        let mut facts = Facts::default();
        facts.pass_failed();
        assert!(facts.has_changed(Uniques));
        let dropped = [(Daily, 1)];
        assert_eq!(facts.restored(pass(&dropped, &dropped)), of([]));
        facts.pass_failed();
        assert!(!facts.has_changed(Uniques));
    }

    #[test]
    fn the_server_is_asked_beside_writes_every_two_seconds_and_at_once_when_a_day_is_gone() {
        let start = Instant::now();
        let mut facts = facts(&[]);
        assert!(!facts.begin(start));
        facts.written(start);
        assert!(facts.begin(start) && !facts.begin(start));
        facts.written(start + EVERY / 4);
        assert!(!facts.begin(start + EVERY / 2));
        assert_eq!(facts.wake_at(), Some(start + EVERY));
        facts.suspect(start + EVERY / 2);
        assert!(facts.begin(start + EVERY / 2));
    }

    #[test]
    fn the_server_is_asked_again_when_it_was_asked_in_vain() {
        let start = Instant::now();
        for mut facts in [facts(&[]), Facts::default()] {
            facts.suspect(start);
            assert!(facts.begin(start));
            facts.failed(start);
            assert!(!facts.begin(start) && facts.begin(start + EVERY));
            assert!(facts.look(None), "the day is still gone");
        }
    }

    #[test]
    fn a_server_that_does_not_tell_is_asked_only_when_a_day_is_gone() {
        let start = Instant::now();
        let mut facts = Facts::default();
        facts.written(start);
        assert_eq!(facts.wake_at(), None);
        facts.suspect(start);
        assert!(facts.begin(start) && facts.look(None));
        assert!(!facts.look(None));
        assert!(!facts.has_changed(Collection::Uniques));
    }
}
