//! GameAnalytics' [collection API](https://docs.gameanalytics.com/integrations/api/event-types): signed batches
//! of events that are told apart by `event_uuid`. What the game tracks becomes resource, business and design
//! events, logins and logouts the user and session_end events. A response of 400 lists the events that were
//! refused; the others were taken.

mod facts;

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::digest::{SHA256, digest};
use ring::hmac::{self, HMAC_SHA256};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::format::{EncodeError, Format, Limits, NO_NAME, join};
use super::payload::{self, Field};
use crate::config::{Config, GameAnalyticsAccess};
use crate::forward::event::{ForwardedEvent, Kind, document_uuid};
use crate::forward::transport::{Disposition, Endpoint, Header, Response, of_status};
use crate::record::day::Day;
use facts::{Fact, Facts, custom_fields};

/// What GameAnalytics takes, and takes compressed or not.
const BYTES: usize = 1_000_000;
/// The version of its events, and how it knows who sends them.
const VERSION: u8 = 2;
const SENDER: &str = "rest api v2";

pub struct GameAnalytics {
    access: GameAnalyticsAccess,
    key: hmac::Key,
    facts: Facts,
}

#[derive(Serialize)]
struct Annotated<'a> {
    #[serde(flatten)]
    fact: Fact,
    event_uuid: &'a str,
    user_id: &'a str,
    session_id: String,
    /// How many sessions the user has had is not known here.
    session_num: u8,
    /// In seconds since 1970.
    client_ts: i64,
    v: u8,
    sdk_version: &'static str,
    device: &'a str,
    platform: &'a str,
    os_version: &'a str,
    manufacturer: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    custom_fields: BTreeMap<String, Field<'a>>,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    error_type: String,
    path: String,
}

impl GameAnalytics {
    pub fn new(access: GameAnalyticsAccess, config: &Config) -> Self {
        Self {
            key: hmac::Key::new(HMAC_SHA256, access.secret_key.as_bytes()),
            facts: Facts::new(config),
            access,
        }
    }
}

/// That of the user's open session, or one for the user and the day.
fn session_id(event: &ForwardedEvent, user: &str) -> String {
    let made = || {
        let hash = digest(
            &SHA256,
            format!("{user}\0{}", Day::of(event.time_ms).as_str()).as_bytes(),
        );
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        // As of version 4: the hash is as good as its random bits.
        (bytes[6], bytes[8]) = (bytes[6] & 0x0f | 0x40, bytes[8] & 0x3f | 0x80);
        Uuid::from_bytes(bytes)
    };
    event.session.map_or_else(made, document_uuid).to_string()
}

impl Format for GameAnalytics {
    fn endpoint(&self, base: &str) -> Endpoint {
        Endpoint {
            url: join(base, &format!("/v2/{}/events", self.access.game_key)),
            basic: None,
            is_gzip: true,
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            events: 2_000,
            bytes: BYTES,
        }
    }

    fn encode(&self, event: &ForwardedEvent) -> Result<Vec<u8>, EncodeError> {
        let name = event.name().ok_or(NO_NAME)?;
        let text = payload::text_of(event)?;
        let fields = payload::read(&text)?.fields()?;
        let id = event.id.to_string();
        let user = event.user().unwrap_or(&id);
        let annotated = Annotated {
            fact: self.facts.of(event.kind, name, &fields),
            event_uuid: &id,
            user_id: user,
            session_id: session_id(event, user),
            session_num: 1,
            client_ts: event.time_ms.div_euclid(1000).max(0),
            v: VERSION,
            sdk_version: SENDER,
            device: &self.access.device,
            platform: &self.access.platform,
            os_version: &self.access.os_version,
            manufacturer: "unknown",
            custom_fields: match event.kind {
                Kind::Tracked => custom_fields(fields),
                _ => BTreeMap::new(),
            },
        };
        payload::encode(&annotated, BYTES)
    }

    fn body(&self, events: &[Vec<u8>], _now_ms: i64) -> Vec<u8> {
        payload::list("[", events, "]")
    }

    fn headers(&self, _first: &ForwardedEvent, bytes: &[u8], _now_ms: i64) -> Vec<Header> {
        let signature = hmac::sign(&self.key, bytes);
        vec![("authorization", BASE64_STANDARD.encode(signature))]
    }

    fn interpret(&self, response: &Response, events: usize) -> Disposition {
        let refused: Option<Vec<Refused>> = serde_json::from_slice(&response.body).ok();
        match (response.status, refused) {
            (400, Some(refused)) if (1..=events).contains(&refused.len()) => {
                let problems = refused.iter().flat_map(|one| &one.errors);
                let problem = problems.map(|one| format!("{} {}", one.error_type, one.path));
                Disposition::Partly {
                    refused: refused.len(),
                    problem: problem.take(1).collect(),
                }
            }
            (status, _) => of_status(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::event::testing::{event, of_session};

    fn game_analytics() -> GameAnalytics {
        let options =
            r#"{"destinations": [{"format": "gameanalytics", "gameKey": "k", "secretKey": "s"}]}"#;
        let (config, _) = Config::from_json(options, "{}").expect("valid");
        let crate::config::Access::GameAnalytics(access) = config.destinations[0].access.clone()
        else {
            panic!("it is GameAnalytics");
        };
        GameAnalytics::new(access, &config)
    }

    fn encoded(event: &ForwardedEvent) -> serde_json::Value {
        let json = game_analytics().encode(event).expect("fits");
        serde_json::from_slice(&json).expect("JSON")
    }

    #[test]
    fn an_event_has_all_annotations() {
        let event = event(5, "ann", r#"{"n":1.50}"#);
        let mut json = encoded(&event);
        let session = json["session_id"].take();
        let session = session.as_str().expect("text");
        assert_eq!(session.len(), 36);
        assert_eq!(&session[14..15], "4");
        let expected = serde_json::json!({
            "category": "design", "event_id": "quest:done", "event_uuid": event.id.to_string(),
            "user_id": "ann", "session_id": null, "session_num": 1, "client_ts": 1_795_392_000,
            "v": 2, "sdk_version": "rest api v2", "device": "unknown", "platform": "linux",
            "os_version": "linux 0", "manufacturer": "unknown", "custom_fields": {"n": 1.5},
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_user_without_a_session_has_one_of_the_day() {
        let of = |seq, user| encoded(&event(seq, user, "{}"))["session_id"].clone();
        assert_eq!(of(1, "ann"), of(2, "ann"));
        assert_ne!(of(1, "ann"), of(1, "bob"));
        assert_ne!(of(1, ""), of(2, ""), "nobody has none");
    }

    #[test]
    fn a_login_and_a_logout_are_the_events_of_their_session() {
        let start = encoded(&of_session(1, Kind::SessionStart));
        let end = encoded(&of_session(2, Kind::SessionEnd { duration_s: 90 }));
        assert_eq!(start["category"], "user");
        assert_eq!(
            (&end["category"], &end["length"]),
            (&"session_end".into(), &90.into())
        );
        assert_eq!(start["session_id"], end["session_id"]);
        assert_ne!(start["event_uuid"], end["event_uuid"]);
        assert!(end.get("custom_fields").is_none());
    }

    #[test]
    fn a_request_is_signed_with_the_secret_key() {
        let format = game_analytics();
        assert_eq!(format.endpoint("http://h/").url, "http://h/v2/k/events");
        assert_eq!(format.body(&[b"1".to_vec(), b"2".to_vec()], 0), b"[1,2]");
        let headers = format.headers(&event(1, "u", "{}"), b"[1,2]", 0);
        let expected = "srxqPFtWlwiGhcILBztuVN8S+modt4p2jSZA9gDtFew=";
        assert_eq!(headers, [("authorization", expected.to_owned())]);
    }

    #[test]
    fn a_response_lists_the_events_that_were_refused() {
        let judged = |status, body: &str| {
            let response = Response {
                status,
                retry_after: std::time::Duration::ZERO,
                body: body.as_bytes().to_vec(),
            };
            game_analytics().interpret(&response, 3)
        };
        let list =
            r#"[{"errors":[{"error_type":"not_in_enum","path":"/category"}],"event":{"v":2}}]"#;
        let expected = Disposition::Partly {
            refused: 1,
            problem: "not_in_enum /category".to_owned(),
        };
        assert_eq!(judged(400, list), expected);
        for body in ["", "[]", "{}", r#"[{},{},{},{}]"#, "[1]"] {
            assert_eq!(judged(400, body), Disposition::Refused, "{body}");
        }
        assert_eq!(judged(401, ""), Disposition::ConfigError);
        assert_eq!(judged(413, ""), Disposition::TooLarge);
        assert_eq!(judged(200, "{}"), Disposition::Delivered);
    }
}
