//! Events with a dedupe key: of all deliveries of one event, in any process, one is stored and counts.
//!
//! The marker of a key says which delivery counts, on which day and with what amount. It is made after the
//! event is stored: a process that dies in between leaves an event that the next delivery finds, and counts.
//! A marker that came first would make that delivery be dropped, and the event be nowhere. The steps, each
//! of which can be repeated:
//!
//! * **P** The markers are read. An event whose marker another delivery has made is recognised and done.
//!   Purchases are inserted meanwhile. Of one that is there already, what is stored is read, and counts: the
//!   event itself may have expired.
//! * **A** Events are inserted, under an `_id` that follows from name and key. Of one that is there already,
//!   another delivery has stored it: what it has stored is read, for that is what counts.
//! * **M** Markers are inserted. One that is there already is read back: its delivery counts.
//! * **C** Only the delivery of the marker adds to the totals.

use std::collections::{HashMap, HashSet};
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

use bson::oid::ObjectId;

use super::batches::Written;
use super::keyed_batch::{KeyedBatch, KeyedItem, Outcome};
use super::purchases::{self, Recorded, refused};
use crate::pipeline::totals::{Amount, Contribution};
use crate::record::document::Batch as Documents;
use crate::store::{
    Fault, KEY_TTL_MS, KeyMarker, KeyedPurchase, Purchase, Result, Store, StoreError,
    UNKNOWN_DELIVERY,
};
use crate::util::failpoint::failpoint;

const MERGED: &str = "its collation takes two dedupe keys for the same";
const UNSEEN: &str = "the marker of its dedupe key is there and cannot be read";
/// Attempts at a batch, in about a minute, to which the database does not show what is there. It is not waited for
/// any longer then.
const MOST_UNSEEN: u32 = 40;

/// Stores events, and finds out which of them count; can be repeated until it succeeds.
pub async fn write_keyed<S: Store>(store: &S, batch: &KeyedBatch) -> Result<Written> {
    let items = &batch.items;
    let mut markers = Markers::new(batch);
    failpoint!("keyed:before");
    let mut written = Written {
        purchases: look_up_and_record(store, &mut markers).await?,
        ..Written::default()
    };
    let fresh = markers.unknown();
    if !fresh.is_empty() {
        let mut stored_before = insert_events(store, &markers, &fresh, &mut written).await?;
        failpoint!("keyed:inserted");
        stored_before.retain(|place| !markers.recorded.contains_key(place));
        if !stored_before.is_empty() {
            adopt(store, &stored_before, &mut markers).await?;
        }
        markers.make(store, &mut written).await?;
        failpoint!("keyed:marked");
    }
    written.is_unreadable = markers.is_unreadable;
    written.dropped.sort_unstable_by_key(|(place, _)| *place);
    let dropped: HashSet<usize> = written.dropped.iter().map(|(place, _)| *place).collect();
    let kept = (0..items.len()).filter(|place| !dropped.contains(place));
    let outcomes = kept
        .map(|place| markers.outcome(place))
        .collect::<Result<Vec<_>>>()?;
    written.keyed = outcomes;
    Ok(written)
}

/// Reads the markers, and stores the purchases.
async fn look_up_and_record<S: Store>(store: &S, markers: &mut Markers<'_>) -> Result<Recorded> {
    let items = markers.items;
    let with_purchase = (0..items.len()).filter(|place| items[*place].purchase.is_some());
    let places: Vec<usize> = with_purchase.collect();
    let of_items = items.iter().filter_map(|item| item.purchase.clone());
    let of_items: Vec<Purchase> = of_items.collect();
    let all = markers.unknown();
    let (looked_up, recorded) = tokio::join!(
        markers.look_up(store, &all),
        purchases::insert(store, &of_items)
    );
    looked_up?;
    let mut recorded = recorded?;
    let there = recorded.there.iter().filter_map(|index| places.get(*index));
    let there = there.filter(|place| !markers.known.contains_key(place));
    let there: Vec<usize> = there.copied().collect();
    if !there.is_empty() {
        let merged = match adopt_purchases(store, &there, markers).await? {
            Ok(merged) => merged,
            Err(refusal) => {
                recorded.refusal = recorded.refusal.or(Some(refusal));
                0
            }
        };
        if merged > 0 {
            recorded.stored -= merged;
            recorded.lost += merged;
            recorded.refusal = Some(StoreError::new(Fault::Content, MERGED));
        }
    }
    Ok(recorded)
}

/// Others have stored these purchases: what they have stored counts. They may have made their markers, too.
/// Returns how many are not there but in the place of another key, or why they cannot be read.
async fn adopt_purchases<S: Store>(
    store: &S,
    places: &[usize],
    markers: &mut Markers<'_>,
) -> Result<Result<usize>> {
    let items = markers.items;
    let wanted = places
        .iter()
        .filter_map(|place| items[*place].purchase.clone());
    let wanted: Vec<Purchase> = wanted.collect();
    let look_up = markers.look_up(store, places);
    let stored = refused(|| store.find_purchases(&wanted));
    let (stored, looked_up) = tokio::join!(stored, look_up);
    looked_up?;
    let stored = match stored? {
        Ok(stored) => stored,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let stored: HashMap<_, _> = stored.into_iter().map(|one| (one.document, one)).collect();
    let mut merged = 0;
    for (place, purchase) in places.iter().zip(&wanted) {
        if let Some(purchase) = stored.get(&purchase.document) {
            markers.adopt(*place, purchase);
            continue;
        }
        // By itself: what another key has in its place may be that of one that was asked for as well.
        let alone = slice::from_ref(purchase);
        let found = match refused(|| store.find_purchases(alone)).await? {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match found.iter().find(|one| one.document == purchase.document) {
            Some(purchase) => markers.adopt(*place, purchase),
            None if found.is_empty() => markers.unseen("purchase")?,
            None => merged += 1,
        }
    }
    Ok(Ok(merged))
}

/// Returns the places of events that were there already.
async fn insert_events<S: Store>(
    store: &S,
    markers: &Markers<'_>,
    places: &[usize],
    written: &mut Written,
) -> Result<Vec<usize>> {
    let mut documents = Documents::default();
    for place in places {
        let item = &markers.items[*place];
        let KeyMarker { day, amount, .. } = &markers.own[*place];
        let (id, elements) = (item.document, &item.elements);
        let time_ms = *markers.recorded.get(place).unwrap_or(&item.time_ms);
        documents.add_keyed_event(id, elements, day, time_ms, *amount);
    }
    let inserted = store.insert_events(&documents).await?;
    let dropped = inserted.dropped.into_iter();
    written
        .dropped
        .extend(dropped.filter_map(|one| Some((*places.get(one.index)?, one.message))));
    let duplicates = inserted.duplicates.iter();
    Ok(duplicates
        .filter_map(|index| places.get(*index).copied())
        .collect())
}

/// Others have stored these events: what they have stored counts. They may have made their markers, too.
async fn adopt<S: Store>(store: &S, places: &[usize], markers: &mut Markers<'_>) -> Result<()> {
    let items = markers.items;
    let ids: Vec<ObjectId> = places.iter().map(|place| items[*place].document).collect();
    let look_up = markers.look_up(store, places);
    let (stored, looked_up) = tokio::join!(store.find_keyed_events(&ids), look_up);
    looked_up?;
    let stored: HashMap<_, _> = stored?.into_iter().map(|event| (event.id, event)).collect();
    for place in places {
        let Some(event) = stored.get(&items[*place].document) else {
            markers.unseen("event")?;
            continue;
        };
        markers.is_unreadable |= event.day.is_none();
        let marker = &mut markers.own[*place];
        if let Some(day) = &event.day {
            marker.day = day.clone();
        }
        // None is of a process that does not count this event.
        marker.amount = event.amount.or(marker.amount);
    }
    Ok(())
}

/// Just after an election a read may not see yet what is there, and it may expire at any time.
fn unknown(what: &str) -> StoreError {
    StoreError::transient(format!(
        "the {what} of a dedupe key is there and cannot be read yet"
    ))
}

/// The markers of the items.
struct Markers<'a> {
    items: &'a [KeyedItem],
    /// As these deliveries make them.
    own: Vec<KeyMarker>,
    /// Those that are there, by the place of the item.
    known: HashMap<usize, KeyMarker>,
    /// The times of purchases that were there.
    recorded: HashMap<usize, i64>,
    /// Something that is stored cannot be read.
    is_unreadable: bool,
    unseen: &'a AtomicU32,
}

impl<'a> Markers<'a> {
    fn new(batch: &'a KeyedBatch) -> Self {
        let items = &batch.items;
        Self {
            items,
            own: items.iter().map(|item| item.marker.clone()).collect(),
            known: HashMap::new(),
            recorded: HashMap::new(),
            is_unreadable: false,
            unseen: &batch.unseen,
        }
    }

    /// What is there is not shown: an error, unless that was so for long.
    fn unseen(&self, what: &str) -> Result<()> {
        match self.unseen.fetch_add(1, Ordering::Relaxed) < MOST_UNSEEN {
            true => Err(unknown(what)),
            false => Ok(()),
        }
    }

    fn unknown(&self) -> Vec<usize> {
        let places = 0..self.own.len();
        places
            .filter(|place| !self.known.contains_key(place))
            .collect()
    }

    /// Returns whether the collection also gave markers of other keys.
    async fn look_up<S: Store>(&mut self, store: &S, places: &[usize]) -> Result<bool> {
        let wanted: Vec<KeyMarker> = places
            .iter()
            .map(|place| self.own[*place].clone())
            .collect();
        let found = store.find_keys(&wanted).await?;
        let name = |marker: &KeyMarker| (marker.event.clone(), marker.key.clone());
        let mut found: HashMap<_, _> = found.into_iter().map(|one| (name(&one), one)).collect();
        for place in places {
            if let Some(marker) = found.get(&name(&self.own[*place])) {
                self.known.insert(*place, marker.clone());
            }
        }
        wanted.iter().for_each(|one| drop(found.remove(&name(one))));
        Ok(!found.is_empty())
    }

    /// A purchase that was stored before counts as it is stored; and not at all when the marker of its delivery
    /// may have expired since.
    fn adopt(&mut self, place: usize, purchase: &KeyedPurchase) {
        self.is_unreadable |= purchase.day.is_none() || purchase.time_ms.is_none();
        let marker = &mut self.own[place];
        if let Some(day) = &purchase.day {
            marker.day = day.clone();
        }
        marker.amount = purchase.amount.or(marker.amount);
        let delivered_ms = marker.delivery.timestamp().timestamp_millis();
        let time_ms = purchase.time_ms.unwrap_or(self.items[place].time_ms);
        self.recorded.insert(place, time_ms);
        if delivered_ms >= time_ms.saturating_add(KEY_TTL_MS) {
            let marker = KeyMarker {
                delivery: UNKNOWN_DELIVERY,
                ..marker.clone()
            };
            self.known.insert(place, marker);
        }
    }

    /// Makes the markers that are not known, but for those of dropped events.
    async fn make<S: Store>(&mut self, store: &S, written: &mut Written) -> Result<()> {
        let mut places = self.unknown();
        places.retain(|place| written.dropped.iter().all(|(dropped, _)| dropped != place));
        if places.is_empty() {
            return Ok(());
        }
        let made: Vec<KeyMarker> = places
            .iter()
            .map(|place| self.own[*place].clone())
            .collect();
        let inserted = store.insert_keys(&made).await?;
        let mut there = inserted.duplicates;
        there.sort_unstable();
        for dropped in inserted.dropped {
            let place = places.get(dropped.index);
            written
                .dropped
                .extend(place.map(|place| (*place, dropped.message)));
        }
        for (index, place) in places.iter().enumerate() {
            if there.binary_search(&index).is_err() {
                self.known.insert(*place, self.own[*place].clone());
            }
        }
        let there = there
            .into_iter()
            .filter_map(|index| places.get(index).copied());
        let there: Vec<usize> = there.collect();
        if !there.is_empty() {
            self.look_up(store, &there).await?;
        }
        for place in there {
            // By itself: the marker in its place may be that of a key that was asked for as well.
            let is_known = self.known.contains_key(&place);
            if !is_known && self.look_up(store, &[place]).await? {
                written.dropped.push((place, MERGED.to_owned()));
            } else if !self.known.contains_key(&place) {
                self.unseen("marker")?;
                written.dropped.push((place, UNSEEN.to_owned()));
            }
        }
        Ok(())
    }

    fn outcome(&self, place: usize) -> Result<Outcome> {
        let item = &self.items[place];
        let Some(marker) = self.known.get(&place) else {
            return Err(unknown("marker"));
        };
        let is_first = marker.delivery == item.marker.delivery;
        let share = item
            .counter
            .filter(|_| is_first)
            .map(|counter| Contribution {
                seq: item.seq,
                day: marker.day.clone(),
                amount: Amount::Counted(counter, marker.amount.unwrap_or(0.0)),
            });
        Ok(Outcome {
            place,
            seq: item.seq,
            is_first,
            differs: item.marker.amount.is_some()
                && marker.amount.is_some()
                && marker.amount != item.marker.amount,
            share,
        })
    }
}
