//! Baseline documents (`gsouniques`), one per day, and the claims to sum them up, one per month.

use std::collections::HashMap;
use std::slice;

use bson::oid::ObjectId;
use bson::{Document, doc};
use mongodb::ClientSession;

use super::client::MongoStore;
use super::cursor::{collect_in, number_in};
use super::error::unexpected;
use crate::record::day::Day;
use crate::store::error::{Result, StoreError};
use crate::store::legacy::Baseline;
use crate::store::totals::Sums;

impl MongoStore {
    pub(super) async fn read_baselines(
        &self,
        days: &[Day],
        session: &mut ClientSession,
    ) -> Result<HashMap<Day, Baseline>> {
        let ids: Vec<Document> = days.iter().map(baseline_id).collect();
        let found = self
            .uniques
            .find(doc! { "_id": { "$in": ids } })
            .session(&mut *session)
            .await?;
        let mut baselines = HashMap::new();
        for document in collect_in(found, session).await? {
            let (name, baseline) =
                baseline(&document).ok_or_else(|| unexpected("a readable baseline"))?;
            if let Some(day) = days.iter().find(|day| day.as_str() == name) {
                baselines.insert(day.clone(), baseline);
            }
        }
        Ok(baselines)
    }

    pub(super) async fn read_baseline(
        &self,
        day: &Day,
        session: &mut ClientSession,
    ) -> Result<Baseline> {
        let known = self.read_baselines(slice::from_ref(day), session).await?;
        known.get(day).copied().ok_or_else(not_yet_known)
    }

    pub(super) async fn change_baseline(&self, which: Document, values: Document) -> Result<()> {
        let values = doc! { "$set": values };
        self.uniques.update_one(which, values).await?;
        Ok(())
    }
}

pub fn not_yet_known() -> StoreError {
    StoreError::transient(
        "a majority does not know the baseline of a day yet: its records wait until it does",
    )
}

pub fn claim_id(day: &Day) -> Document {
    doc! { "_id": { "p": "history", "m": day.month() } }
}

pub fn baseline_id(day: &Day) -> Document {
    doc! { "p": "base", "d": day.as_str() }
}

/// The document of a day whose newest legacy session has this id; `None` when it has no sessions.
pub fn new_baseline(day: &Day, newest: Option<ObjectId>) -> Document {
    let (cutoff, state) = match newest {
        Some(newest) => (newest, "building"),
        None => (Baseline::EMPTY.cutoff, "done"),
    };
    doc! {
        "_id": baseline_id(day), "cut": cutoff, "state": state,
        "mau": 0, "seconds": 0, "closed": 0,
    }
}

/// The writer of the markers of a day's legacy users; no process can have this name.
pub fn legacy_writer(day: &Day) -> String {
    format!("base:{}", day.as_str())
}

fn baseline(document: &Document) -> Option<(&str, Baseline)> {
    let day = document.get_document("_id").ok()?.get_str("d").ok()?;
    let number = |name: &str| document.get(name).and_then(number_in);
    let sums = Sums {
        mau: number("mau")?,
        session_seconds: number("seconds")?,
        sessions_closed: number("closed")?,
    };
    let is_done = document.get_str("state").ok()? == "done";
    let baseline = Baseline {
        cutoff: document.get_object_id("cut").ok()?,
        marked: is_done || document.get_bool("marked").unwrap_or(false),
        sums: is_done.then_some(sums),
    };
    Some((day, baseline))
}
