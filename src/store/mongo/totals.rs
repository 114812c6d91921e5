//! The daily document: totals that are added to, guarded by where this writer stands.
//!
//! The book-keeping is one hidden sub-document, `_a`: `w` maps writers to their last applied record,
//! `mau`, `sessionSeconds` and `sessionsClosed` are sums that `getMetrics()` needs.

use bson::{Bson, Document, doc};

use super::{
    Added, AppliedSeq, Delta, MongoStore, Result, SeqAdvance, StoreError, WRITE_TIMEOUT,
    store_error, unexpected,
};
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::document::number;
use crate::store::totals::LARGEST_TOTAL;

impl MongoStore {
    pub(super) async fn upsert_day(&self, day: &Day) -> Result<()> {
        let mut fields = doc! { "__v": 0 };
        for counter in Counter::ALL {
            fields.insert(counter.field(), 0);
        }
        fields.insert("month", day.month());
        // The server keeps the order given before version 5.0 and sorts by name since.
        let mut sorted: Vec<(String, Bson)> = fields.into_iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        let fields: Document = sorted.into_iter().collect();
        self.daily
            .update_one(
                doc! { "day": day.as_str() },
                doc! { "$setOnInsert": fields },
            )
            .upsert(true)
            .await
            .map(drop)
            .map_err(store_error)
    }

    pub(super) async fn compare_and_add(
        &self,
        day: &Day,
        advance: SeqAdvance<'_>,
        delta: &Delta,
    ) -> Result<Added> {
        let entry = format!("_a.w.{}", advance.writer);
        let mut set = Document::new();
        let mut shown = doc! { "_id": 0 };
        for (counter, amount) in delta.amounts().filter(|(_, amount)| *amount != 0.0) {
            set.insert(counter.field(), sum(counter.field(), amount));
            shown.insert(counter.field(), 1);
        }
        for (field, amount) in [
            ("_a.mau", delta.mau),
            ("_a.sessionSeconds", delta.session_seconds),
            ("_a.sessionsClosed", delta.sessions_closed),
        ] {
            if amount != 0.0 {
                set.insert(field, sum(field, amount));
            }
        }
        set.insert(&entry, doc! { "$literal": advance.last });
        shown.insert(&entry, 1);
        let before = self
            .daily
            .find_one_and_update(
                doc! { "day": day.as_str(), &entry: advance.previous },
                vec![doc! { "$set": set }],
            )
            .projection(shown)
            .max_time(WRITE_TIMEOUT)
            .await
            .map_err(store_error)?;
        Ok(match before {
            Some(before) => Added::Applied {
                left_out: left_out(&before, delta),
            },
            None => Added::Conflict,
        })
    }

    /// Where the unique index could not be made a day may have several documents: the one that knows
    /// this writer counts.
    pub(super) async fn read_standing(&self, day: &Day, writer: &str) -> Result<AppliedSeq> {
        let mut found = self
            .daily
            .find(doc! { "day": day.as_str() })
            .projection(doc! { "_id": 0, format!("_a.w.{writer}"): 1 })
            .max_time(WRITE_TIMEOUT)
            .await
            .map_err(store_error)?;
        let mut applied_seq = AppliedSeq::NoDocument;
        while found.advance().await.map_err(store_error)? {
            let document = found.deserialize_current().map_err(store_error)?;
            let book = inner(Some(&document), "_a", day)?;
            let writers = inner(book, "w", day)?;
            match writers.and_then(|writers| writers.get(writer)) {
                Some(Bson::Int64(seq)) => return Ok(AppliedSeq::At(Some(*seq))),
                None | Some(Bson::Null) => applied_seq = AppliedSeq::At(None),
                Some(_) => return Err(unexpected("a record number under _a.w")),
            }
        }
        Ok(applied_seq)
    }

    pub(super) async fn touch_standing(
        &self,
        day: &Day,
        writer: &str,
        seq: Option<i64>,
    ) -> Result<bool> {
        let entry = format!("_a.w.{writer}");
        self.daily
            .update_one(
                doc! { "day": day.as_str(), &entry: seq },
                doc! { "$set": { "day": day.as_str() } },
            )
            .await
            .map(|result| result.matched_count == 1)
            .map_err(store_error)
    }
}

/// The book-keeping inside a document. What is not a document is replaced by one when it is added to;
/// a list is not, since paths lead into its elements.
fn inner<'a>(outer: Option<&'a Document>, name: &str, day: &Day) -> Result<Option<&'a Document>> {
    match outer.and_then(|outer| outer.get(name)) {
        Some(Bson::Document(inner)) => Ok(Some(inner)),
        Some(Bson::Array(_)) => Err(StoreError::transient(format!(
            "in the daily document of {}, {name} is a list: remove it, and totals go on",
            day.as_str()
        ))),
        _ => Ok(None),
    }
}

/// An expression that adds `amount` to `field` and gives the sum the BSON type that JavaScript's driver
/// gives such a number. What is not a number stays as it is, and so does a total whose sum would not
/// be exact any more.
fn sum(field: &str, amount: f64) -> Bson {
    let path = format!("${field}");
    let fits_int32 = doc! { "$and": [
        { "$eq": ["$$s", { "$trunc": "$$s" }] },
        { "$lte": ["$$s", i32::MAX] },
        { "$gte": ["$$s", i32::MIN] },
    ] };
    let stored = doc! { "$cond": [fits_int32, { "$toInt": "$$s" }, { "$toDouble": "$$s" }] };
    let bounded = doc! { "$cond": [{ "$gt": [{ "$abs": "$$s" }, LARGEST_TOTAL] }, &path, stored] };
    let added = doc! { "$add": [{ "$ifNull": [&path, 0] }, { "$literal": number(amount) }] };
    let numeric = doc! { "$in": [
        { "$type": &path },
        ["int", "long", "double", "decimal", "missing"],
    ] };
    let sum = doc! { "$let": { "vars": { "s": added }, "in": bounded } };
    doc! { "$cond": [numeric, sum, &path] }.into()
}

/// Which counters the expression above did not add to, judged by their old values.
fn left_out(before: &Document, delta: &Delta) -> Vec<Counter> {
    let taken = |counter: Counter, amount: f64| match before.get(counter.field()) {
        None | Some(Bson::Decimal128(_)) => true,
        Some(Bson::Int32(old)) => (f64::from(*old) + amount).abs() <= LARGEST_TOTAL,
        Some(Bson::Int64(old)) => (*old as f64 + amount).abs() <= LARGEST_TOTAL,
        Some(Bson::Double(old)) => (old + amount).abs() <= LARGEST_TOTAL,
        Some(_) => false,
    };
    delta
        .amounts()
        .filter(|(counter, amount)| *amount != 0.0 && !taken(*counter, *amount))
        .map(|(counter, _)| counter)
        .collect()
}
