//! BSON elements that JavaScript encoded: texts are read from them without parsing the rest.

use crate::util::bytes::u32_at;

/// The value of the leading `userId` string element.
pub fn user_of(elements: &[u8]) -> Option<&str> {
    leading_text(elements, b"\x02userId\0").0
}

/// The user and the name of an event, where they are strings.
pub fn names_of(elements: &[u8]) -> (Option<&str>, Option<&str>) {
    let (user, rest) = leading_text(elements, b"\x02userId\0");
    let rest = rest.strip_prefix(b"\x0auserId\0").unwrap_or(rest);
    (user, leading_text(rest, b"\x02event\0").0)
}

/// The value of the string element of this key, if it is the first, and what follows it.
fn leading_text<'a>(elements: &'a [u8], key: &[u8]) -> (Option<&'a str>, &'a [u8]) {
    let value = || {
        let rest = elements.strip_prefix(key)?;
        let length = u32_at(rest, 0)? as usize;
        let text = rest.get(4..4 + length.checked_sub(1)?)?;
        Some((std::str::from_utf8(text).ok()?, rest.get(4 + length..)?))
    };
    value().map_or((None, elements), |(text, rest)| (Some(text), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_an_event_are_found_where_they_are_strings() {
        let text = |key: &str, value: &str| {
            let length = (value.len() as u32 + 1).to_le_bytes();
            [
                b"\x02",
                key.as_bytes(),
                b"\0",
                &length,
                value.as_bytes(),
                b"\0",
            ]
            .concat()
        };
        let both = [text("userId", "ann"), text("event", "e"), text("data", "x")].concat();
        assert_eq!(names_of(&both), (Some("ann"), Some("e")));
        let null = [b"\x0auserId\0".to_vec(), text("event", "e")].concat();
        assert_eq!(names_of(&null), (None, Some("e")));
        assert_eq!(names_of(&text("event", "e")), (None, Some("e")));
        assert_eq!(names_of(&text("userId", "ann")), (Some("ann"), None));
        assert_eq!(names_of(&both[..12]), (None, None));
        assert_eq!(names_of(b""), (None, None));
    }
}
