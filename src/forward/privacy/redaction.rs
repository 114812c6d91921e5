//! Redaction: JSON without the members whose keys are redacted. Everything else is copied as text, so that
//! numbers and the order of keys stay. It needs no stack: data may be as deep as it likes.

use std::borrow::Cow;

/// An object or array that is not complete.
struct Open {
    is_object: bool,
    /// Whether it has members in the copy.
    has_members: bool,
    /// Bytes of the path that lead to it.
    path: usize,
}

/// `None` if this is no JSON. `keys` are names of members, or the last names of their paths with a dot between
/// two: such members are left out, in objects at any depth. Arrays are no part of a path.
pub fn redacted(json: &str, keys: &[String]) -> Option<String> {
    let (mut copy, mut path) = (String::with_capacity(json.len()), String::new());
    let mut open: Vec<Open> = Vec::new();
    let (mut at, mut is_after_key) = (0, false);
    while let Some(first) = json[at..].chars().next() {
        let end = match first {
            '"' => end_of_text(json, at)?,
            '{' | '}' | '[' | ']' | ',' | ':' => at + 1,
            first if first.is_ascii_whitespace() => at + 1,
            _ => end_of_word(json, at),
        };
        let token = json.get(at..end)?;
        at = end;
        match first {
            '}' | ']' => {
                open.pop()?;
                copy.push_str(token);
                continue;
            }
            // Both are written with what they belong to.
            ',' | ':' => continue,
            first if first.is_ascii_whitespace() => continue,
            _ => {}
        }
        if let Some(parent) = open.last_mut().filter(|_| !is_after_key) {
            path.truncate(parent.path);
            if parent.is_object {
                let key: Cow<'_, str> = serde_json::from_str(token).ok()?;
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&key);
                if keys.iter().any(|redacted| ends_with(&path, redacted)) {
                    at = end_of_value(json, at)?;
                    continue;
                }
            }
            if std::mem::replace(&mut parent.has_members, true) {
                copy.push(',');
            }
            if parent.is_object {
                copy.push_str(token);
                copy.push(':');
                is_after_key = true;
                continue;
            }
        }
        is_after_key = false;
        copy.push_str(token);
        if matches!(first, '{' | '[') {
            open.push(Open {
                is_object: first == '{',
                has_members: false,
                path: path.len(),
            });
        }
    }
    open.is_empty().then_some(copy)
}

/// Whether these are the last names of the path. A key that holds dots is as good as a path.
fn ends_with(path: &str, names: &str) -> bool {
    path.strip_suffix(names)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// Behind the text that begins here.
fn end_of_text(json: &str, at: usize) -> Option<usize> {
    let mut is_escaped = false;
    let end = json.as_bytes()[at + 1..].iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    end.map(|end| at + 1 + end + 1)
}

/// Behind the number, truth value or null that begins here.
fn end_of_word(json: &str, at: usize) -> usize {
    let is_end = |c: char| ",:]}".contains(c) || c.is_ascii_whitespace();
    json[at..].find(is_end).map_or(json.len(), |end| at + end)
}

/// Behind the value after the colon that follows here.
fn end_of_value(json: &str, mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match json.as_bytes().get(at)? {
            b'"' => at = end_of_text(json, at)?,
            b'{' | b'[' => (depth, at) = (depth + 1, at + 1),
            b'}' | b']' => (depth, at) = (depth.checked_sub(1)?, at + 1),
            b':' | b',' => {
                at += 1;
                continue;
            }
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            _ => at = end_of_word(json, at),
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(json: &str, keys: &[&str]) -> Option<String> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        redacted(json, &keys)
    }

    #[test]
    fn members_are_left_out_at_any_depth_and_the_rest_is_copied_as_it_is() {
        for (json, left) in [
            ("{}", "{}"),
            ("5.50", "5.50"),
            (r#""email""#, r#""email""#),
            (r#"{"email":1}"#, "{}"),
            (r#"{"email":{"a":[1,{"b":"}"}]},"n":1e21}"#, r#"{"n":1e21}"#),
            (r#"{"n":-0.10,"email":"x\"y"}"#, r#"{"n":-0.10}"#),
            (
                r#"[1,{"a":null,"email":true,"b":[]},"x"]"#,
                r#"[1,{"a":null,"b":[]},"x"]"#,
            ),
            (r#"{"a":{"b":[[{"email":1}]]}}"#, r#"{"a":{"b":[[{}]]}}"#),
            (r#"{"\u0065mail":1,"e":"email"}"#, r#"{"e":"email"}"#),
            (r#"{"Email":1,"emails":2}"#, r#"{"Email":1,"emails":2}"#),
            (r#"{ "a" : 1 , "email" : [ 2 ] }"#, r#"{"a":1}"#),
        ] {
            assert_eq!(without(json, &["email"]).as_deref(), Some(left), "{json}");
        }
    }

    #[test]
    fn a_path_names_the_last_keys_that_lead_to_a_member() {
        for (json, left) in [
            (
                r#"{"secret":1,"deep":{"secret":2,"n":3}}"#,
                r#"{"secret":1,"deep":{"n":3}}"#,
            ),
            (r#"{"a":{"deep":[{"secret":2}]}}"#, r#"{"a":{"deep":[{}]}}"#),
            (
                r#"{"deep":[{"a":{"b":1}},[{"c":1},{"secret":2}],{"secret":2}]}"#,
                r#"{"deep":[{"a":{"b":1}},[{"c":1},{}],{}]}"#,
            ),
            (
                r#"[{"deep":1},{"secret":2}]"#,
                r#"[{"deep":1},{"secret":2}]"#,
            ),
            (
                r#"{"deep":{"a":{"secret":2}}}"#,
                r#"{"deep":{"a":{"secret":2}}}"#,
            ),
            (
                r#"{"shallowdeep":{"secret":2}}"#,
                r#"{"shallowdeep":{"secret":2}}"#,
            ),
            (r#"{"deep.secret":2}"#, "{}"),
            (r#"{"deep":{},"secret":2}"#, r#"{"deep":{},"secret":2}"#),
            (
                r#"{"deep":{"x":{}},"b":{"secret":2}}"#,
                r#"{"deep":{"x":{}},"b":{"secret":2}}"#,
            ),
        ] {
            let redacted = without(json, &["deep.secret"]);
            assert_eq!(redacted.as_deref(), Some(left), "{json}");
        }
    }

    #[test]
    fn depth_costs_no_stack_and_what_is_no_json_is_nothing() {
        let depth = 100_000;
        let deep = format!("{}1{}", r#"{"d":"#.repeat(depth), "}".repeat(depth));
        assert_eq!(without(&deep, &["email"]), Some(deep));
        for broken in [
            "{",
            "}",
            r#"{"a"#,
            r#"{"email":"#,
            r#"{"email":[1"#,
            "{1:2}",
        ] {
            assert_eq!(without(broken, &["email"]), None, "{broken}");
        }
    }
}
