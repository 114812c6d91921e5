//! Text that others wrote: messages of servers, answers of services, data in them. It is shown in logs, errors
//! and reports as one short line, without the values of documents and without credentials that were sent.
//!
//! Credentials are those of the whole process: whoever is sent one may quote it in any answer.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

/// Longest text that is shown, in characters; `…` follows where it was longer.
const LONGEST: usize = 300;
const LEFT_OUT: &str = "…";
/// What is shorter is no secret; what is shorter than the second is hidden where it stands as a word, so that
/// other words stay whole.
const SHORTEST: usize = 4;
const SHORTEST_WITHIN_WORDS: usize = 8;

static CREDENTIALS: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());

/// No text that is shown from now on holds this credential.
pub fn hide(credential: &str) {
    let credential = one_line(credential);
    if credential.len() >= SHORTEST {
        let all = CREDENTIALS.write();
        all.unwrap_or_else(PoisonError::into_inner)
            .insert(credential);
    }
}

/// The text as it may be shown.
pub fn shown(text: &str) -> String {
    let mut text = one_line(text);
    let credentials = CREDENTIALS.read().unwrap_or_else(PoisonError::into_inner);
    // The longer ones first, as they may hold shorter ones.
    let mut found: Vec<&String> = credentials
        .iter()
        .filter(|one| text.contains(*one))
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.len()));
    for credential in found {
        text = without(&text, credential);
    }
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push_str(LEFT_OUT);
    }
    short
}

/// The message of a server as it may be shown: up to the first brace or quote. There it begins to quote values of
/// documents, which may hold braces and quotes as well.
pub fn without_values(text: &str) -> String {
    let is_value = |(at, c): &(usize, char)| match c {
        '{' | '"' => true,
        // Within a word it is an apostrophe.
        '\'' => !text[..*at].ends_with(char::is_alphanumeric),
        _ => false,
    };
    match text.char_indices().find(is_value) {
        Some((at, _)) => shown(&format!("{}{LEFT_OUT}", &text[..at])),
        None => shown(text),
    }
}

/// The message about a document as it may be shown: without numbers and words after colons, either, which are
/// values that stand there without quotes.
pub fn about_a_document(text: &str) -> String {
    let text = without_values(text);
    let mut parts = text.split(": ");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    let parts: Vec<&str> = parts.collect();
    for (place, part) in parts.iter().enumerate() {
        let end = part.find([' ', ',']).unwrap_or(part.len());
        let (word, rest) = part.split_at(end);
        let is_number = word.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        let is_last = rest.is_empty() && place + 1 == parts.len() && !word.contains(LEFT_OUT);
        shown.push_str(": ");
        shown.push_str(if is_number || is_last { LEFT_OUT } else { word });
        shown.push_str(rest);
    }
    shown
}

/// Without control characters, line breaks and marks that turn the direction of writing.
fn one_line(text: &str) -> String {
    let is_break = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        c.is_control() || c.is_whitespace() || turns
    };
    let words = text.split(is_break).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// The text without a credential.
fn without(text: &str, credential: &str) -> String {
    if credential.len() >= SHORTEST_WITHIN_WORDS {
        return text.replace(credential, LEFT_OUT);
    }
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut rest, mut kept) = (text, String::with_capacity(text.len()));
    while let Some(at) = rest.find(credential) {
        let (before, found) = rest.split_at(at);
        let after = &found[credential.len()..];
        let is_within_word = before.ends_with(is_of_word) || after.starts_with(is_of_word);
        kept.push_str(before);
        kept.push_str(if is_within_word { credential } else { LEFT_OUT });
        rest = after;
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::util::proptest_config::config;

    #[test]
    fn values_of_documents_are_left_out() {
        for (text, expected) in [
            (
                r#"E11000 duplicate key error collection: db.gsoevents index: data.code_1 dup key: { data.code: "s3cret } x" }"#,
                "E11000 duplicate key error collection: db.gsoevents index: data.code_1 dup key: …",
            ),
            (
                r#"Can't extract geo keys: { _id: 1, at: { type: "Pint", s3cret: [ 1 ] } }  unknown GeoJSON type: { type: "s3cret" }"#,
                "Can't extract geo keys: …",
            ),
            (
                "Can't extract geo keys: { _id: 1, name: \"s3cret",
                "Can't extract geo keys: …",
            ),
            (
                "Failed to parse number 's3cret' in $convert with no onError value",
                "Failed to parse number …",
            ),
            (
                r#"Cast to ObjectId failed for value "s"3cret" (type string) at path "_id" for model "M""#,
                "Cast to ObjectId failed for value …",
            ),
            (
                "language override unsupported: s3cret",
                "language override unsupported: …",
            ),
            (
                "longitude/latitude is out of bounds, lng: 31337 lat: -31337.5",
                "longitude/latitude is out of bounds, lng: … lat: …",
            ),
            ("not authorized on db", "not authorized on db"),
        ] {
            assert_eq!(about_a_document(text), expected);
        }
    }

    #[test]
    fn a_message_keeps_what_is_no_value() {
        hide("root");
        assert_eq!(shown("user root:root@host"), "user …:…@host");
        for text in [
            "not primary",
            "operation was interrupted: 1 of 3 members",
            "the user's rights don't suffice",
            "a rooted tree of gso_root",
        ] {
            assert_eq!(without_values(text), text);
        }
    }

    fn is_plain(c: char) -> bool {
        !c.is_control() && !('\u{2028}'..='\u{202e}').contains(&c)
    }

    proptest! {
        #![proptest_config(config(500))]

        #[test]
        fn any_text_is_one_short_line_without_credentials(
            parts in prop::collection::vec(any::<String>(), 1..6),
            secret in "[!-~]{4,40}",
            filler in 0_usize..400,
            place in any::<prop::sample::Index>(),
        ) {
            let credential = format!("key-{secret}");
            hide(&credential);
            let mut text = format!("{}{}", "x".repeat(filler), parts.join(&credential));
            let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
            text.insert_str(*place.get(&places), &credential);
            for shown in [shown(&text), without_values(&text), about_a_document(&text)] {
                prop_assert!(!shown.contains(&credential), "{shown:?}");
                prop_assert!(shown.chars().all(is_plain), "{shown:?}");
                prop_assert!(shown.chars().count() <= LONGEST + 1, "{shown:?}");
            }
        }

        #[test]
        fn what_the_server_quotes_of_a_document_is_never_shown(
            key in "[a-z]{1,8}",
            value in "[ -~]{0,60}",
            before in prop::sample::select(vec!["E11000 dup key: ", "Can't extract geo keys: ", ""]),
            after in prop::sample::select(vec!["", " unknown type", "\n:: caused by :: more"]),
        ) {
            let secret = format!("s3cret{value}s3cret");
            for text in [
                format!("{before}{{ {key}: \"{secret}\" }}{after}"),
                format!("{before}{{ {key}: \"{secret}"),
                format!("{before}\"{secret}\"{after}"),
            ] {
                let shown = without_values(&text);
                prop_assert!(!shown.contains("s3cret"), "{shown:?}");
            }
        }
    }
}
