//! BSON elements that JavaScript encoded: texts are read from them without parsing the rest.

use crate::util::bytes::u32_at;

/// The value of the leading `userId` string element.
pub fn user_of(elements: &[u8]) -> Option<&str> {
    leading_text(elements, b"\x02userId\0").0.and_then(text)
}

/// A leading `userId` string element.
pub fn user_element(user: &str) -> Vec<u8> {
    let length = (user.len() as u32 + 1).to_le_bytes();
    [b"\x02userId\0", &length[..], user.as_bytes(), b"\0"].concat()
}

/// The user and the name of an event, where they are strings.
pub fn names_of(elements: &[u8]) -> (Option<&str>, Option<&str>) {
    let (user, name, _) = names_and_rest(elements);
    (user.and_then(text), name.and_then(text))
}

/// The name of an event and its dedupe key, if it has one.
pub fn key_of(elements: &[u8]) -> Option<(&str, &str)> {
    let (_, name, rest) = names_and_rest(elements);
    // Most events have none: their names are not looked at.
    let key = leading_text(rest, b"\x02dedupeKey\0").0?;
    text(name?).zip(text(key))
}

fn names_and_rest(elements: &[u8]) -> (Option<&[u8]>, Option<&[u8]>, &[u8]) {
    let (user, rest) = leading_text(elements, b"\x02userId\0");
    let rest = rest.strip_prefix(b"\x0auserId\0").unwrap_or(rest);
    let (name, rest) = leading_text(rest, b"\x02event\0");
    (user, name, rest)
}

/// The value of the string element of this key, if it is the first, and what follows it.
fn leading_text<'a>(elements: &'a [u8], key: &[u8]) -> (Option<&'a [u8]>, &'a [u8]) {
    let value = || {
        let rest = elements.strip_prefix(key)?;
        let length = u32_at(rest, 0)? as usize;
        let text = rest.get(4..4 + length.checked_sub(1)?)?;
        Some((text, rest.get(4 + length..)?))
    };
    value().map_or((None, elements), |(text, rest)| (Some(text), rest))
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(key: &str, value: &str) -> Vec<u8> {
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
    }

    #[test]
    fn a_dedupe_key_follows_the_name_of_its_event() {
        let (name, key) = (text("event", "e"), text("dedupeKey", "evt_1"));
        let data = text("data", "x");
        let all = [&text("userId", "ann")[..], &name, &key, &data].concat();
        assert_eq!(key_of(&all), Some(("e", "evt_1")));
        assert_eq!(key_of(&[&name[..], &key].concat()), Some(("e", "evt_1")));
        assert_eq!(key_of(&[&name[..], &data, &key].concat()), None);
        assert_eq!(key_of(&[&key[..], &name].concat()), None);
        assert_eq!(key_of(&name), None);
    }

    #[test]
    fn a_user_is_read_as_it_was_written() {
        for user in ["", "ann", "ü"] {
            assert_eq!(user_of(&user_element(user)), Some(user));
        }
    }

    #[test]
    fn the_names_of_an_event_are_found_where_they_are_strings() {
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
