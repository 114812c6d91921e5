//! Purchases: one document per event that says that something was paid, kept for ever. None ever changes.

use bson::oid::ObjectId;

use super::Reply;
use super::records::Inserted;
use crate::record::day::Day;
use crate::record::elements::names_of;
use crate::record::item::Event;
use crate::record::purchase::Price;

pub trait PurchaseStore {
    /// Inserts purchases; those already there stay as they are.
    fn insert_purchases(&self, purchases: &[Purchase]) -> impl Reply<Inserted>;

    /// What is stored of those of these purchases that have a dedupe key, as far as a majority knows them; a
    /// collation may give those of other keys as well.
    fn find_purchases(&self, wanted: &[Purchase]) -> impl Reply<Vec<KeyedPurchase>>;
}

#[derive(Debug, Clone, PartialEq)]
pub struct Purchase {
    /// The `_id` of the event.
    pub document: ObjectId,
    pub event: String,
    /// The dedupe key of the event, which identifies the purchase then.
    pub key: Option<String>,
    pub user: Option<String>,
    pub price: Price,
    pub day: Day,
    pub time_ms: i64,
    /// What an event with a key adds to a total.
    pub amount: Option<f64>,
}

/// What is stored of a purchase with a key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyedPurchase {
    /// The `_id` of the event.
    pub document: ObjectId,
    /// `None` where it cannot be read, as the time.
    pub day: Option<Day>,
    pub time_ms: Option<i64>,
    pub amount: Option<f64>,
}

#[cfg(test)]
impl From<&Purchase> for KeyedPurchase {
    fn from(purchase: &Purchase) -> Self {
        Self {
            document: purchase.document,
            day: Some(purchase.day.clone()),
            time_ms: Some(purchase.time_ms),
            amount: purchase.amount,
        }
    }
}

impl Purchase {
    /// The purchase that an event is, if it is one.
    pub fn of(event: &Event<'_>) -> Option<Purchase> {
        let price = event.price?;
        let (user, name) = names_of(event.elements);
        Some(Purchase {
            price,
            document: event.document?,
            event: name?.to_owned(),
            key: event.key.map(|keyed| keyed.key.to_owned()),
            user: user.map(str::to_owned),
            day: event.day.clone(),
            time_ms: event.time_ms,
            amount: event.key.and(event.counted).map(|(_, amount)| amount),
        })
    }
}
