//! Markers of distinct users (`gsouniques`).

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};

use super::client::{MongoStore, WRITE_TIMEOUT};
use super::cursor::collect;
use crate::config::Collection;
use crate::store::error::{Fault, Result, StoreError};
use crate::store::records::Dropped;
use crate::store::uniques::{Marker, UniquesStore};

impl UniquesStore for MongoStore {
    async fn find_markers(&self, period: &str, users: &[&str]) -> Result<Vec<Marker>> {
        let ids: Vec<Document> = users.iter().map(|user| marker_id(period, user)).collect();
        let found = self.find_unique(ids).await?;
        Ok(found.iter().filter_map(marker).collect())
    }

    async fn insert_markers(&self, markers: &[Marker]) -> Result<Vec<Dropped>> {
        let documents: Vec<Document> = markers.iter().map(document).collect();
        let inserted = self.insert_new(documents.clone(), false).await;
        let is_unknown = matches!(&inserted, Err(error) if error.fault == Fault::Unknown);
        match is_unknown && self.takes_others(markers).await {
            true => self.insert_new(documents, true).await,
            false => inserted,
        }
    }
}

impl MongoStore {
    /// The documents of `gsouniques` with these ids.
    pub(super) async fn find_unique(&self, ids: Vec<Document>) -> Result<Vec<Document>> {
        let finding = self.uniques.find(doc! { "_id": { "$in": ids } });
        let found = collect(finding.max_time(WRITE_TIMEOUT)).await;
        found.map_err(|error| StoreError::from(error).on(Collection::Uniques))
    }

    /// Inserts into `gsouniques`; what is there already stays. Returns what the server refuses.
    pub(super) async fn insert_new(
        &self,
        documents: Vec<Document>,
        takes_others: bool,
    ) -> Result<Vec<Dropped>> {
        let name = self.uniques.name();
        let inserted = self.insert_apart(name, documents, takes_others).await;
        let inserted = inserted.map_err(|error| error.on(Collection::Uniques))?;
        Ok(inserted.dropped)
    }

    /// Whether `gsouniques` takes another marker than these, of nobody and over at once. Only an insert tells:
    /// a full disk or a proxy may refuse inserts and take updates.
    async fn takes_others(&self, markers: &[Marker]) -> bool {
        let Some(first) = markers.first() else {
            return false;
        };
        let probe = document(&Marker {
            period: "probe".to_owned(),
            user: ObjectId::new().to_hex(),
            expires_ms: 0,
            ..first.clone()
        });
        let inserted = self.insert_new(vec![probe], false).await;
        inserted.is_ok_and(|refused| refused.is_empty())
    }
}

fn marker_id(period: &str, user: &str) -> Document {
    doc! { "p": period, "u": user }
}

fn document(marker: &Marker) -> Document {
    doc! {
        "_id": marker_id(&marker.period, &marker.user),
        "w": &marker.writer,
        "s": marker.seq,
        "d": &marker.day,
        "x": DateTime::from_millis(marker.expires_ms),
    }
}

/// One that does not say who made it, as after an import, is of another: its user is counted.
fn marker(document: &Document) -> Option<Marker> {
    let id = document.get_document("_id").ok()?;
    let text = |name| document.get_str(name).unwrap_or_default().to_owned();
    let expires = document.get_datetime("x").ok();
    Some(Marker {
        period: id.get_str("p").ok()?.to_owned(),
        user: id.get_str("u").ok()?.to_owned(),
        writer: text("w"),
        seq: document.get_i64("s").unwrap_or(0),
        day: text("d"),
        expires_ms: expires.map_or(0, |expires| expires.timestamp_millis()),
    })
}
