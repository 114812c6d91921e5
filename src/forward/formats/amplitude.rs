//! Amplitude's [batch](https://amplitude.com/docs/apis/analytics/batch-event-upload): events that are told
//! apart by `insert_id`. A response of 400 lists the events for which nothing of the request was taken, one of
//! 429 the users who send too much.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::format::{EncodeError, Format, Limits, NO_NAME, join};
use super::payload::{self, Fields};
use crate::forward::event::{ForwardedEvent, Kind};
use crate::forward::transport::{Disposition, Endpoint, Response, Senders, of_status};

/// A tenth of what Amplitude takes: larger bodies cost too much to build and to send again.
const BYTES: usize = 2_000_000;
/// Longest event, in bytes: it must fit into a request.
const EVENT_BYTES: usize = 19_000_000;

pub struct Amplitude {
    pub api_key: String,
}

#[derive(Serialize)]
struct Uploaded<'a> {
    event_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    /// Only without a user: an event must have one of the two ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<&'a str>,
    time: i64,
    insert_id: &'a str,
    /// The moment of the login, ms since 1970, as the service's own clients name sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<i64>,
    event_properties: Fields<'a>,
}

/// Positions of events in the request, by what is wrong with them.
type Positions = BTreeMap<String, Vec<usize>>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Report {
    error: String,
    events_with_invalid_fields: Positions,
    events_with_missing_fields: Positions,
    events_with_invalid_id_lengths: Positions,
    silenced_events: Vec<usize>,
    throttled_users: BTreeMap<String, f64>,
    throttled_devices: BTreeMap<String, f64>,
    throttled_events: BTreeSet<usize>,
}

impl Report {
    fn of(response: &Response) -> Self {
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    /// The positions of bad events, and the name of a field that is bad.
    fn bad(&self, events: usize) -> (BTreeSet<usize>, &str) {
        let lists = [
            &self.events_with_invalid_fields,
            &self.events_with_missing_fields,
            &self.events_with_invalid_id_lengths,
        ];
        let fields = || lists.into_iter().flatten();
        let listed = fields().flat_map(|(_, positions)| positions);
        let all = listed.chain(&self.silenced_events).copied();
        let first = fields().next().map_or("", |(field, _)| field);
        (all.filter(|position| *position < events).collect(), first)
    }

    /// Who sends too much, if it says so.
    fn senders(self) -> Option<Senders> {
        let names = self.throttled_users.into_keys();
        let senders = Senders {
            positions: self.throttled_events,
            names: names.chain(self.throttled_devices.into_keys()).collect(),
        };
        let is_known = !senders.positions.is_empty() || !senders.names.is_empty();
        is_known.then_some(senders)
    }

    fn is_about_the_key(&self) -> bool {
        let error = self.error.to_ascii_lowercase();
        error.contains("api key") || error.contains("api_key")
    }
}

impl Format for Amplitude {
    fn endpoint(&self, base: &str) -> Endpoint {
        Endpoint {
            url: join(base, "/batch"),
            basic: None,
            is_gzip: false,
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            events: 2_000,
            bytes: BYTES,
        }
    }

    fn encode(&self, event: &ForwardedEvent) -> Result<Vec<u8>, EncodeError> {
        let id = event.id.to_string();
        let user = event.user();
        let text = payload::text_of(event)?;
        let uploaded = Uploaded {
            event_type: match event.kind {
                Kind::Tracked => event.name().ok_or(NO_NAME)?,
                Kind::SessionStart => "session_start",
                Kind::SessionEnd { .. } => "session_end",
            },
            user_id: user,
            device_id: user.is_none().then_some(&id),
            time: event.time_ms,
            insert_id: &id,
            session_id: event.session.map(|id| id.timestamp().timestamp_millis()),
            event_properties: payload::read(&text)?.fields()?,
        };
        payload::encode(&uploaded, EVENT_BYTES)
    }

    fn body(&self, events: &[Vec<u8>], _now_ms: i64) -> Vec<u8> {
        let key = serde_json::Value::from(self.api_key.as_str());
        // Amplitude takes ids of fewer than five characters away otherwise.
        let before = format!(r#"{{"api_key":{key},"options":{{"min_id_length":1}},"events":["#);
        payload::list(&before, events, "]}")
    }

    fn interpret(&self, response: &Response, events: usize) -> Disposition {
        match response.status {
            429 => match Report::of(response).senders() {
                Some(senders) => Disposition::Throttled(senders),
                None => Disposition::Retry,
            },
            400 => {
                let report = Report::of(response);
                let (bad, field) = report.bad(events);
                match bad.is_empty() {
                    true if report.is_about_the_key() => Disposition::ConfigError,
                    true => Disposition::Refused,
                    false => Disposition::RefusedAt {
                        events: bad,
                        problem: format!("{}: {field}", report.error),
                    },
                }
            }
            status => of_status(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::event::testing::{event, of_session};

    fn amplitude() -> Amplitude {
        Amplitude {
            api_key: "k\"".to_owned(),
        }
    }

    fn encoded(user: &str, data: &str) -> (String, String) {
        let event = event(5, user, data);
        let json = amplitude().encode(&event).expect("fits");
        (String::from_utf8(json).expect("text"), event.id.to_string())
    }

    fn judged(status: u16, body: &str) -> Disposition {
        let response = Response {
            status,
            retry_after: std::time::Duration::ZERO,
            body: body.as_bytes().to_vec(),
        };
        amplitude().interpret(&response, 3)
    }

    #[test]
    fn an_event_carries_its_own_time_and_id() {
        let (json, id) = encoded("ann", r#"{"amount":5.50}"#);
        let expected = format!(
            r#"{{"event_type":"quest.done","user_id":"ann","time":1795392000000,"insert_id":"{id}","event_properties":{{"amount":5.50}}}}"#
        );
        assert_eq!(json, expected);
    }

    #[test]
    fn an_event_without_a_user_is_that_of_a_device_of_its_own() {
        let (json, id) = encoded("", "{}");
        assert!(json.contains(&format!(r#""device_id":"{id}""#)), "{json}");
        assert!(!json.contains("user_id"), "{json}");
    }

    #[test]
    fn a_login_and_a_logout_have_the_names_that_its_clients_give_them() {
        for (kind, name) in [
            (Kind::SessionStart, "session_start"),
            (Kind::SessionEnd { duration_s: 9 }, "session_end"),
        ] {
            let json = amplitude().encode(&of_session(5, kind)).expect("fits");
            let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
            let seconds = u32::from_be_bytes([9; 4]);
            assert_eq!(json["event_type"], name);
            assert_eq!(json["session_id"], i64::from(seconds) * 1_000);
        }
    }

    #[test]
    fn a_request_has_the_key_and_allows_short_ids() {
        let body = amplitude().body(&[b"1".to_vec(), b"2".to_vec()], 0);
        let expected = br#"{"api_key":"k\"","options":{"min_id_length":1},"events":[1,2]}"#;
        assert_eq!(body, expected);
        assert_eq!(amplitude().endpoint("http://h/").url, "http://h/batch");
    }

    #[test]
    fn the_events_that_a_refusal_lists_are_bad_and_the_others_are_not() {
        let refusal = judged(
            400,
            r#"{"code":400,"error":"Request missing required field","missing_field":null,
                "events_with_invalid_fields":{"time":[2,7]},"events_with_missing_fields":{"event_type":[0]},
                "silenced_events":[2]}"#,
        );
        let expected = Disposition::RefusedAt {
            events: BTreeSet::from([0, 2]),
            problem: "Request missing required field: time".to_owned(),
        };
        assert_eq!(refusal, expected);
        for body in [
            "",
            "not json",
            "{}",
            r#"{"error":"odd","events_with_invalid_fields":{"time":[3]}}"#,
            r#"{"events_with_invalid_fields":[1]}"#,
        ] {
            assert_eq!(judged(400, body), Disposition::Refused, "{body}");
        }
    }

    #[test]
    fn a_wrong_key_is_a_configuration_error_and_throttled_users_are_waited_for() {
        let wrong = r#"{"code":400,"error":"Invalid API key: x","missing_field":"api_key"}"#;
        assert_eq!(judged(400, wrong), Disposition::ConfigError);
        let throttled = r#"{"code":429,"throttled_users":{"ann":1200},"throttled_devices":{"d":1},"throttled_events":[2]}"#;
        let senders = Senders {
            positions: BTreeSet::from([2]),
            names: BTreeSet::from(["ann".to_owned(), "d".to_owned()]),
        };
        assert_eq!(judged(429, throttled), Disposition::Throttled(senders));
        assert_eq!(judged(429, r#"{"throttled_users":{}}"#), Disposition::Retry);
        assert_eq!(judged(429, ""), Disposition::Retry);
        assert_eq!(judged(413, ""), Disposition::TooLarge);
        assert_eq!(judged(200, r#"{"code":200}"#), Disposition::Delivered);
        assert_eq!(judged(503, ""), Disposition::Retry);
    }
}
