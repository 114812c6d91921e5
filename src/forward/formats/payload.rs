//! Payload of an event: the body that JavaScript made, whose parts go into the bodies of services. Values
//! are copied as text, so that numbers stay as JavaScript prints them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::format::{EncodeError, TOO_LARGE, UNREADABLE};
use crate::forward::event::ForwardedEvent;

#[derive(Deserialize)]
pub struct Payload<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub ts: Cow<'a, str>,
}

/// Value of a property.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Field<'a> {
    Given(&'a RawValue),
    Text(Cow<'a, str>),
    Number(i64),
    Flag(bool),
}

pub type Fields<'a> = BTreeMap<String, Field<'a>>;

/// The body without lone surrogates, for which some services refuse a whole batch.
pub fn text_of(event: &ForwardedEvent) -> Result<Cow<'_, str>, EncodeError> {
    let text = std::str::from_utf8(&event.body).map_err(|_| UNREADABLE)?;
    Ok(without_lone_surrogates(text))
}

pub fn read(text: &str) -> Result<Payload<'_>, EncodeError> {
    serde_json::from_str(text).map_err(|_| UNREADABLE)
}

impl<'a> Payload<'a> {
    /// The fields of `data`. If it is no object, it becomes the field `data`.
    pub fn fields(&self) -> Result<Fields<'a>, EncodeError> {
        let Some(data) = self.data else {
            return Ok(Fields::new());
        };
        if !data.get().starts_with('{') {
            return Ok(Fields::from([("data".to_owned(), Field::Given(data))]));
        }
        let given: BTreeMap<String, &RawValue> =
            serde_json::from_str(data.get()).map_err(|_| UNREADABLE)?;
        let fields = given.into_iter();
        Ok(fields
            .map(|(key, value)| (key, Field::Given(value)))
            .collect())
    }
}

/// The JSON of an event, if the service takes so many bytes.
pub fn encode(event: &impl Serialize, most: usize) -> Result<Vec<u8>, EncodeError> {
    let json = serde_json::to_vec(event).map_err(|_| UNREADABLE)?;
    if json.len() > most {
        return Err(TOO_LARGE);
    }
    Ok(json)
}

/// `before`, the events separated by commas, `after`.
pub fn list(before: &str, events: &[Vec<u8>], after: &str) -> Vec<u8> {
    let bytes: usize = events.iter().map(|event| event.len() + 1).sum();
    let mut list = Vec::with_capacity(before.len() + bytes + after.len());
    list.extend_from_slice(before.as_bytes());
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            list.push(b',');
        }
        list.extend_from_slice(event);
    }
    list.extend_from_slice(after.as_bytes());
    list
}

/// `JSON.stringify` writes a surrogate as an escape only when it has no partner.
fn without_lone_surrogates(text: &str) -> Cow<'_, str> {
    if !text.contains("\\ud") {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let escape = rest.get(at..at + 4).unwrap_or(&rest[at..]);
        let is_lone = matches!(
            escape.as_bytes(),
            [_, b'u', b'd', b'8'..=b'9' | b'a'..=b'f']
        );
        let length = match is_lone {
            true => 6,
            false => 1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
        let end = (at + length).min(rest.len());
        clean.push_str(&rest[..at]);
        clean.push_str(if is_lone { "\\ufffd" } else { &rest[at..end] });
        rest = &rest[end..];
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_are_replaced_and_nothing_else_is() {
        for (text, clean) in [
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"\udfff\ud800x":1}"#, r#"{"\ufffd\ufffdx":1}"#),
            (
                r#"{"a":"\\ud83d\\\ud83d\"ü"}"#,
                r#"{"a":"\\ud83d\\\ufffd\"ü"}"#,
            ),
            (r#"{"a":"\ud7ff \n"}"#, r#"{"a":"\ud7ff \n"}"#),
            ("\\ud8", "\\ufffd"),
            ("\\ud", "\\ud"),
        ] {
            assert_eq!(without_lone_surrogates(text), clean);
        }
    }
}
