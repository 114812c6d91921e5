//! The document of a baseline: how it is made, read, and told where it cannot be read.

use bson::oid::ObjectId;
use bson::{Document, doc};

use crate::record::day::Day;
use crate::record::document::number_in;
use crate::store::error::StoreError;
use crate::store::legacy::Baseline;
use crate::store::totals::Sums;

pub fn baseline_id(day: &Day) -> Document {
    doc! { "p": "base", "d": day.as_str() }
}

/// The document of a day whose newest legacy session has this id.
pub fn new_baseline(day: &Day, cutoff: ObjectId) -> Document {
    let state = match cutoff == Baseline::EMPTY.cutoff {
        true => "done",
        false => "building",
    };
    doc! {
        "_id": baseline_id(day), "cut": cutoff, "state": state,
        "mau": 0, "seconds": 0, "closed": 0,
    }
}

pub fn baseline(document: &Document) -> Option<Baseline> {
    let number = |name: &str| document.get(name).and_then(number_in);
    let sums = Sums {
        mau: number("mau")?,
        session_seconds: number("seconds")?,
        sessions_closed: number("closed")?,
    };
    let is_done = document.get_str("state").ok()? == "done";
    Some(Baseline {
        cutoff: document.get_object_id("cut").ok()?,
        marked: is_done || document.get_bool("marked").unwrap_or(false),
        sums: is_done.then_some(sums),
    })
}

/// Sessions need the cutoff only, and do not wait where it cannot be read. The sums do.
pub fn cutoff_at_least(document: &Document) -> Option<Baseline> {
    let cutoff = document.get_object_id("cut");
    let damaged = Baseline {
        sums: None,
        marked: false,
        cutoff: cutoff.unwrap_or(Baseline::EMPTY.cutoff),
    };
    baseline(document).or(Some(damaged))
}

pub fn unreadable(day: &Day) -> StoreError {
    StoreError::permanent(format!(
        "the baseline of {} in gsouniques cannot be read: correct cut, state, mau, seconds and closed in it",
        day.as_str()
    ))
}
