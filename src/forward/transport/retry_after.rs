//! `Retry-After`: how long a service wants no request, in seconds or as an HTTP date, or as a list of these
//! ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#field.retry-after)).

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime};

/// The two obsolete forms of a date.
const OBSOLETE: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The longest wait of a list: a service that repeats the header asks for each of them. What cannot be read
/// or is in the past counts for nothing.
pub fn parse(value: &str, now_ms: i64) -> Option<Duration> {
    let parts: Vec<&str> = value.split(',').collect();
    // Dates have a comma of their own.
    let dates = parts.windows(2).map(|pair| pair.join(","));
    let values = parts.iter().map(ToString::to_string).chain(dates);
    values.filter_map(|value| wait(value.trim(), now_ms)).max()
}

fn wait(value: &str, now_ms: i64) -> Option<Duration> {
    if let Some(seconds) = seconds(value) {
        // More digits than fit are a long time all the same.
        return Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let ms = date_ms(value)?.checked_sub(now_ms)?;
    Some(Duration::from_millis(ms.try_into().ok()?))
}

/// Digits, with or without a fraction; the standard has none, services do.
fn seconds(value: &str) -> Option<f64> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    value
        .parse()
        .ok()
        .filter(|_| is_number(whole) && is_number(fraction))
}

fn date_ms(value: &str) -> Option<i64> {
    if let Ok(date) = DateTime::parse_from_rfc2822(value) {
        return Some(date.timestamp_millis());
    }
    let read = |form: &&str| NaiveDateTime::parse_from_str(value, form).ok();
    let date = OBSOLETE.iter().find_map(read)?;
    Some(date.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T00:00:00Z.
    const NOW_MS: i64 = 1_795_392_000_000;

    #[test]
    fn seconds_and_dates_of_all_forms_are_read() {
        for (value, seconds) in [
            ("0", 0),
            (" 120 ", 120),
            ("3600", 3_600),
            ("86400", 86_400),
            ("Mon, 23 Nov 2026 00:00:30 GMT", 30),
            ("Monday, 23-Nov-26 00:00:30 GMT", 30),
            ("Mon Nov 23 00:00:30 2026", 30),
            ("Tue, 24 Nov 2026 00:00:00 GMT", 86_400),
        ] {
            let wait = parse(value, NOW_MS);
            assert_eq!(wait, Some(Duration::from_secs(seconds)), "{value}");
        }
        let wait = parse("99999999999999999999999", NOW_MS);
        assert!(wait > Some(Duration::from_secs(1 << 60)), "{wait:?}");
    }

    #[test]
    fn fractions_are_read_to_the_millisecond() {
        for (value, ms) in [("0.5", 500), ("1.5", 1_500), ("007.250", 7_250), ("0.0", 0)] {
            let wait = parse(value, NOW_MS);
            assert_eq!(wait, Some(Duration::from_millis(ms)), "{value}");
        }
    }

    #[test]
    fn of_a_list_the_longest_wait_counts_and_garbage_does_not() {
        for (value, seconds) in [
            ("5, 10", 10),
            ("10,5", 10),
            ("30, soon", 30),
            (",,7,", 7),
            ("1.5, 3, 0", 3),
            ("Mon, 23 Nov 2026 00:00:30 GMT, 20", 30),
            ("40, Monday, 23-Nov-26 00:00:30 GMT", 40),
            (
                "Mon, 23 Nov 2026 00:00:30 GMT, Tue, 24 Nov 2026 00:00:00 GMT",
                86_400,
            ),
            ("Sun, 22 Nov 2026 23:59:59 GMT, 4", 4),
        ] {
            let wait = parse(value, NOW_MS);
            assert_eq!(wait, Some(Duration::from_secs(seconds)), "{value}");
        }
    }

    #[test]
    fn garbage_and_the_past_are_ignored() {
        for value in [
            "",
            "-5",
            "1.",
            ".5",
            "1.5.2",
            "1e3",
            "inf",
            "-1, -2",
            "soon",
            "12 seconds",
            "0x10",
            "Mon, 23 Nov 2026",
            "Sun, 22 Nov 2026 23:59:59 GMT",
            "Fri, 99 Nov 2026 00:00:00 GMT",
            "\u{0}",
        ] {
            assert_eq!(parse(value, NOW_MS), None, "{value}");
        }
    }
}
