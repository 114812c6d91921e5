//! The stored documents, field for field and type for type as the servers' tools expect them.

use bson::error::Result;
use bson::oid::ObjectId;
use bson::raw::RawBson;
use bson::{Bson, RawDocumentBuf};

use crate::record::day::Day;

/// How a JavaScript number is stored: whole numbers in int32 range as int32, all others as double.
pub fn number(value: f64) -> Bson {
    let whole = value as i32;
    let negative_zero = value == 0.0 && value.is_sign_negative();
    if f64::from(whole) == value && !negative_zero {
        Bson::Int32(whole)
    } else {
        Bson::Double(value)
    }
}

/// The value of a number of any type but Decimal128.
pub fn number_in(value: &Bson) -> Option<f64> {
    match value {
        Bson::Int32(number) => Some(f64::from(*number)),
        Bson::Int64(number) => Some(*number as f64),
        Bson::Double(number) => Some(*number),
        _ => None,
    }
}

/// The same as [`number`], for a raw document.
pub fn raw_number(value: f64) -> RawBson {
    match number(value) {
        Bson::Int32(whole) => RawBson::Int32(whole),
        _ => RawBson::Double(value),
    }
}

/// Documents that are inserted together, one behind the other as the elements of a BSON array: no
/// allocation for each of them, and nothing to build when they are sent.
#[derive(Debug, Default, Clone)]
pub struct Batch {
    elements: Vec<u8>,
    count: usize,
    /// Bytes for which there is to be room at once, so that nothing is moved while it grows.
    room: usize,
}

impl Batch {
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// An empty one, for about as many bytes.
    pub fn next(&self) -> Self {
        Self {
            room: self.elements.len() + self.elements.len() / 8,
            ..Self::default()
        }
    }

    /// Nothing will be added any more.
    pub fn shrink(&mut self) {
        self.elements.shrink_to_fit();
    }

    /// Into `gsoevents`: `_id, userId, event, data, day, ts, __v`; the elements are the middle ones.
    pub fn add_event(&mut self, id: ObjectId, elements: &[u8], day: &Day, time_ms: i64) {
        self.add_keyed_event(id, elements, day, time_ms, None);
    }

    /// The same for an event with a dedupe key; what it adds to a total is its field `amount`, before `__v`.
    pub fn add_keyed_event(
        &mut self,
        id: ObjectId,
        elements: &[u8],
        day: &Day,
        time_ms: i64,
        amount: Option<f64>,
    ) {
        self.add(id, elements, |document| {
            document.string("day", day.as_str());
            document.date("ts", time_ms);
            if let Some(amount) = amount {
                document.number("amount", amount);
            }
            document.int32("__v", 0);
        });
    }

    /// Into `gsosessions`: `_id, userId, username, loginAt, logoutAt, durationS, day, month, __v`; the
    /// elements are the names.
    pub fn add_session(&mut self, id: ObjectId, elements: &[u8], day: &Day, login_ms: i64) {
        self.add(id, elements, |document| {
            document.date("loginAt", login_ms);
            document.null("logoutAt");
            document.int32("durationS", 0);
            document.string("day", day.as_str());
            document.string("month", day.month());
            document.int32("__v", 0);
        });
    }

    /// The first `count` documents, and the others.
    pub fn split(&self, count: usize) -> (Batch, Batch) {
        let (mut first, mut others) = (Batch::default(), Batch::default());
        let mut rest = &self.elements[..];
        for index in 0..self.count {
            // The type, and the index in digits that ends with a zero.
            let name = rest.iter().position(|byte| *byte == 0).unwrap_or(0) + 1;
            let length = rest[name..]
                .first_chunk()
                .map_or(0, |four| u32::from_le_bytes(*four));
            let (document, after) = rest[name..].split_at(length as usize);
            let part = if index < count {
                &mut first
            } else {
                &mut others
            };
            part.begin().extend(document);
            rest = after;
        }
        (first, others)
    }

    /// Begins the next document.
    fn begin(&mut self) -> &mut Vec<u8> {
        if self.count == 0 {
            self.elements.reserve(self.room);
        }
        self.elements.push(0x03);
        let mut digits = itoa::Buffer::new();
        self.elements.extend(digits.format(self.count).as_bytes());
        self.elements.push(0);
        self.count += 1;
        &mut self.elements
    }

    fn add(&mut self, id: ObjectId, elements: &[u8], rest: impl FnOnce(&mut Writer<'_>)) {
        let bytes = self.begin();
        let start = bytes.len();
        bytes.extend([0; 4]);
        bytes.extend(b"\x07_id\0");
        bytes.extend(id.bytes());
        bytes.extend(elements);
        rest(&mut Writer(bytes));
        bytes.push(0);
        let length = (bytes.len() - start) as u32;
        bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// The command with the array as its last field.
    pub fn append_to(&self, command: RawDocumentBuf, field: &str) -> Result<RawDocumentBuf> {
        let mut bytes = command.into_bytes();
        bytes.reserve(self.elements.len() + field.len() + 8);
        bytes.pop();
        bytes.push(0x04);
        bytes.extend(field.as_bytes());
        bytes.push(0);
        bytes.extend((self.elements.len() as u32 + 5).to_le_bytes());
        bytes.extend(&self.elements);
        bytes.extend([0, 0]);
        let length = bytes.len() as u32;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        RawDocumentBuf::from_bytes(bytes)
    }

    #[cfg(test)]
    pub fn documents(&self) -> Vec<bson::Document> {
        let array = self
            .append_to(RawDocumentBuf::new(), "all")
            .expect("an array");
        let array = bson::Document::try_from(array).expect("valid BSON");
        let all = array.get_array("all").expect("an array").iter();
        all.map(|one| one.as_document().expect("a document").clone())
            .collect()
    }
}

/// Writes elements at the end of a document.
struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn name(&mut self, kind: u8, name: &str) {
        self.0.push(kind);
        self.0.extend(name.as_bytes());
        self.0.push(0);
    }

    fn string(&mut self, name: &str, value: &str) {
        self.name(0x02, name);
        self.0.extend((value.len() as u32 + 1).to_le_bytes());
        self.0.extend(value.as_bytes());
        self.0.push(0);
    }

    fn date(&mut self, name: &str, time_ms: i64) {
        self.name(0x09, name);
        self.0.extend(time_ms.to_le_bytes());
    }

    fn null(&mut self, name: &str) {
        self.name(0x0a, name);
    }

    fn number(&mut self, name: &str, value: f64) {
        match number(value) {
            Bson::Int32(whole) => self.int32(name, whole),
            _ => {
                self.name(0x01, name);
                self.0.extend(value.to_le_bytes());
            }
        }
    }

    fn int32(&mut self, name: &str, value: i32) {
        self.name(0x10, name);
        self.0.extend(value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use bson::{doc, rawdoc};

    use super::*;

    #[test]
    fn numbers_are_stored_as_the_javascript_driver_stores_them() {
        assert_eq!(number(5.0), Bson::Int32(5));
        assert_eq!(number(-2147483648.0), Bson::Int32(i32::MIN));
        assert_eq!(number(2147483648.0), Bson::Double(2147483648.0));
        assert_eq!(number(2.5), Bson::Double(2.5));
        assert!(matches!(number(-0.0), Bson::Double(zero) if zero.is_sign_negative()));
    }

    #[test]
    fn documents_have_the_fields_in_the_stored_order() {
        let id = ObjectId::new();
        let middle = rawdoc! { "userId": "u", "event": "e", "data": { "a": 1 } };
        let elements = &middle.as_bytes()[4..middle.as_bytes().len() - 1];
        let day = Day::of(1_795_392_000_001);
        let ts = bson::DateTime::from_millis(1_795_392_000_001);
        let mut batch = Batch::default();
        batch.add_event(id, elements, &day, 1_795_392_000_001);
        batch.add_session(id, &[], &day, 1_795_392_000_001);
        batch.add_keyed_event(id, &[], &day, 1_795_392_000_001, Some(0.5));
        batch.add_keyed_event(id, &[], &day, 1_795_392_000_001, Some(5.0));
        assert_eq!(
            batch.documents(),
            [
                doc! { "_id": id, "userId": "u", "event": "e", "data": { "a": 1 },
                "day": "2026-11-23", "ts": ts, "__v": 0 },
                doc! { "_id": id, "loginAt": ts, "logoutAt": null, "durationS": 0,
                "day": "2026-11-23", "month": "2026-11", "__v": 0 },
                doc! { "_id": id, "day": "2026-11-23", "ts": ts, "amount": 0.5, "__v": 0 },
                doc! { "_id": id, "day": "2026-11-23", "ts": ts, "amount": 5, "__v": 0 },
            ]
        );
    }

    #[test]
    fn a_batch_is_an_array_whose_keys_count_up() {
        let mut batch = Batch::default();
        for _ in 0..1_001 {
            batch.add_event(ObjectId::new(), &[], &Day::of(0), 0);
        }
        let command = batch.append_to(rawdoc! { "insert": "c" }, "documents");
        let command = command.expect("a command");
        assert_eq!(command.get_str("insert").ok(), Some("c"));
        let documents = command.get_array("documents").expect("an array");
        let keys = RawDocumentBuf::from_bytes(documents.as_bytes().to_vec()).expect("a document");
        let expected: Vec<String> = (0..1_001).map(|key: u32| key.to_string()).collect();
        let keys: Vec<String> = keys
            .iter()
            .map(|element| element.expect("valid BSON").0.as_str().to_owned())
            .collect();
        assert_eq!(keys, expected);
        assert_eq!(batch.len(), 1_001);
    }

    #[test]
    fn a_batch_is_split_between_any_two_of_its_documents() {
        let mut batch = Batch::default();
        for length in 0..12_u8 {
            let text = "x".repeat(usize::from(length) * 9);
            let middle = rawdoc! { "userId": text };
            let elements = &middle.as_bytes()[4..middle.as_bytes().len() - 1];
            batch.add_event(ObjectId::from_bytes([length; 12]), elements, &Day::of(0), 0);
        }
        for count in 0..=12 {
            let (first, others) = batch.split(count);
            assert_eq!((first.len(), others.len()), (count, 12 - count));
            let both = [first.documents(), others.documents()].concat();
            assert_eq!(both, batch.documents(), "at {count}");
        }
    }
}
