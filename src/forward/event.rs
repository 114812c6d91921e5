//! Events in the queues of destinations. Id and time are fixed when an event is accepted: a service
//! recognises an event that arrives twice by both. Both follow from the stored document, so that an event that is
//! read back from the database is the same to a service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bson::oid::ObjectId;
use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

use crate::record::day::iso;
use crate::record::elements::names_of;
use crate::record::item::{Event, Item, SessionChange, SessionItem, Webhook};
use crate::util::fnv::fnv1a;

/// Memory of an event besides its texts, in bytes: allocations and the slot in a queue.
const OVERHEAD: usize = 200;

/// Shared by the queues of all destinations.
#[derive(Debug)]
pub struct ForwardedEvent {
    /// The sequence number of its record, by which it is acknowledged.
    pub seq: i64,
    pub id: Uuid,
    /// The JavaScript clock at the call, ms since 1970.
    pub time_ms: i64,
    /// The time from which its age counts.
    pub accepted: Instant,
    /// The user's id and the event's name as stored in the database, where there are any.
    pub user: Option<Box<str>>,
    pub name: Option<Box<str>>,
    /// `{"event":…,"userId":…,"data":…,"ts":…}`, as `JSON.stringify` made it.
    pub body: Box<[u8]>,
    pub kind: Kind,
    /// The session that it belongs to, where that is known.
    pub session: Option<ObjectId>,
    /// Whether it may be a redelivery: it is not sent until that is known.
    pub is_held: AtomicBool,
}

/// A tracked event as it is read from the database.
pub struct Stored<'a> {
    pub seq: i64,
    pub document: ObjectId,
    pub has_key: bool,
    pub time_ms: i64,
    pub user: Option<&'a str>,
    pub name: Option<&'a str>,
    pub session: Option<ObjectId>,
    pub body: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// What the host tracks.
    Tracked,
    /// A login.
    SessionStart,
    /// A logout, whole seconds after the login.
    SessionEnd { duration_s: u64 },
}

/// The body of an event that JavaScript did not make.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    event: &'a str,
    user_id: &'a str,
    data: &'a SessionData,
    ts: String,
}

/// The data of a session's events.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionData {
    session_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_s: Option<u64>,
}

impl ForwardedEvent {
    /// `None` for what is no event of a destination. With `may_hold` one that may be a redelivery is held.
    pub fn of(item: &Item<'_>, accepted: Instant, may_hold: bool) -> Option<Arc<Self>> {
        match item {
            Item::Event(event) => {
                let is_held = may_hold && event.key.is_some();
                Some(Self::tracked(event, event.webhook?, accepted, is_held))
            }
            Item::Session(session) => Self::session(session, accepted),
            Item::Nothing { .. } => None,
        }
    }

    fn tracked(
        event: &Event<'_>,
        webhook: Webhook<'_>,
        accepted: Instant,
        is_held: bool,
    ) -> Arc<Self> {
        let (user, name) = names_of(event.elements);
        Arc::new(Self {
            seq: event.seq,
            id: tracked_id(webhook.id, event.key.is_some(), event.time_ms),
            time_ms: event.time_ms,
            accepted,
            user: user.map(Into::into),
            name: name.map(Into::into),
            body: webhook.body.into(),
            kind: Kind::Tracked,
            session: event.session,
            is_held: AtomicBool::new(is_held),
        })
    }

    pub fn stored(stored: Stored<'_>) -> Arc<Self> {
        Arc::new(Self {
            seq: stored.seq,
            id: tracked_id(stored.document, stored.has_key, stored.time_ms),
            time_ms: stored.time_ms,
            accepted: Instant::now(),
            user: stored.user.map(Into::into),
            name: stored.name.map(Into::into),
            body: stored.body.into(),
            kind: Kind::Tracked,
            session: stored.session,
            is_held: AtomicBool::new(false),
        })
    }

    /// A login or a logout; `None` for a logout of which no user is known.
    fn session(item: &SessionItem, accepted: Instant) -> Option<Arc<Self>> {
        let (kind, session, user, time_ms) = match &item.change {
            SessionChange::Login {
                id, user, login_ms, ..
            } => (Kind::SessionStart, *id, user, *login_ms),
            SessionChange::Logout(close) => {
                let duration_s = close.duration_s as u64;
                let kind = Kind::SessionEnd { duration_s };
                (kind, close.session, close.user.as_ref()?, close.logout_ms)
            }
        };
        let (name, duration_s) = match kind {
            Kind::SessionEnd { duration_s } => ("session.end", Some(duration_s)),
            _ => ("session.start", None),
        };
        let data = SessionData {
            session_id: session.to_hex(),
            duration_s,
        };
        let body = Body {
            event: name,
            user_id: user,
            data: &data,
            ts: iso(time_ms),
        };
        Some(Arc::new(Self {
            seq: item.seq,
            id: event_id(session, time_ms, kind),
            time_ms,
            accepted,
            user: Some(user.as_ref().into()),
            name: Some(name.into()),
            body: serde_json::to_vec(&body).ok()?.into(),
            kind,
            session: Some(session),
            is_held: AtomicBool::new(false),
        }))
    }

    pub fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    /// It is no redelivery.
    pub fn release(&self) {
        self.is_held.store(false, Ordering::Release);
    }

    /// The user's id, if it has characters.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref().filter(|user| !user.is_empty())
    }

    /// The name, if it has characters.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref().filter(|name| !name.is_empty())
    }

    /// Memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        OVERHEAD + text(&self.user) + text(&self.name) + self.body.len()
    }

    /// Depends on the user alone, in every process.
    pub fn user_hash(&self) -> u64 {
        fnv1a(self.user.as_deref().unwrap_or_default().as_bytes())
    }
}

fn tracked_id(document: ObjectId, has_key: bool, time_ms: i64) -> Uuid {
    match has_key {
        true => document_uuid(document),
        false => event_id(document, time_ms, Kind::Tracked),
    }
}

/// A UUID of version 7 from the event's time, the part of its document's `_id` that is unique in time
/// (process and counter), and its kind: a login and a logout are in one document, and may share a time.
fn event_id(document: ObjectId, time_ms: i64, kind: Kind) -> Uuid {
    let mut unique = [0; 16];
    unique[8..].copy_from_slice(&document.bytes()[4..]);
    let kind = match kind {
        Kind::Tracked => 0,
        Kind::SessionStart => 1,
        Kind::SessionEnd { .. } => 2,
    };
    // 74 bits: 64 of the document, 10 of the kind.
    let random = u128::from_be_bytes(unique) << 10 | kind;
    let time = u128::from(time_ms as u64 & 0xffff_ffff_ffff) << 80;
    let version = 7 << 76 | (random >> 62) << 64;
    let variant = 2 << 62 | random & ((1 << 62) - 1);
    Uuid::from_u128(time | version | variant)
}

/// A UUID of version 4 from the `_id` of a document alone. That of an event with a dedupe key is a hash, as good as
/// the random bits of that version, and every delivery has it. Services take no other but versions 4 and 7.
pub fn document_uuid(document: ObjectId) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&document.bytes()[..6]);
    bytes[9..15].copy_from_slice(&document.bytes()[6..]);
    (bytes[6], bytes[8]) = (0x40, 0x80);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
pub mod testing {
    use super::*;

    /// It may be a redelivery.
    pub fn held(event: &ForwardedEvent) {
        event.is_held.store(true, Ordering::Release);
    }

    /// Event number `seq`, of a session of ann.
    pub fn of_session(seq: i64, kind: Kind) -> ForwardedEvent {
        ForwardedEvent {
            kind,
            session: Some(ObjectId::from_bytes([9; 12])),
            ..Arc::into_inner(event(seq, "ann", "{}")).expect("the only one")
        }
    }

    /// Event number `seq` of this user, with this `data` as JSON.
    pub fn event(seq: i64, user: &str, data: &str) -> Arc<ForwardedEvent> {
        let body = format!(
            r#"{{"event":"quest.done","userId":"{user}","data":{data},"ts":"2026-11-23T00:00:00.000Z"}}"#
        );
        let mut document = [7; 12];
        document[4..].copy_from_slice(&seq.to_be_bytes());
        let document = ObjectId::from_bytes(document);
        Arc::new(ForwardedEvent {
            seq,
            id: event_id(document, 1_795_392_000_000, Kind::Tracked),
            time_ms: 1_795_392_000_000,
            accepted: Instant::now(),
            user: Some(user.into()),
            name: Some("quest.done".into()),
            body: body.into_bytes().into(),
            kind: Kind::Tracked,
            session: None,
            is_held: AtomicBool::new(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::day::Day;
    use crate::record::item::Close;

    #[test]
    fn an_id_is_a_valid_uuid_that_depends_on_the_document_alone() {
        let document = ObjectId::parse_str("6a0123456789abcdef012345").expect("an id");
        let id = event_id(document, 1_795_392_000_000, Kind::Tracked).to_string();
        assert_eq!(id, "01a205b3-d000-7678-a6af-37bc048d1400");
    }

    #[test]
    fn an_event_with_a_key_has_the_id_of_its_document() {
        let document = ObjectId::parse_str("6a0123456789abcdef012345").expect("an id");
        let id = document_uuid(document).to_string();
        assert_eq!(id, "6a012345-6789-4000-80ab-cdef01234500");
    }

    #[test]
    fn a_login_and_a_logout_are_events_of_their_user_and_session() {
        let session = ObjectId::from_bytes([0xab; 12]);
        let item = |seq, change| {
            Item::Session(SessionItem {
                seq,
                cost: 0,
                ack: 0,
                day: Day::of(0),
                change,
            })
        };
        let login = SessionChange::Login {
            id: session,
            user: "an\"n".into(),
            login_ms: 1_795_392_000_000,
            elements: Box::new([]),
            is_late: false,
        };
        let logout = |user: Option<&str>| {
            SessionChange::Logout(Close {
                session,
                user: user.map(Into::into),
                logout_ms: 1_795_392_090_000,
                duration_s: 90.0,
                estimate_ms: None,
            })
        };
        let of = |item| ForwardedEvent::of(&item, Instant::now(), true);
        let start = of(item(5, login)).expect("a login");
        let end = of(item(6, logout(Some("an\"n")))).expect("a logout");
        let body = |event: &ForwardedEvent| String::from_utf8(event.body.to_vec()).expect("text");
        assert_eq!(
            body(&start),
            r#"{"event":"session.start","userId":"an\"n","data":{"sessionId":"abababababababababababab"},"ts":"2026-11-23T00:00:00.000Z"}"#
        );
        assert_eq!(
            body(&end),
            r#"{"event":"session.end","userId":"an\"n","data":{"sessionId":"abababababababababababab","durationS":90},"ts":"2026-11-23T00:01:30.000Z"}"#
        );
        assert_eq!(
            (start.user_hash(), start.session),
            (end.user_hash(), end.session)
        );
        assert_ne!(start.id, end.id);
        assert_eq!(
            (end.kind, end.is_held()),
            (Kind::SessionEnd { duration_s: 90 }, false)
        );
        assert!(of(item(7, logout(None))).is_none(), "of whom, nobody knows");
    }

    #[test]
    fn ids_of_different_documents_times_and_kinds_differ() {
        let bytes = [0xff; 12];
        let mut other = bytes;
        let of = |bytes, time, kind| event_id(ObjectId::from_bytes(bytes), time, kind);
        let id = of(bytes, 9, Kind::Tracked);
        assert_ne!(id, of(bytes, 10, Kind::Tracked));
        let start = of(bytes, 9, Kind::SessionStart);
        assert_ne!(id, start);
        assert_ne!(start, of(bytes, 9, Kind::SessionEnd { duration_s: 0 }));
        for byte in 4..12 {
            other[byte] = 0xfe;
            assert_ne!(id, of(other, 9, Kind::Tracked), "byte {byte}");
            other = bytes;
        }
        // Times before 1970 and after the calendar are ids all the same.
        for time in [-1, i64::MIN, i64::MAX] {
            assert_eq!(of(bytes, time, Kind::Tracked).to_string().len(), 36);
        }
    }
}
