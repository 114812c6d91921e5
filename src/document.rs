//! The stored documents, field for field and type for type as the servers' tools expect them.

use bson::oid::ObjectId;
use bson::raw::RawBson;
use bson::{Bson, RawDocumentBuf};

use crate::calendar::Day;

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

/// The same, for a raw document.
pub fn raw_number(value: f64) -> RawBson {
    match number(value) {
        Bson::Int32(whole) => RawBson::Int32(whole),
        _ => RawBson::Double(value),
    }
}

/// `gsoevents`: `_id, userId, event, data, day, ts, __v`.
pub fn event(id: ObjectId, elements: &[u8], day: &Day, time_ms: i64) -> Option<RawDocumentBuf> {
    let mut document = Writer::new(id, elements);
    document.string("day", day.as_str());
    document.date("ts", time_ms);
    document.int32("__v", 0);
    document.finish()
}

/// `gsosessions`: `_id, userId, username, loginAt, logoutAt, durationS, day, month, __v`.
pub fn session(id: ObjectId, elements: &[u8], day: &Day, login_ms: i64) -> Option<RawDocumentBuf> {
    let mut document = Writer::new(id, elements);
    document.date("loginAt", login_ms);
    document.null("logoutAt");
    document.int32("durationS", 0);
    document.string("day", day.as_str());
    document.string("month", day.month());
    document.int32("__v", 0);
    document.finish()
}

/// Writes a document around elements that came ready-made.
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn new(id: ObjectId, elements: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(elements.len() + 128);
        bytes.extend([0; 4]);
        bytes.extend(b"\x07_id\0");
        bytes.extend(id.bytes());
        bytes.extend(elements);
        Self { bytes }
    }

    fn name(&mut self, kind: u8, name: &str) {
        self.bytes.push(kind);
        self.bytes.extend(name.as_bytes());
        self.bytes.push(0);
    }

    fn string(&mut self, name: &str, value: &str) {
        self.name(0x02, name);
        self.bytes.extend((value.len() as u32 + 1).to_le_bytes());
        self.bytes.extend(value.as_bytes());
        self.bytes.push(0);
    }

    fn date(&mut self, name: &str, time_ms: i64) {
        self.name(0x09, name);
        self.bytes.extend(time_ms.to_le_bytes());
    }

    fn null(&mut self, name: &str) {
        self.name(0x0a, name);
    }

    fn int32(&mut self, name: &str, value: i32) {
        self.name(0x10, name);
        self.bytes.extend(value.to_le_bytes());
    }

    fn finish(mut self) -> Option<RawDocumentBuf> {
        self.bytes.push(0);
        let length = i32::try_from(self.bytes.len()).ok()?;
        self.bytes[..4].copy_from_slice(&length.to_le_bytes());
        RawDocumentBuf::from_bytes(self.bytes).ok()
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
        let event = event(id, elements, &day, 1_795_392_000_001).expect("an event");
        assert_eq!(
            bson::Document::try_from(event).expect("valid BSON"),
            doc! { "_id": id, "userId": "u", "event": "e", "data": { "a": 1 },
            "day": "2026-11-23", "ts": ts, "__v": 0 }
        );
        let session = session(id, &[], &day, 1_795_392_000_001).expect("a session");
        assert_eq!(
            bson::Document::try_from(session).expect("valid BSON"),
            doc! { "_id": id, "loginAt": ts, "logoutAt": null, "durationS": 0,
            "day": "2026-11-23", "month": "2026-11", "__v": 0 }
        );
    }
}
