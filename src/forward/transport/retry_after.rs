//! `Retry-After`: how long a service wants no request, in seconds or as an HTTP date
//! ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#field.retry-after)).

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime};

/// The two obsolete forms of a date.
const OBSOLETE: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// `None` if the value cannot be read or is in the past.
pub fn parse(value: &str, now_ms: i64) -> Option<Duration> {
    let value = value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    Some(match is_number {
        // More digits than fit are a long time all the same.
        true => Duration::from_secs(value.parse().unwrap_or(u64::MAX)),
        false => Duration::from_millis(date_ms(value)?.checked_sub(now_ms)?.try_into().ok()?),
    })
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
            ("99999999999999999999999", u64::MAX),
            ("Mon, 23 Nov 2026 00:00:30 GMT", 30),
            ("Monday, 23-Nov-26 00:00:30 GMT", 30),
            ("Mon Nov 23 00:00:30 2026", 30),
            ("Tue, 24 Nov 2026 00:00:00 GMT", 86_400),
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
            "1.5",
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
