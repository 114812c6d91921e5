//! Markers of dedupe keys: one per name of an event and key. It says which delivery of the event counts, and
//! with what. A marker never changes.

use bson::oid::ObjectId;

use super::Reply;
use super::records::Inserted;
use crate::record::day::Day;

/// A redelivery is recognised for so long after the event was counted.
pub const KEY_TTL_MS: i64 = 90 * 86_400_000;

/// A delivery that nobody knows any more.
pub const UNKNOWN_DELIVERY: ObjectId = ObjectId::from_bytes([0; 12]);

pub trait KeyStore {
    /// Those of these markers that are there, as a majority knows them; who has made each may be another.
    fn find_keys(&self, wanted: &[KeyMarker]) -> impl Reply<Vec<KeyMarker>>;

    /// Inserts markers; those already there stay as they are. The server may delete them after [`KEY_TTL_MS`] by
    /// its own clock: that of the host may be wrong by more.
    fn insert_keys(&self, markers: &[KeyMarker]) -> impl Reply<Inserted>;

    /// What is stored of the events with these `_id`s, as far as a majority knows them.
    fn find_keyed_events(&self, ids: &[ObjectId]) -> impl Reply<Vec<KeyedEvent>>;
}

#[derive(Debug, Clone, PartialEq)]
pub struct KeyMarker {
    pub event: String,
    pub key: String,
    /// The delivery that made it.
    pub delivery: ObjectId,
    /// The day on which the event counts, and its amount, if it adds to a total.
    pub day: Day,
    pub amount: Option<f64>,
}

/// What is stored of an event with a key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyedEvent {
    pub id: ObjectId,
    /// `None` where it cannot be read.
    pub day: Option<Day>,
    pub amount: Option<f64>,
}
