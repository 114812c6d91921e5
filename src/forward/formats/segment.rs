//! Segment's [batch](https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#batch),
//! which RudderStack takes too: `track` calls that are told apart by `messageId`.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::format::{EncodeError, Format, Limits, NO_NAME, join};
use super::payload::{self, Fields};
use crate::forward::event::ForwardedEvent;
use crate::forward::transport::{Disposition, Endpoint, Response, of_status};
use crate::record::day::iso;

/// Room for the body around the events.
const ENVELOPE: usize = 100;

/// Longest event, in bytes.
const EVENT_BYTES: usize = 32_000;

pub struct Segment {
    pub write_key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Track<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    /// Only without a user: an event must have one of the two ids.
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
    fn endpoint(&self, base: &str) -> Endpoint {
        Endpoint {
            url: join(base, "/v1/batch"),
            basic: Some((self.write_key.clone(), String::new())),
            is_gzip: false,
        }
    }

    /// Segment answers 200 to more events, and does not take them.
    fn limits(&self) -> Limits {
        Limits {
            events: 2_500,
            bytes: 500_000 - ENVELOPE,
        }
    }

    fn encode(&self, event: &ForwardedEvent) -> Result<Vec<u8>, EncodeError> {
        let id = event.id.to_string();
        let user = event.user();
        let text = payload::text_of(event)?;
        let payload = payload::read(&text)?;
        let track = Track {
            kind: "track",
            event: event.name().ok_or(NO_NAME)?,
            user_id: user,
            anonymous_id: user.is_none().then_some(&id),
            properties: payload.fields()?,
            timestamp: payload.ts,
            message_id: &id,
        };
        payload::encode(&track, EVENT_BYTES)
    }

    fn body(&self, events: &[Vec<u8>], now_ms: i64) -> Vec<u8> {
        let sent_at = format!(r#"],"sentAt":"{}"}}"#, iso(now_ms));
        payload::list(r#"{"batch":["#, events, &sent_at)
    }

    fn interpret(&self, response: &Response, _events: usize) -> Disposition {
        let is_refusal = |report: Report| report.success == Some(false);
        match response.status {
            200..=299 if serde_json::from_slice(&response.body).is_ok_and(is_refusal) => {
                Disposition::Refused
            }
            410 | 460 => Disposition::Retry,
            511 => Disposition::ConfigError,
            status => of_status(status),
        }
    }

    fn max_retry_after(&self) -> Duration {
        Duration::from_secs(300)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::forward::event::testing::event;

    fn segment() -> Segment {
        Segment {
            write_key: "key".to_owned(),
        }
    }

    fn judged(status: u16, body: &str) -> Disposition {
        let response = Response {
            status,
            retry_after: Duration::ZERO,
            body: body.as_bytes().to_vec(),
        };
        segment().interpret(&response, 3)
    }

    #[test]
    fn an_event_is_a_track_call_with_its_own_time_and_id() {
        let event = event(5, "ann", r#"{"amount":5}"#);
        let json = segment().encode(&event).expect("fits");
        let expected = format!(
            r#"{{"type":"track","event":"quest.done","userId":"ann","properties":{{"amount":5}},"timestamp":"2026-11-23T00:00:00.000Z","messageId":"{}"}}"#,
            event.id
        );
        assert_eq!(String::from_utf8(json).expect("text"), expected);
    }

    #[test]
    fn an_event_without_a_user_is_anonymous_and_one_without_a_name_is_an_encode_error() {
        let mut event = event(5, "", "{}");
        let json = segment().encode(&event).expect("fits");
        let json = String::from_utf8(json).expect("text");
        let id = event.id;
        assert!(
            json.contains(&format!(r#""anonymousId":"{id}","#)),
            "{json}"
        );
        assert!(!json.contains("userId"), "{json}");
        Arc::get_mut(&mut event).expect("the only one").name = None;
        let outcome = segment().encode(&event);
        assert_eq!(outcome, Err(NO_NAME));
    }

    #[test]
    fn a_request_is_a_batch_with_the_time_of_sending() {
        let body = segment().body(&[b"1".to_vec(), b"2".to_vec()], 1_795_392_000_001);
        let expected = br#"{"batch":[1,2],"sentAt":"2026-11-23T00:00:00.001Z"}"#;
        assert_eq!(body, expected);
        assert_eq!(
            segment().endpoint("http://h/base/").url,
            "http://h/base/v1/batch"
        );
    }

    #[test]
    fn own_statuses_and_failures_with_status_200_are_interpreted() {
        assert_eq!(judged(200, r#"{"success":true}"#), Disposition::Delivered);
        assert_eq!(judged(200, "ok"), Disposition::Delivered);
        assert_eq!(judged(200, r#"{"success":false}"#), Disposition::Refused);
        assert_eq!(judged(410, ""), Disposition::Retry);
        assert_eq!(judged(460, ""), Disposition::Retry);
        assert_eq!(judged(511, ""), Disposition::ConfigError);
        assert_eq!(judged(400, ""), Disposition::Refused);
    }
}
