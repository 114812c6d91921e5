//! Pseudonyms: documents that name a user, with another name in place of the user's.

use bson::{Bson, Document};

/// From so many bytes on an id is recognised within longer texts; a shorter one may be a part of anything.
const DISTINCT: usize = 12;

/// The document with the new name in all texts, keys and object ids that are the old one, and without the
/// field `username`.
pub fn renamed(document: &Document, old: &str, new: &str) -> Document {
    let mut renamed = in_document(document, old, new);
    if let Some(username) = renamed.get_mut("username") {
        *username = Bson::Null;
    }
    renamed
}

fn in_document(document: &Document, old: &str, new: &str) -> Document {
    let fields = document.iter();
    fields
        .map(|(key, value)| (in_text(key, old, new), in_value(value, old, new)))
        .collect()
}

fn in_value(value: &Bson, old: &str, new: &str) -> Bson {
    match value {
        Bson::String(text) => Bson::String(in_text(text, old, new)),
        Bson::ObjectId(id) if id.to_hex() == old => Bson::String(new.to_owned()),
        Bson::Document(inner) => Bson::Document(in_document(inner, old, new)),
        Bson::Array(values) => {
            let values = values.iter().map(|value| in_value(value, old, new));
            Bson::Array(values.collect())
        }
        other => other.clone(),
    }
}

fn in_text(text: &str, old: &str, new: &str) -> String {
    match text == old {
        true => new.to_owned(),
        false if old.len() >= DISTINCT => text.replace(old, new),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;
    use bson::oid::ObjectId;

    use super::*;

    #[test]
    fn a_name_is_replaced_wherever_it_stands() {
        let before = doc! {
            "_id": { "p": "d:2026-11-28", "u": "ann" }, "userId": "ann", "username": "Ann",
            "data": { "to": ["bob", "ann", { "ann": 1 }], "amount": 5, "note": "annual" },
        };
        let after = doc! {
            "_id": { "p": "d:2026-11-28", "u": "x1" }, "userId": "x1", "username": null,
            "data": { "to": ["bob", "x1", { "x1": 1 }], "amount": 5, "note": "annual" },
        };
        assert_eq!(renamed(&before, "ann", "x1"), after);
    }

    #[test]
    fn a_long_one_is_found_within_texts_and_as_an_object_id() {
        let id = ObjectId::from_bytes([7; 12]);
        let before = doc! { "data": { "by": id, "url": format!("/players/{id}/"), "at": 7 } };
        let after = doc! { "data": { "by": "x1", "url": "/players/x1/", "at": 7 } };
        assert_eq!(renamed(&before, &id.to_hex(), "x1"), after);
    }

    #[test]
    fn a_short_one_changes_no_number_and_no_other_text() {
        let before = doc! { "userId": "1", "data": { "amount": "10", "level": 1, "id": "1" } };
        let after = doc! { "userId": "x", "data": { "amount": "10", "level": 1, "id": "x" } };
        assert_eq!(renamed(&before, "1", "x"), after);
    }
}
