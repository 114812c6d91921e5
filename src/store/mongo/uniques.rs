//! Distinct users (`gsouniques`): a marker per user and period.

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};

use super::legacy::not_yet_known;
use super::{Dropped, StoreError};
use super::{Marker, MongoStore, Result, WRITE_TIMEOUT, store_error, unexpected};
use crate::record::day::Day;

impl MongoStore {
    pub(super) async fn read_markers(&self, period: &str, users: &[&str]) -> Result<Vec<Marker>> {
        let ids: Vec<Document> = users.iter().map(|user| marker_id(period, user)).collect();
        let mut found = self
            .uniques
            .find(doc! { "_id": { "$in": ids } })
            .max_time(WRITE_TIMEOUT)
            .await
            .map_err(store_error)?;
        let mut markers = Vec::new();
        while found.advance().await.map_err(store_error)? {
            let document = found.deserialize_current().map_err(store_error)?;
            markers.push(marker(&document).ok_or_else(|| unexpected("a readable marker"))?);
        }
        Ok(markers)
    }

    pub(super) async fn write_markers(&self, markers: &[Marker]) -> Result<()> {
        let documents = markers.iter().map(|marker| {
            doc! {
                "_id": marker_id(&marker.period, &marker.user),
                "w": &marker.writer,
                "s": marker.seq,
                "d": &marker.day,
                "x": DateTime::from_millis(marker.expires_ms),
            }
        });
        self.insert_new(documents.collect()).await
    }

    /// Inserts into `gsouniques`; what is there already stays.
    pub(super) async fn insert_new(&self, documents: Vec<Document>) -> Result<()> {
        let name = self.uniques.name();
        let refused = self.insert_documents(name, documents).await?;
        match refused.dropped.into_iter().next() {
            None => Ok(()),
            Some(Dropped { message, .. }) => Err(StoreError::permanent(message)),
        }
    }

    pub(super) async fn old_users(
        &self,
        day: &Day,
        users: &[&str],
        cutoff: ObjectId,
    ) -> Result<Vec<String>> {
        let old =
            doc! { "day": day.as_str(), "userId": { "$in": users }, "_id": { "$lte": cutoff } };
        // The baseline first: what it was made of is not less in the same session.
        let session = &mut self.session().await?;
        if self
            .read_baselines(std::slice::from_ref(day), session)
            .await?
            .is_empty()
        {
            return Err(not_yet_known());
        }
        let found = self
            .sessions
            .distinct("userId", old)
            .max_time(WRITE_TIMEOUT)
            .session(session)
            .await
            .map_err(store_error)?;
        let names = found.into_iter().filter_map(|user| match user {
            Bson::String(user) => Some(user),
            _ => None,
        });
        Ok(names.collect())
    }
}

fn marker_id(period: &str, user: &str) -> Document {
    doc! { "p": period, "u": user }
}

fn marker(document: &Document) -> Option<Marker> {
    let id = document.get_document("_id").ok()?;
    Some(Marker {
        period: id.get_str("p").ok()?.to_owned(),
        user: id.get_str("u").ok()?.to_owned(),
        writer: document.get_str("w").ok()?.to_owned(),
        seq: document.get_i64("s").ok()?,
        day: document.get_str("d").ok()?.to_owned(),
        expires_ms: document.get_datetime("x").ok()?.timestamp_millis(),
    })
}
