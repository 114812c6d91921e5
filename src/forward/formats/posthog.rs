//! PostHog's [batch](https://posthog.com/docs/api/capture#batch-events): events that are told apart by
//! `uuid`. It answers 200 also when it takes nothing because the account's quota is used up.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::format::{EncodeError, Format, Limits, NO_NAME, join};
use super::payload::{self, Field, Fields};
use crate::forward::event::ForwardedEvent;
use crate::forward::transport::{Disposition, Endpoint, Response, of_status};
use crate::record::day::iso;

/// Half of what PostHog takes: larger bodies cost too much to build and to send again.
const BYTES: usize = 10_000_000;

pub struct Posthog {
    pub api_key: String,
}

#[derive(Serialize)]
struct Captured<'a> {
    event: &'a str,
    distinct_id: &'a str,
    timestamp: Cow<'a, str>,
    uuid: &'a str,
    properties: Fields<'a>,
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    quota_limited: Vec<String>,
}

impl Format for Posthog {
    fn endpoint(&self, base: &str) -> Endpoint {
        Endpoint {
            url: join(base, "/batch/"),
            basic: None,
            is_gzip: true,
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            events: 10_000,
            bytes: BYTES,
        }
    }

    fn encode(&self, event: &ForwardedEvent) -> Result<Vec<u8>, EncodeError> {
        let id = event.id.to_string();
        let text = payload::text_of(event)?;
        let payload = payload::read(&text)?;
        let mut properties = payload.fields()?;
        let mut unless_given = |key: &str, flag| {
            properties.entry(key.into()).or_insert(Field::Flag(flag));
        };
        // The IP address of the request is that of the game server, not of the player.
        unless_given("$geoip_disable", true);
        let user = event.user();
        if user.is_none() {
            unless_given("$process_person_profile", false);
        }
        let captured = Captured {
            event: event.name().ok_or(NO_NAME)?,
            distinct_id: user.unwrap_or(&id),
            timestamp: payload.ts,
            uuid: &id,
            properties,
        };
        payload::encode(&captured, BYTES)
    }

    fn body(&self, events: &[Vec<u8>], now_ms: i64) -> Vec<u8> {
        let key = serde_json::Value::from(self.api_key.as_str());
        let before = format!(r#"{{"api_key":{key},"sent_at":"{}","batch":["#, iso(now_ms));
        payload::list(&before, events, "]}")
    }

    fn interpret(&self, response: &Response, _events: usize) -> Disposition {
        let is_over_quota =
            |report: Report| report.quota_limited.iter().any(|what| what == "events");
        match of_status(response.status) {
            Disposition::Delivered
                if serde_json::from_slice(&response.body).is_ok_and(is_over_quota) =>
            {
                Disposition::ConfigError
            }
            disposition => disposition,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::event::testing::event;

    fn posthog(api_key: &str) -> Posthog {
        Posthog {
            api_key: api_key.to_owned(),
        }
    }

    fn encoded(user: &str, data: &str) -> (String, String) {
        let event = event(5, user, data);
        let json = posthog("key").encode(&event);
        let json = String::from_utf8(json.expect("fits")).expect("text");
        (json, event.id.to_string())
    }

    #[test]
    fn an_event_carries_its_own_time_and_uuid() {
        let (json, id) = encoded("ann", r#"{"amount":5}"#);
        let expected = format!(
            r#"{{"event":"quest.done","distinct_id":"ann","timestamp":"2026-11-23T00:00:00.000Z","uuid":"{id}","properties":{{"$geoip_disable":true,"amount":5}}}}"#
        );
        assert_eq!(json, expected);
    }

    #[test]
    fn an_event_without_a_user_makes_no_person_and_data_overrides_defaults() {
        let (json, id) = encoded("", r#"{"$geoip_disable":false}"#);
        assert!(json.contains(&format!(r#""distinct_id":"{id}""#)), "{json}");
        assert!(
            json.contains(r#""$process_person_profile":false"#),
            "{json}"
        );
        assert!(json.contains(r#""$geoip_disable":false"#), "{json}");
    }

    #[test]
    fn a_request_is_a_batch_with_the_key() {
        let body = posthog("k\"").body(&[b"1".to_vec()], 1_795_392_000_000);
        let expected = br#"{"api_key":"k\"","sent_at":"2026-11-23T00:00:00.000Z","batch":[1]}"#;
        assert_eq!(body, expected);
    }

    #[test]
    fn a_success_over_quota_is_a_configuration_error() {
        for (status, body, disposition) in [
            (200, r#"{"status":1}"#, Disposition::Delivered),
            (
                200,
                r#"{"status":1,"quota_limited":["recordings"]}"#,
                Disposition::Delivered,
            ),
            (
                200,
                r#"{"status":1,"quota_limited":["events"]}"#,
                Disposition::ConfigError,
            ),
            (200, "Ok", Disposition::Delivered),
            (400, r#"{"type":"validation_error"}"#, Disposition::Refused),
            (401, "", Disposition::ConfigError),
            (503, "", Disposition::Retry),
        ] {
            let response = Response {
                status,
                retry_after: std::time::Duration::ZERO,
                body: body.as_bytes().to_vec(),
            };
            assert_eq!(posthog("k").interpret(&response, 3), disposition, "{body}");
        }
    }
}
