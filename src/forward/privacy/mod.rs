//! Privacy of a destination: what its service is not to know is taken out of each event before the format
//! sees it. The queues and the spool keep events as they were tracked, so every attempt passes through here.

mod redaction;

use std::sync::atomic::AtomicBool;

use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::event::ForwardedEvent;
use super::formats::{EncodeError, UNREADABLE, text_of};
use crate::config::PrivacySettings;
use crate::util::bytes::hex;
use redaction::redacted;

pub struct Privacy {
    redact_keys: Vec<String>,
    /// Users are known by a hash with this key.
    user_key: Option<hmac::Key>,
}

/// The body as JavaScript made it, its fields in their order.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    event: Option<&'a RawValue>,
    #[serde(borrow, rename = "userId", skip_serializing_if = "Option::is_none")]
    user: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    ts: Option<&'a RawValue>,
}

impl Privacy {
    pub fn new(settings: &PrivacySettings) -> Self {
        let key = |secret: &String| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Self {
            redact_keys: settings.redact_keys.clone(),
            user_key: settings.user_secret.as_ref().map(key),
        }
    }

    /// The event as the service may know it; `None` if that is the whole. One that cannot be read is not sent.
    pub fn applied(&self, event: &ForwardedEvent) -> Result<Option<ForwardedEvent>, EncodeError> {
        if self.redact_keys.is_empty() && self.user_key.is_none() {
            return Ok(None);
        }
        let text = text_of(event)?;
        let mut body: Body<'_> = serde_json::from_str(&text).map_err(|_| UNREADABLE)?;
        let raw = |json: String| RawValue::from_string(json).map_err(|_| UNREADABLE);
        let data = match body.data.filter(|_| !self.redact_keys.is_empty()) {
            None => None,
            Some(data) => {
                let json = redacted(data.get(), &self.redact_keys).ok_or(UNREADABLE)?;
                Some(raw(json)?)
            }
        };
        let user = self.user(event, body.user);
        let user_json = user.as_ref().map(to_raw_value).transpose();
        let user_json = user_json.map_err(|_| UNREADABLE)?;
        body.data = data.as_deref().or(body.data);
        body.user = user_json.as_deref().or(body.user);
        let json = serde_json::to_vec(&body).map_err(|_| UNREADABLE)?;
        Ok(Some(ForwardedEvent {
            seq: event.seq,
            id: event.id,
            time_ms: event.time_ms,
            accepted: event.accepted,
            user: user.map(Into::into).or_else(|| event.user.clone()),
            name: event.name.clone(),
            body: json.into(),
            kind: event.kind,
            session: event.session,
            is_held: AtomicBool::new(false),
        }))
    }

    /// The name of the user at this service, if there is a user and a key.
    fn user(&self, event: &ForwardedEvent, in_body: Option<&RawValue>) -> Option<String> {
        let key = self.user_key.as_ref()?;
        // Some ids that are not stored are in the body all the same.
        let given = in_body.map(RawValue::get);
        let given = given.filter(|json| !matches!(*json, "null" | "\"\""));
        let user = event.user().or(given)?;
        Some(hex(hmac::sign(key, user.as_bytes()).as_ref()))
    }
}
