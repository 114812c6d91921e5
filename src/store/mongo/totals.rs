//! Daily documents: totals that are added to by compare-and-set on the writer's applied number.
//!
//! The book-keeping is one hidden sub-document, `_a`: `w` maps each writer, `<id>.<queue>`, to its last applied
//! record; `mau`, `sessionSeconds` and `sessionsClosed` are sums that `getMetrics()` needs. Reads leave it out.

use bson::oid::ObjectId;
use bson::raw::{CString, RawBsonRef};
use bson::{Bson, Document, RawDocument, RawDocumentBuf, doc};

use super::client::{MongoStore, WRITE_TIMEOUT};
use super::codes::DUPLICATE_KEY;
use super::cursor::collect;
use super::error::{code_of, unexpected};
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::document::{number, number_in};
use crate::store::error::{Fault, Result, StoreError};
use crate::store::totals::{
    Added, AppliedSeq, Delta, LARGEST_TOTAL, MonthView, SeqAdvance, Sums, TotalsStore,
};

impl TotalsStore for MongoStore {
    async fn ensure_day(&self, day: &Day) -> Result<()> {
        let mut fields = doc! { "__v": 0 };
        for counter in Counter::BUILT_IN.iter().chain(&self.own_counters) {
            fields.insert(counter.field(), 0);
        }
        fields.insert("month", day.month());
        // The server keeps the order given before version 5.0 and sorts by name since.
        let mut sorted: Vec<(String, Bson)> = fields.into_iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        let fields: Document = sorted.into_iter().collect();
        // Twice, as the document that was in the way may have been dropped with its collection since.
        for id in [id_of(day), id_of(day), None] {
            let mut created = fields.clone();
            if let Some(id) = id {
                created.insert("_id", id);
            }
            let missing = doc! { "day": day.as_str() };
            let created = doc! { "$setOnInsert": created };
            match self.daily.update_one(missing, created).upsert(true).await {
                // Another process inserted it at the same moment, or the `_id` is in use for something else.
                Err(error) if id.is_some() && code_of(&error) == Some(DUPLICATE_KEY) => {}
                other => return other.map(drop).map_err(StoreError::from),
            }
        }
        Ok(())
    }

    async fn add(&self, day: &Day, advance: SeqAdvance<'_>, delta: &Delta) -> Result<Added> {
        let (set, shown) = additions(advance, delta);
        let entry = entry_of(advance.writer);
        let before = self
            .daily
            .find_one_and_update(
                doc! { "day": day.as_str(), &entry: advance.previous },
                vec![doc! { "$set": set }],
            )
            .projection(shown)
            .max_time(WRITE_TIMEOUT)
            .await?;
        Ok(match before {
            Some(before) => Added::Applied {
                left_out: left_out(&before, delta),
            },
            None => Added::Conflict,
        })
    }

    /// Without the unique index a day may have several documents: the one that knows this writer counts.
    async fn applied_seq(&self, day: &Day, writer: &str) -> Result<AppliedSeq> {
        let finding = self
            .daily
            .find(doc! { "day": day.as_str() })
            .projection(doc! { "_id": 0, entry_of(writer): 1 })
            .max_time(WRITE_TIMEOUT);
        let mut applied_seq = AppliedSeq::NoDocument;
        for document in collect(finding).await? {
            let book = inner(Some(&document), "_a", day)?;
            let writers = inner(book, "w", day)?;
            let (id, queue) = writer.split_once('.').unwrap_or((writer, ""));
            let entries = inner(writers, id, day)?;
            match entries.and_then(|entries| entries.get(queue)) {
                Some(Bson::Int64(seq)) => return Ok(AppliedSeq::At(Some(*seq))),
                None | Some(Bson::Null) => applied_seq = AppliedSeq::At(None),
                Some(_) => return Err(unexpected("a record number under _a.w")),
            }
        }
        Ok(applied_seq)
    }

    async fn confirm(&self, day: &Day, writer: &str, seq: Option<i64>) -> Result<bool> {
        let applied = doc! { "day": day.as_str(), entry_of(writer): seq };
        let same = doc! { "$set": { "day": day.as_str() } };
        let confirmed = self.daily.update_one(applied, same).await?;
        Ok(confirmed.matched_count == 1)
    }

    async fn month(&self, today: &Day) -> Result<MonthView> {
        let daily = self.daily.clone_with_type::<RawDocumentBuf>();
        let finding = daily.find(doc! { "month": today.month() });
        let mut view = MonthView::default();
        for document in collect(finding.projection(doc! { "_a.w": 0 })).await? {
            add_sums(&mut view.sums, &document);
            let is_today = document
                .get_str("day")
                .is_ok_and(|day| day == today.as_str());
            if is_today && view.today.is_none() {
                view.today = Some(shown(&document, &self.own_counters)?);
            }
        }
        Ok(view)
    }

    async fn newest_days(&self, count: u32) -> Result<Vec<RawDocumentBuf>> {
        let daily = self.daily.clone_with_type::<RawDocumentBuf>();
        let finding = daily.find(doc! {}).sort(doc! { "day": -1 });
        let finding = finding.limit(i64::from(count)).projection(doc! { "_a": 0 });
        let documents = collect(finding).await?;
        let shown = documents.iter().map(|day| shown(day, &self.own_counters));
        shown.collect()
    }
}

/// The `_id` that every process gives the document of a day: also in a collection that was just dropped, and
/// has no unique index yet, a day gets only one.
fn id_of(day: &Day) -> Option<ObjectId> {
    const OF_A_DAY: &[u8; 8] = b"gsodaily";
    const SECONDS_OF_A_DAY: i64 = 86_400;
    let seconds = u32::try_from(day.end_ms()? / 1_000 - SECONDS_OF_A_DAY).ok()?;
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&seconds.to_be_bytes());
    bytes[4..].copy_from_slice(OF_A_DAY);
    Some(ObjectId::from_bytes(bytes))
}

/// The field that holds the writer's applied number.
fn entry_of(writer: &str) -> String {
    format!("_a.w.{writer}")
}

/// The fields to set, and the projection of the fields that they replace.
fn additions(advance: SeqAdvance<'_>, delta: &Delta) -> (Document, Document) {
    let entry = entry_of(advance.writer);
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
    (set, shown)
}

/// A sub-document of the book-keeping. An addition replaces a value of another type by a document, but
/// not a list, since paths lead into its elements.
fn inner<'a>(outer: Option<&'a Document>, name: &str, day: &Day) -> Result<Option<&'a Document>> {
    match outer.and_then(|outer| outer.get(name)) {
        Some(Bson::Document(inner)) => Ok(Some(inner)),
        Some(Bson::Array(_)) => {
            let problem = format!(
                "{name} in the daily document of {} is a list: remove it",
                day.as_str()
            );
            Err(StoreError::new(Fault::Collection, problem))
        }
        _ => Ok(None),
    }
}

/// An expression that adds `amount` to `field` and gives the sum the BSON type that JavaScript's driver
/// gives such a number. A value that is no number stays as it is, and so does a total whose sum would not
/// be exact.
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

/// The counters to which [`sum`] did not add, judged by their old values.
fn left_out(before: &Document, delta: &Delta) -> Vec<Counter> {
    let fits = |old: f64, amount: f64| (old + amount).abs() <= LARGEST_TOTAL;
    let taken = |counter: Counter, amount: f64| match before.get(counter.field()) {
        None | Some(Bson::Decimal128(_)) => true,
        Some(old) => number_in(old).is_some_and(|old| fits(old, amount)),
    };
    delta
        .amounts()
        .filter(|(counter, amount)| *amount != 0.0 && !taken(*counter, *amount))
        .map(|(counter, _)| counter)
        .collect()
}

fn add_sums(sums: &mut Sums, document: &RawDocument) {
    let Ok(book) = document.get_document("_a") else {
        return;
    };
    let number = |name: &str| match book.get(name) {
        Ok(Some(RawBsonRef::Int32(value))) => f64::from(value),
        Ok(Some(RawBsonRef::Double(value))) => value,
        _ => 0.0,
    };
    sums.mau += number("mau");
    sums.session_seconds += number("sessionSeconds");
    sums.sessions_closed += number("sessionsClosed");
}

/// A daily document without book-keeping. A total of the host's own that nothing was added to is 0, as the
/// built-in ones are: the day may be older than the counter.
fn shown(document: &RawDocument, own_counters: &[Counter]) -> Result<RawDocumentBuf> {
    let mut shown = RawDocumentBuf::new();
    for element in document {
        let (name, value) = element.map_err(|_| unexpected("a readable daily document"))?;
        if name.as_str() != "_a" {
            shown.append(name, value);
        }
    }
    for counter in own_counters {
        let field = CString::try_from(counter.field()).map_err(|_| unexpected("a field's name"))?;
        if matches!(document.get(counter.field()), Ok(None)) {
            shown.append(field, 0);
        }
    }
    Ok(shown)
}
