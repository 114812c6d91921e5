//! Well-formedness of BSON: whether a server and its drivers can read it back.
//!
//! Values of a host are read while they are encoded, and may lie: a length that changes between two
//! reads makes bytes that are no BSON. A server refuses the whole batch that holds such a document.

use std::str::from_utf8;

/// MongoDB refuses documents of more than 180 levels; the record's own document is the first.
const MAX_DEPTH: usize = 179;

/// Whether these bytes are elements of a document: without its length, and without its end.
pub fn are_elements(bytes: &[u8]) -> bool {
    let mut reader = Reader { rest: bytes };
    reader.elements(MAX_DEPTH).is_some()
}

struct Reader<'a> {
    rest: &'a [u8],
}

/// Every reader takes what it reads, and is `None` where that is not well-formed.
impl<'a> Reader<'a> {
    /// Elements up to the end; `levels` more may be nested in them.
    fn elements(&mut self, levels: usize) -> Option<()> {
        while let Some((&kind, rest)) = self.rest.split_first() {
            self.rest = rest;
            self.name()?;
            self.value(kind, levels)?;
        }
        Some(())
    }

    fn value(&mut self, kind: u8, levels: usize) -> Option<()> {
        match kind {
            // Undefined, null, the keys before and after all others.
            0x06 | 0x0a | 0x7f | 0xff => Some(()),
            0x08 => (self.take(1)?[0] <= 1).then_some(()),
            0x10 => self.take(4).map(drop),
            // Double, date, timestamp, Int64.
            0x01 | 0x09 | 0x11 | 0x12 => self.take(8).map(drop),
            0x07 => self.take(12).map(drop),
            0x13 => self.take(16).map(drop),
            // String, code, symbol.
            0x02 | 0x0d | 0x0e => self.text(),
            0x03 | 0x04 => self.document(levels),
            0x05 => self.binary(),
            0x0b => self.name().and_then(|()| self.name()),
            0x0c => self.text().and_then(|()| self.take(12)).map(drop),
            0x0f => self.code_with_scope(levels),
            _ => None,
        }
    }

    /// A document: its length, elements, and a zero.
    fn document(&mut self, levels: usize) -> Option<()> {
        let length = self.length()?.checked_sub(5)?;
        let mut inner = Reader {
            rest: self.take(length)?,
        };
        inner.elements(levels.checked_sub(1)?)?;
        self.zero()
    }

    /// Its length, its subtype, and bytes; the old subtype has a second length among them.
    fn binary(&mut self) -> Option<()> {
        let length = self.length()?;
        let is_old = self.take(1)?[0] == 0x02;
        let mut inner = Reader {
            rest: self.take(length)?,
        };
        (!is_old || inner.length()? == inner.rest.len()).then_some(())
    }

    /// Its length, a string, and a document.
    fn code_with_scope(&mut self, levels: usize) -> Option<()> {
        let length = self.length()?.checked_sub(4)?;
        let mut inner = Reader {
            rest: self.take(length)?,
        };
        inner.text()?;
        inner.document(levels)?;
        inner.rest.is_empty().then_some(())
    }

    /// Text that ends at the first zero. Names are short, so that most end in the first eight bytes.
    #[inline]
    fn name(&mut self) -> Option<()> {
        let (mut length, mut all_bits) = (0, 0);
        while let Some(eight) = self.rest.get(length..)?.first_chunk() {
            let eight = u64::from_le_bytes(*eight);
            let Some(zero) = first_zero(eight) else {
                (length, all_bits) = (length + 8, all_bits | eight);
                continue;
            };
            let before = eight & !(u64::MAX << (8 * zero));
            return self.name_of(length + zero, (all_bits | before) & HIGH_BITS == 0);
        }
        let rest = &self.rest[length..];
        let zero = rest.iter().position(|byte| *byte == 0)?;
        let is_ascii = all_bits & HIGH_BITS == 0 && rest[..zero].is_ascii();
        self.name_of(length + zero, is_ascii)
    }

    fn name_of(&mut self, length: usize, is_ascii: bool) -> Option<()> {
        let name = self.take(length)?;
        (is_ascii || from_utf8(name).is_ok()).then_some(())?;
        self.zero()
    }

    /// Text behind its length, and a zero.
    #[inline]
    fn text(&mut self) -> Option<()> {
        let length = self.length()?.checked_sub(1)?;
        let text = self.take(length)?;
        (text.is_ascii() || from_utf8(text).is_ok()).then_some(())?;
        self.zero()
    }

    fn zero(&mut self) -> Option<()> {
        (self.take(1)?[0] == 0).then_some(())
    }

    fn length(&mut self) -> Option<usize> {
        let bytes = self.take(4)?.try_into().ok()?;
        usize::try_from(i32::from_le_bytes(bytes)).ok()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }
}

/// The highest bit of each of eight bytes: none is set in ASCII.
const HIGH_BITS: u64 = u64::from_le_bytes([0x80; 8]);
const LOW_BITS: u64 = u64::from_le_bytes([1; 8]);

/// The place of the first zero among eight bytes. A borrow can only mark bytes behind it.
#[inline]
fn first_zero(eight: u64) -> Option<usize> {
    let zeros = eight.wrapping_sub(LOW_BITS) & !eight & HIGH_BITS;
    (zeros != 0).then_some(zeros.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use bson::spec::BinarySubtype;
    use bson::{
        Binary, Bson, DateTime, Document, JavaScriptCodeWithScope, RawDocument, Regex, Timestamp,
        doc, oid::ObjectId,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::util::proptest_config::config;

    fn elements_of(document: &Document) -> Vec<u8> {
        let bytes = document.to_vec().expect("a document");
        bytes[4..bytes.len() - 1].to_vec()
    }

    /// What the driver of a reader would make of them.
    fn is_readable(elements: &[u8]) -> bool {
        let length = (elements.len() as i32 + 5).to_le_bytes();
        let bytes = [&length, elements, &[0]].concat();
        RawDocument::from_bytes(&bytes).is_ok_and(|raw| Document::try_from(raw).is_ok())
    }

    /// A value of every type.
    fn every_type() -> Document {
        let binary = |subtype, bytes| Binary { subtype, bytes };
        let scope = JavaScriptCodeWithScope {
            code: "f".into(),
            scope: doc! { "x": [1, { "y": "é" }] },
        };
        doc! {
            "double": 1.5, "string": "é\0💰", "document": { "": {} }, "array": [1, [2, []]],
            "binary": binary(BinarySubtype::Generic, vec![0, 1, 2]),
            "old": binary(BinarySubtype::BinaryOld, vec![3]),
            "undefined": Bson::Undefined, "id": ObjectId::new(), "yes": true, "no": false,
            "date": DateTime::now(), "null": Bson::Null,
            "regex": Regex { pattern: "a(b)".try_into().expect("no NUL"), options: "im".try_into().expect("no NUL") },
            "code": Bson::JavaScriptCode("g".into()), "symbol": Bson::Symbol("s".into()), "scope": scope,
            "int32": 7_i32, "timestamp": Timestamp { time: 1, increment: 2 }, "int64": 7_i64,
            "decimal": "1.50".parse::<bson::Decimal128>().expect("a number"),
            "least": Bson::MinKey, "greatest": Bson::MaxKey,
        }
    }

    /// Documents inside one another.
    fn nested(levels: usize) -> Vec<u8> {
        (0..levels).fold(Vec::new(), |inner, _| {
            let length = (inner.len() as i32 + 5).to_le_bytes();
            [b"\x03a\0", &length[..], &inner, b"\0"].concat()
        })
    }

    #[test]
    fn every_type_is_well_formed_and_not_when_it_is_cut_anywhere() {
        let elements = elements_of(&every_type());
        assert!(are_elements(&elements));
        assert!(are_elements(b""));
        // The crate gives no way to make a pointer.
        assert!(are_elements(b"\x0cp\0\x02\0\0\0a\0aaaaaaaaaaaa"));
        let ends: Vec<usize> = (0..elements.len())
            .filter(|end| are_elements(&elements[..*end]))
            .collect();
        assert_eq!(
            ends.len(),
            every_type().len(),
            "between elements only: {ends:?}"
        );
    }

    #[test]
    fn nesting_is_bounded_as_the_server_bounds_it() {
        assert!(are_elements(&nested(MAX_DEPTH)));
        assert!(!are_elements(&nested(MAX_DEPTH + 1)));
        assert!(!are_elements(&nested(5_000)));
    }

    #[test]
    fn what_a_lying_value_makes_is_not_well_formed() {
        for elements in [
            // A regular expression whose source holds a NUL.
            &b"\x0bv\0a\0\x02zz\0i\0"[..],
            // A length beyond the end, a negative one, one that is too short.
            b"\x02s\0\x09\0\0\0a\0",
            b"\x05b\0\xff\xff\xff\xffa",
            b"\x05b\0\x05\0\0\0\x02\x02\0\0\0a",
            b"\x03d\0\x04\0\0\0\0",
            // No end, an end that is not zero.
            b"\x02s\0\x02\0\0\0ab",
            b"\x03d\0\x05\0\0\0\x01",
            // A boolean of 2, a type that does not exist, a key and a text that are not UTF-8.
            b"\x08b\0\x02",
            b"\x20x\0",
            b"\x0a\xff\0",
            b"\x02s\0\x02\0\0\0\xff\0",
            // A scope behind which something is left.
            b"\x0fc\0\x0f\0\0\0\x01\0\0\0\0\x05\0\0\0\0\0",
        ] {
            assert!(!are_elements(elements), "{elements:?}");
        }
    }

    #[test]
    fn names_are_read_up_to_their_zero_wherever_it_lies() {
        for length in 0..40 {
            // Ones, beside which a zero is easily mistaken, and a character of two bytes at every place.
            let ones = [0x01].repeat(length);
            assert!(are_elements(&[b"\x0a", &ones[..], b"\0"].concat()));
            assert!(!are_elements(&[b"\x0a", &ones[..]].concat()));
            for at in 0..length {
                let [mut whole, mut half, mut high] = [ones.clone(), ones.clone(), ones.clone()];
                whole.splice(at..=at, "é".bytes());
                (half[at], high[at]) = (0xc3, 0x80);
                for (name, is_text) in [(whole, true), (half, false), (high, false)] {
                    for behind in [
                        &b"\0"[..],
                        b"\0\x0aa\0",
                        b"\0\x01double\0\x01\x80\x01\x80\x01\x80\x01\x80",
                    ] {
                        let element = [b"\x0a", &name[..], behind].concat();
                        assert_eq!(are_elements(&element), is_text, "{element:?}");
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(config(2_000))]

        #[test]
        fn what_is_well_formed_can_be_read(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut elements = elements_of(&every_type());
            let at = at.index(elements.len());
            elements[at] = byte;
            prop_assert!(!are_elements(&elements) || is_readable(&elements), "{} at {}", byte, at);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            are_elements(&bytes);
        }
    }
}
