//! Mixpanel's [import](https://docs.mixpanel.com/reference/import-events): batches of events that are
//! told apart by `$insert_id`. A response of 400 lists the events that were refused; the others were taken.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::format::{EncodeError, Format, Limits, NO_NAME, join};
use super::payload::{self, Field, Fields};
use crate::forward::event::ForwardedEvent;
use crate::forward::transport::{Disposition, Endpoint, Response, of_status};

/// Longest event, in bytes.
const EVENT_BYTES: usize = 1_000_000;

pub struct Mixpanel {
    pub basic: (String, String),
    pub project_id: Option<String>,
}

#[derive(Serialize)]
struct Imported<'a> {
    event: &'a str,
    properties: Fields<'a>,
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    failed_records: Vec<FailedRecord>,
    num_records_imported: Option<usize>,
}

#[derive(Deserialize)]
struct FailedRecord {
    index: usize,
    #[serde(default)]
    field: String,
    #[serde(default)]
    message: String,
}

impl Format for Mixpanel {
    fn endpoint(&self, base: &str) -> Endpoint {
        let mut url = join(base, "/import?strict=1");
        if let Some(id) = &self.project_id {
            url.push_str("&project_id=");
            url.extend(id.chars().filter(char::is_ascii_alphanumeric));
        }
        Endpoint {
            url,
            basic: Some(self.basic.clone()),
            is_gzip: true,
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            events: 2_000,
            bytes: 2_000_000,
        }
    }

    fn encode(&self, event: &ForwardedEvent) -> Result<Vec<u8>, EncodeError> {
        let text = payload::text_of(event)?;
        let mut properties = payload::read(&text)?.fields()?;
        let id = Field::Text(event.id.to_string().into());
        // Mixpanel takes an event without a user as one with an empty id.
        let user = Cow::from(event.user().unwrap_or_default());
        properties.insert("time".into(), Field::Number(event.time_ms));
        properties.insert("distinct_id".into(), Field::Text(user));
        properties.insert("$insert_id".into(), id);
        let imported = Imported {
            event: event.name().ok_or(NO_NAME)?,
            properties,
        };
        payload::encode(&imported, EVENT_BYTES)
    }

    fn body(&self, events: &[Vec<u8>], _now_ms: i64) -> Vec<u8> {
        payload::list("[", events, "]")
    }

    fn interpret(&self, response: &Response, events: usize) -> Disposition {
        let disposition = of_status(response.status);
        let report: Option<Report> = serde_json::from_slice(&response.body).ok();
        match (response.status, report) {
            (400, Some(report)) => refused(&report, events).unwrap_or(disposition),
            // Sending them again is safe: Mixpanel knows by its id what it has taken.
            (200, Some(report)) if report.num_records_imported.is_some_and(|n| n < events) => {
                Disposition::Refused
            }
            _ => disposition,
        }
    }
}

fn refused(report: &Report, events: usize) -> Option<Disposition> {
    let indices = report.failed_records.iter().map(|record| record.index);
    let refused: BTreeSet<usize> = indices.filter(|index| *index < events).collect();
    let first = report.failed_records.first()?;
    (!refused.is_empty()).then(|| Disposition::Partly {
        refused: refused.len(),
        problem: format!("{}: {}", first.field, first.message),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::event::testing::event;

    fn mixpanel(project_id: Option<&str>) -> Mixpanel {
        Mixpanel {
            basic: ("token".to_owned(), String::new()),
            project_id: project_id.map(str::to_owned),
        }
    }

    fn judged(status: u16, body: &str) -> Disposition {
        let body = body.as_bytes().to_vec();
        let response = Response {
            status,
            retry_after: std::time::Duration::ZERO,
            body,
        };
        mixpanel(None).interpret(&response, 3)
    }

    #[test]
    fn an_event_carries_time_user_and_id_which_its_data_cannot_replace() {
        let event = event(
            5,
            "ann",
            r#"{"time":1,"big":1e21,"distinct_id":"x","b":{"a":1}}"#,
        );
        let json = mixpanel(None).encode(&event).expect("fits");
        let expected = format!(
            r#"{{"event":"quest.done","properties":{{"$insert_id":"{}","b":{{"a":1}},"big":1e21,"distinct_id":"ann","time":1795392000000}}}}"#,
            event.id
        );
        assert_eq!(String::from_utf8(json).expect("text"), expected);
    }

    #[test]
    fn a_request_is_an_array_at_the_path_of_the_import() {
        let body = mixpanel(None).body(&[b"{}".to_vec(), b"{}".to_vec()], 0);
        assert_eq!(body, b"[{},{}]");
        let url = mixpanel(Some("12&a=b")).endpoint("http://h/").url;
        assert_eq!(url, "http://h/import?strict=1&project_id=12ab");
    }

    #[test]
    fn data_of_any_kind_is_carried() {
        for (data, shown) in [
            ("null", r#"{"$insert_id""#),
            ("[1,2]", r#""data":[1,2]"#),
            (r#""text""#, r#""data":"text""#),
            (r#"{"a":"\ud83d"}"#, r#""a":"\ufffd""#),
            (r#"{"":0.1}"#, r#"{"":0.1"#),
        ] {
            let json = mixpanel(None).encode(&event(1, "u", data)).expect("fits");
            let json = String::from_utf8(json).expect("text");
            assert!(json.contains(shown), "{json}");
        }
    }

    #[test]
    fn an_event_that_is_too_large_is_an_encode_error() {
        let data = format!(r#"{{"text":"{}"}}"#, "x".repeat(1_000_000));
        let outcome = mixpanel(None).encode(&event(1, "u", &data));
        assert_eq!(outcome, Err(crate::forward::formats::format::TOO_LARGE));
    }

    #[test]
    fn a_plausible_list_of_refused_events_is_used() {
        let partly = judged(
            400,
            r#"{"code":400,"num_records_imported":1,"status":"Bad Request",
                "failed_records":[{"index":2,"field":"properties.time","message":"m"},{"index":0},{"index":2}]}"#,
        );
        let expected = Disposition::Partly {
            refused: 2,
            problem: "properties.time: m".into(),
        };
        assert_eq!(partly, expected);
        for body in [
            "",
            "not json",
            "{}",
            r#"{"failed_records":[]}"#,
            r#"{"failed_records":[{"index":3}]}"#,
            r#"{"failed_records":[{"index":-1}]}"#,
            r#"{"failed_records":[{"index":0},"#,
        ] {
            assert_eq!(judged(400, body), Disposition::Refused, "{body}");
        }
    }

    #[test]
    fn a_success_that_took_fewer_than_were_sent_is_a_refusal() {
        let taken =
            |n: usize| format!(r#"{{"code":200,"num_records_imported":{n},"status":"OK"}}"#);
        assert_eq!(judged(200, &taken(3)), Disposition::Delivered);
        assert_eq!(judged(200, &taken(2)), Disposition::Refused);
        assert_eq!(judged(200, "garbage"), Disposition::Delivered);
        assert_eq!(judged(429, "{}"), Disposition::Retry);
        assert_eq!(judged(413, "{}"), Disposition::TooLarge);
    }
}
