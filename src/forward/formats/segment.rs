//! Segment's [batch](https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#batch),
//! which RudderStack takes too: `track` calls that are told apart by `messageId`.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::payload::{self, Fields};
use super::{Endpoint, Format, Limits, NO_NAME, Unfit, join};
use crate::forward::event::Event;
use crate::forward::verdict::{Answer, Verdict, judge};
use crate::record::day::iso;

/// Room for what stands around the events.
const ENVELOPE: usize = 100;

pub struct Segment {
    url: String,
    write_key: String,
}

impl Segment {
    pub fn new(base: &str, write_key: &str) -> Self {
        Self {
            url: join(base, "/v1/batch"),
            write_key: write_key.to_owned(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Track<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    /// Of an event without a user: it must have one of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymous_id: Option<&'a str>,
    properties: Fields<'a>,
    timestamp: Cow<'a, str>,
    message_id: &'a str,
}

#[derive(Deserialize)]
struct Report {
    success: Option<bool>,
}

impl Format for Segment {
    fn endpoint(&self) -> Endpoint {
        Endpoint {
            url: self.url.clone(),
            basic: Some((self.write_key.clone(), String::new())),
            is_gzip: false,
        }
    }

    /// More events than that are answered with 200 and not taken.
    fn limits(&self) -> Limits {
        Limits {
            events: 2_500,
            bytes: 500_000 - ENVELOPE,
            event_bytes: 32_000,
        }
    }

    fn encode(&self, event: &Event) -> Result<Vec<u8>, Unfit> {
        let id = event.id.to_string();
        let user = event.user.as_deref().filter(|user| !user.is_empty());
        let text = payload::text_of(event)?;
        let payload = payload::read(&text)?;
        let name = event.name.as_deref().filter(|name| !name.is_empty());
        let track = Track {
            kind: "track",
            event: name.ok_or(NO_NAME)?,
            user_id: user,
            anonymous_id: user.is_none().then_some(&id),
            properties: payload.fields()?,
            timestamp: payload.ts,
            message_id: &id,
        };
        payload::written(&track, self.limits().event_bytes)
    }

    fn body(&self, events: &[Vec<u8>], now_ms: i64) -> Vec<u8> {
        let sent_at = format!(r#"],"sentAt":"{}"}}"#, iso(now_ms));
        payload::list(r#"{"batch":["#, events, &sent_at)
    }

    fn judge(&self, answer: &Answer, _events: usize) -> Verdict {
        let report = || serde_json::from_slice::<Report>(&answer.body).ok();
        match answer.status {
            200..=299 if report().is_some_and(|report| report.success == Some(false)) => {
                Verdict::Refused
            }
            410 | 460 => Verdict::Retry,
            511 => Verdict::RetrySlowly,
            status => judge(status),
        }
    }

    fn longest_retry_after(&self) -> Duration {
        Duration::from_secs(300)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::event::testing::event;
    use super::*;

    fn judged(status: u16, body: &str) -> Verdict {
        let answer = Answer {
            status,
            retry_after: None,
            body: body.as_bytes().to_vec(),
        };
        Segment::new("http://h", "key").judge(&answer, 3)
    }

    #[test]
    fn an_event_is_a_track_call_with_its_own_time_and_id() {
        let event = event(5, "ann", r#"{"amount":5}"#);
        let json = Segment::new("http://h", "key")
            .encode(&event)
            .expect("fits");
        let expected = format!(
            r#"{{"type":"track","event":"quest.done","userId":"ann","properties":{{"amount":5}},"timestamp":"2026-11-23T00:00:00.000Z","messageId":"{}"}}"#,
            event.id
        );
        assert_eq!(String::from_utf8(json).expect("text"), expected);
    }

    #[test]
    fn an_event_without_a_user_is_anonymous_and_one_without_a_name_is_unfit() {
        let mut event = event(5, "", "{}");
        let json = Segment::new("http://h", "key")
            .encode(&event)
            .expect("fits");
        let json = String::from_utf8(json).expect("text");
        let id = event.id;
        assert!(
            json.contains(&format!(r#""anonymousId":"{id}","#)),
            "{json}"
        );
        assert!(!json.contains("userId"), "{json}");
        Arc::get_mut(&mut event).expect("the only one").name = None;
        let outcome = Segment::new("http://h", "key").encode(&event);
        assert_eq!(outcome, Err(NO_NAME));
    }

    #[test]
    fn a_request_is_a_batch_with_the_time_of_sending() {
        let segment = Segment::new("http://h/base/", "key");
        let body = segment.body(&[b"1".to_vec(), b"2".to_vec()], 1_795_392_000_001);
        let expected = br#"{"batch":[1,2],"sentAt":"2026-11-23T00:00:00.001Z"}"#;
        assert_eq!(body, expected);
        assert_eq!(segment.endpoint().url, "http://h/base/v1/batch");
    }

    #[test]
    fn its_own_statuses_and_a_success_that_is_none_are_known() {
        assert_eq!(judged(200, r#"{"success":true}"#), Verdict::Delivered);
        assert_eq!(judged(200, "ok"), Verdict::Delivered);
        assert_eq!(judged(200, r#"{"success":false}"#), Verdict::Refused);
        assert_eq!(judged(410, ""), Verdict::Retry);
        assert_eq!(judged(460, ""), Verdict::Retry);
        assert_eq!(judged(511, ""), Verdict::RetrySlowly);
        assert_eq!(judged(400, ""), Verdict::Refused);
    }
}
