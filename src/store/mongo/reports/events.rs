//! The events of a day in one pass: counted by name, and those with an amount also by reason and item.
//!
//! Amounts count as they do in the totals. Texts come back as they are, since only JavaScript's own rule says
//! which of them are numbers.

use bson::{Bson, DateTime, Document, doc};

use super::reading::{counted, is_excluded};
use crate::record::day::Day;
use crate::record::document::number_in;
use crate::store::error::Result;
use crate::store::mongo::client::MongoStore;
use crate::store::reports::{EventPass, EventRow, PASS_LIMIT};

/// Characters of a reason or an item.
const LONGEST_NAME: i32 = 64;
/// Bytes of a text that may be an amount: it has at most 256 characters.
const LONGEST_AMOUNT: i32 = 1_024;
/// Larger amounts count nothing.
const LARGEST_AMOUNT: i64 = 1 << 53;

impl MongoStore {
    pub(super) async fn read_events(
        &self,
        day: &Day,
        pass: &EventPass,
        mut each: impl FnMut(EventRow) + Send,
    ) -> Result<()> {
        let (Some(start), Some(end)) = (day.start_ms(), day.end_ms()) else {
            return Ok(());
        };
        let times =
            doc! { "$gte": DateTime::from_millis(start), "$lt": DateTime::from_millis(end) };
        let fields = doc! {
            "_id": 0, "e": "$event", "x": is_excluded(&pass.excluded), "v": amount_of(pass),
            "r": first_text(pass, &pass.reason_fields), "i": first_text(pass, &pass.item_fields),
        };
        let stages = [
            doc! { "$match": { "ts": times } },
            doc! { "$project": fields },
            doc! { "$group": {
                "_id": { "e": "$e", "r": "$r", "i": "$i", "t": text(), "x": "$x" },
                "n": { "$sum": 1 }, "a": { "$sum": number() },
            } },
            doc! { "$sort": { "n": -1, "_id": 1 } },
        ];
        let each = |document: Document| row(&document).into_iter().for_each(&mut each);
        self.each_row(PASS_LIMIT, &self.events, &stages, doc! { "ts": 1 }, each)
            .await
    }
}

/// The field that holds the amount of an event.
fn amount_of(pass: &EventPass) -> Bson {
    let mut fields: Vec<(&str, Vec<&str>)> = Vec::new();
    for (event, field) in &pass.amounts {
        match fields.iter_mut().find(|(known, _)| known == field) {
            Some((_, events)) => events.push(event),
            None => fields.push((field, vec![event])),
        }
    }
    let branches: Vec<Document> = fields
        .into_iter()
        .map(|(field, events)| {
            let is_one = doc! { "$in": ["$event", { "$literal": events }] };
            doc! { "case": is_one, "then": field_of_data(field) }
        })
        .collect();
    match branches.is_empty() {
        true => Bson::Document(doc! { "$literal": null }),
        false => Bson::Document(doc! { "$switch": { "branches": branches, "default": null } }),
    }
}

/// A field of `data`, also one whose name is no path.
fn field_of_data(field: &str) -> Bson {
    if !field.contains('.') && !field.starts_with('$') {
        return format!("$data.{field}").into();
    }
    let is_object = doc! { "$eq": [{ "$type": "$data" }, "object"] };
    let is_field = doc! { "$eq": ["$$this.k", { "$literal": field }] };
    Bson::Document(doc! { "$reduce": {
        "input": { "$cond": [is_object, { "$objectToArray": "$data" }, []] },
        "initialValue": null,
        "in": { "$cond": [is_field, "$$this.v", "$$value"] },
    } })
}

/// The first of these fields that holds a text, cut, of an event with an amount.
fn first_text(pass: &EventPass, fields: &[String]) -> Bson {
    let events: Vec<&str> = pass
        .amounts
        .iter()
        .map(|(event, _)| event.as_str())
        .collect();
    let has_amount = doc! { "$in": ["$event", { "$literal": events }] };
    let branches: Vec<Document> = fields
        .iter()
        .map(|field| {
            let field = format!("$data.{field}");
            let is_text =
                doc! { "$and": [&has_amount, { "$eq": [{ "$type": &field }, "string"] }] };
            doc! { "case": is_text, "then": { "$substrCP": [field, 0, LONGEST_NAME] } }
        })
        .collect();
    match branches.is_empty() {
        true => Bson::Document(doc! { "$literal": null }),
        false => Bson::Document(doc! { "$switch": { "branches": branches, "default": null } }),
    }
}

/// The amount of an event, if it is a text.
fn text() -> Document {
    let is_short = doc! { "$lte": [{ "$strLenBytes": "$v" }, LONGEST_AMOUNT] };
    doc! { "$switch": {
        "branches": [
            {
                "case": { "$eq": [{ "$type": "$v" }, "string"] },
                "then": { "$cond": [is_short, "$v", ""] },
            },
            { "case": { "$eq": [{ "$type": "$v" }, "decimal"] }, "then": { "$toString": "$v" } },
        ],
        "default": null,
    } }
}

/// The amount of an event, if it is a number that counts.
fn number() -> Document {
    let counts = doc! { "$and": [
        { "$in": [{ "$type": "$v" }, ["int", "long", "double"]] },
        { "$gte": ["$v", -LARGEST_AMOUNT] },
        { "$lte": ["$v", LARGEST_AMOUNT] },
    ] };
    doc! { "$cond": [counts, { "$toDouble": "$v" }, 0] }
}

fn row(row: &Document) -> Option<EventRow> {
    let key = row.get_document("_id").ok()?;
    let text = |name| key.get_str(name).ok().map(str::to_owned);
    Some(EventRow {
        event: text("e"),
        reason: text("r"),
        item: text("i"),
        text: text("t"),
        is_excluded: key.get("x") == Some(&Bson::Boolean(true)),
        count: counted(row, "n"),
        amount: row.get("a").and_then(number_in).unwrap_or_default(),
    })
}
