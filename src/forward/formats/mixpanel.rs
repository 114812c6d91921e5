//! Mixpanel's [import](https://docs.mixpanel.com/reference/import-events): batches of events that are
//! told apart by `$insert_id`. An answer of 400 lists the events that were refused; the others are in.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::payload::{self, Field, Fields};
use super::{Endpoint, Format, Limits, NO_NAME, Unfit, join};
use crate::forward::event::Event;
use crate::forward::verdict::{Answer, Verdict, judge};

pub struct Mixpanel {
    url: String,
    basic: (String, String),
}

impl Mixpanel {
    pub fn new(base: &str, basic: (String, String), project_id: Option<&str>) -> Self {
        let mut url = join(base, "/import?strict=1");
        if let Some(id) = project_id {
            url.push_str("&project_id=");
            url.extend(id.chars().filter(char::is_ascii_alphanumeric));
        }
        Self { url, basic }
    }
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
    fn endpoint(&self) -> Endpoint {
        Endpoint {
            url: self.url.clone(),
            basic: Some(self.basic.clone()),
            is_gzip: true,
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            events: 2_000,
            bytes: 2_000_000,
            event_bytes: 1_000_000,
        }
    }

    fn encode(&self, event: &Event) -> Result<Vec<u8>, Unfit> {
        let name = event.name.as_deref().filter(|name| !name.is_empty());
        let text = payload::text_of(event)?;
        let mut properties = payload::read(&text)?.fields()?;
        let id = Field::Text(event.id.to_string().into());
        // An event without a user is one with an empty id.
        let user = Cow::from(event.user.as_deref().unwrap_or_default());
        properties.insert("time".into(), Field::Number(event.time_ms));
        properties.insert("distinct_id".into(), Field::Text(user));
        properties.insert("$insert_id".into(), id);
        let imported = Imported {
            event: name.ok_or(NO_NAME)?,
            properties,
        };
        payload::written(&imported, self.limits().event_bytes)
    }

    fn body(&self, events: &[Vec<u8>], _now_ms: i64) -> Vec<u8> {
        payload::list("[", events, "]")
    }

    fn judge(&self, answer: &Answer, events: usize) -> Verdict {
        let verdict = judge(answer.status);
        let report: Option<Report> = serde_json::from_slice(&answer.body).ok();
        match (answer.status, report) {
            (400, Some(report)) => refused(&report, events).unwrap_or(verdict),
            // Sending them again is safe: what is there already is known by its id.
            (200, Some(report)) if report.num_records_imported.is_some_and(|n| n < events) => {
                Verdict::Refused
            }
            _ => verdict,
        }
    }
}

fn refused(report: &Report, events: usize) -> Option<Verdict> {
    let places = report.failed_records.iter().map(|record| record.index);
    let refused: BTreeSet<usize> = places.filter(|place| *place < events).collect();
    let first = report.failed_records.first()?;
    (!refused.is_empty()).then(|| Verdict::Partly {
        refused: refused.into_iter().collect(),
        problem: format!("{}: {}", first.field, first.message),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::event::testing::event;
    use super::*;

    fn mixpanel() -> Mixpanel {
        Mixpanel::new("http://h/", ("token".into(), String::new()), Some("12&a=b"))
    }

    fn judged(status: u16, body: &str) -> Verdict {
        let body = body.as_bytes().to_vec();
        let answer = Answer {
            status,
            retry_after: None,
            body,
        };
        mixpanel().judge(&answer, 3)
    }

    #[test]
    fn an_event_carries_time_user_and_id_which_its_data_cannot_replace() {
        let event = event(
            5,
            "ann",
            r#"{"time":1,"big":1e21,"distinct_id":"x","b":{"a":1}}"#,
        );
        let json = mixpanel().encode(&event).expect("fits");
        let expected = format!(
            r#"{{"event":"quest.done","properties":{{"$insert_id":"{}","b":{{"a":1}},"big":1e21,"distinct_id":"ann","time":1795392000000}}}}"#,
            event.id
        );
        assert_eq!(String::from_utf8(json).expect("text"), expected);
    }

    #[test]
    fn a_request_is_an_array_at_the_path_of_the_import() {
        let body = mixpanel().body(&[b"{}".to_vec(), b"{}".to_vec()], 0);
        assert_eq!(body, b"[{},{}]");
        let url = mixpanel().endpoint().url;
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
            let json = mixpanel().encode(&event(1, "u", data)).expect("fits");
            let json = String::from_utf8(json).expect("text");
            assert!(json.contains(shown), "{json}");
        }
    }

    #[test]
    fn an_event_that_is_too_large_is_told_before_it_is_sent() {
        let data = format!(r#"{{"text":"{}"}}"#, "x".repeat(1_000_000));
        let outcome = mixpanel().encode(&event(1, "u", &data));
        assert_eq!(outcome, Err(super::super::TOO_LARGE));
    }

    #[test]
    fn the_list_of_refused_events_is_believed_where_it_makes_sense() {
        let partly = judged(
            400,
            r#"{"code":400,"num_records_imported":1,"status":"Bad Request",
                "failed_records":[{"index":2,"field":"properties.time","message":"m"},{"index":0},{"index":2}]}"#,
        );
        let expected = Verdict::Partly {
            refused: vec![0, 2],
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
            assert_eq!(judged(400, body), Verdict::Refused, "{body}");
        }
    }

    #[test]
    fn a_success_that_took_less_than_was_sent_is_none() {
        let taken =
            |n: usize| format!(r#"{{"code":200,"num_records_imported":{n},"status":"OK"}}"#);
        assert_eq!(judged(200, &taken(3)), Verdict::Delivered);
        assert_eq!(judged(200, &taken(2)), Verdict::Refused);
        assert_eq!(judged(200, "garbage"), Verdict::Delivered);
        assert_eq!(judged(429, "{}"), Verdict::Retry);
        assert_eq!(judged(413, "{}"), Verdict::TooLarge);
    }
}
