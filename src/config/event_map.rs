//! Options that say something of events: maps whose keys are names of events.

use serde_json::Value;

use super::error::ConfigError;

/// Names of events and of fields of their payload, in bytes.
const LONGEST_NAME: usize = 256;
const NO_MAP: &str = "must be a plain object that can be read, with names of events as its keys";

/// Reads the entries of an option, where it is given. `set` says what is wrong with one.
pub fn read(
    option: &str,
    given: Option<Value>,
    mut set: impl FnMut(String, Value) -> Result<(), &'static str>,
) -> Result<(), ConfigError> {
    let entries = match given {
        None => return Ok(()),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(ConfigError::new(option, NO_MAP)),
    };
    for (event, value) in entries {
        let label = label(option, &event);
        let outcome = match event.len() {
            0..=LONGEST_NAME => set(event, value),
            _ => Err("is the name of no event: it has more than 256 bytes"),
        };
        outcome.map_err(|problem| ConfigError::new(label, problem))?;
    }
    Ok(())
}

/// Whether it may be the name of a field of a payload.
pub fn is_field(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len()) && !name.contains('\0')
}

/// The entry of an event, as an error names it.
fn label(option: &str, event: &str) -> String {
    const SHOWN: usize = 64;
    let shown: String = event.chars().take(SHOWN).collect();
    format!("{option}[{}]", Value::String(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(given: Value) -> String {
        let read = read("counters", Some(given), |_, _| Err("is wrong"));
        read.expect_err("a problem").to_string()
    }

    #[test]
    fn an_error_names_the_option_or_its_entry() {
        let long = "e".repeat(257);
        assert_eq!(
            problem(serde_json::json!(["a"])),
            format!("counters: {NO_MAP}")
        );
        assert_eq!(
            problem(serde_json::json!({ "a\"b": 1 })),
            r#"counters["a\"b"]: is wrong"#
        );
        assert_eq!(
            problem(serde_json::json!({ &long: 1 })),
            format!(
                "counters[\"{}\"]: is the name of no event: it has more than 256 bytes",
                &long[..64]
            )
        );
    }
}
