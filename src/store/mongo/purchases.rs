//! Purchases (`gsopurchases`).

use bson::{Bson, DateTime, Document, doc};

use super::client::{MongoStore, WRITE_TIMEOUT};
use super::cursor::collect;
use crate::config::Collection;
use crate::record::day::Day;
use crate::record::document::{number, number_in};
use crate::record::key::document_id;
use crate::store::error::{Result, StoreError};
use crate::store::purchases::{KeyedPurchase, Purchase, PurchaseStore};
use crate::store::records::Inserted;

impl PurchaseStore for MongoStore {
    async fn insert_purchases(&self, purchases: &[Purchase]) -> Result<Inserted> {
        let documents = purchases.iter().map(document).collect();
        let name = self.purchases.name();
        let inserted = self.insert_apart(name, documents, false).await;
        inserted.map_err(|error| error.on(Collection::Purchases))
    }

    async fn find_purchases(&self, wanted: &[Purchase]) -> Result<Vec<KeyedPurchase>> {
        let ids: Vec<Document> = wanted.iter().map(id).collect();
        let finding = self
            .purchases
            .find(doc! { "_id": { "$in": ids } })
            .projection(doc! { "day": 1, "ts": 1, "amount": 1 })
            .max_time(WRITE_TIMEOUT);
        let found = collect(finding).await;
        let found = found.map_err(|error| StoreError::from(error).on(Collection::Purchases))?;
        Ok(found.iter().filter_map(keyed).collect())
    }
}

fn id(purchase: &Purchase) -> Document {
    match &purchase.key {
        Some(key) => doc! { "e": &purchase.event, "k": key },
        None => doc! { "i": purchase.document },
    }
}

fn document(purchase: &Purchase) -> Document {
    let Purchase { price, .. } = purchase;
    let text = |text: &str| Bson::String(text.to_owned());
    let mut document = doc! {
        "_id": id(purchase),
        "event": &purchase.event,
        "userId": purchase.user.as_deref().map_or(Bson::Null, text),
        "cents": number(price.cents),
        "currency": price.currency.map_or(Bson::Null, |code| text(code.as_str())),
        "day": purchase.day.as_str(),
        "ts": DateTime::from_millis(purchase.time_ms),
    };
    if let Some(amount) = purchase.amount {
        document.insert("amount", number(amount));
    }
    document
}

fn keyed(document: &Document) -> Option<KeyedPurchase> {
    let id = document.get_document("_id").ok()?;
    let time = document.get_datetime("ts").ok();
    Some(KeyedPurchase {
        document: document_id(id.get_str("e").ok()?, id.get_str("k").ok()?),
        day: document.get_str("day").ok().and_then(Day::existing),
        time_ms: time.map(|time| time.timestamp_millis()),
        amount: document.get("amount").and_then(number_in),
    })
}
