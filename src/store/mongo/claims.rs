//! Claims: documents of `gsoreports`, and the sessions that they are about. What follows a write is read in
//! its session: it shows no less than what was there when the write was acknowledged.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, doc};
use mongodb::ClientSession;

use super::client::{MongoStore, WRITE_TIMEOUT};
use super::cursor::collect_in;
use super::presence::KEPT_MS;
use super::write_command::{raw, write_command};
use crate::instance::incarnation::Incarnation;
use crate::record::day::DAY_MS;
use crate::record::document::{number, number_in};
use crate::store::claims::{Claim, ClaimStore, Left, LeftClose, LeftSession, Stage, unreadable};
use crate::store::error::{Fault, Result, StoreError};

/// Claims outlive what may come out of a spool.
const TTL_MS: i64 = 90 * DAY_MS;
/// Time limit of the server for finding the sessions of an instance.
const LISTING_TIMEOUT: Duration = Duration::from_secs(60);
/// Ids of sessions may be so much later than the host's clock, where that is behind those of others.
const LATER_MS: i64 = DAY_MS;
/// Bytes of a session in a claim: its `_id`, its login, and what is counted.
const SESSION: usize = 28;

impl ClaimStore for MongoStore {
    async fn insert_claim(&self, claim: &Claim) -> Result<Claim> {
        let expires_ms = self.server_ms().await? + TTL_MS;
        let mut command = write_command("insert", self.kept_reports.name());
        command.insert("documents", vec![document(claim, expires_ms)]);
        let session = &mut self.session().await?;
        self.send_claims(&command, session).await?;
        self.claim_in(claim.of, session).await
    }

    async fn advance_claim(&self, claim: &Claim) -> Result<(Claim, bool)> {
        let before = claim.stage.before().map(Stage::name);
        let query = doc! { "_id": id_of(claim.of), "state": before };
        let set = doc! { "state": claim.stage.name(), "sessions": sessions(&claim.sessions) };
        let session = &mut self.session().await?;
        let is_ours = self.update_claim(query, set, session).await?;
        Ok((self.claim_in(claim.of, session).await?, is_ours))
    }

    async fn name_next(&self, claim: &Claim, next: Incarnation) -> Result<Claim> {
        let query = doc! { "_id": id_of(claim.of), "next": null };
        let set = doc! { "next": next.to_string() };
        let session = &mut self.session().await?;
        self.update_claim(query, set, session).await?;
        self.claim_in(claim.of, session).await
    }

    async fn left_by(&self, claim: &Claim) -> Result<Left> {
        let session = &mut self.session().await?;
        let query = doc! { "_id": id_of(claim.of) };
        let same = doc! { "w": &claim.writer };
        self.update_claim(query, same, session).await?;
        let earlier = self.earlier_claims(claim.of, session).await?;
        let all = || earlier.iter().chain([claim]);
        let names: Vec<String> = all().map(|claim| claim.of.to_string()).collect();
        let from_ms = all().map(|claim| claim.from_ms).min().unwrap_or(0);
        let to_ms = all().map(|claim| claim.until_ms.max(claim.to_ms)).max();
        let to_ms = to_ms.unwrap_or(0) + LATER_MS;
        let maker = doc! { "$substrBytes": [{ "$toString": "$_id" }, 8, 10] };
        let open = doc! {
            "_id": { "$gte": first_id(from_ms), "$lt": first_id(to_ms) },
            "logoutAt": null,
            "$expr": { "$in": [maker, names] },
        };
        let found = self
            .sessions
            .clone_with_type::<Document>()
            .find(open)
            .projection(doc! { "loginAt": 1 })
            .max_time(LISTING_TIMEOUT)
            .session(&mut *session)
            .await?;
        let found = collect_in(found, session).await?;
        let left = |document: &Document| {
            let login_ms = document.get_datetime("loginAt").ok()?.timestamp_millis();
            Some(LeftSession {
                id: document.get_object_id("_id").ok()?,
                login_ms,
                counted_ms: login_ms,
            })
        };
        let open = found.iter().filter_map(left).collect();
        Ok(Left { earlier, open })
    }

    async fn close_open_sessions(&self, closes: &[LeftClose]) -> Result<Vec<ObjectId>> {
        let session = &mut self.session().await?;
        let updates = closes.iter().map(|close| {
            let logout = DateTime::from_millis(close.logout_ms);
            doc! {
                "q": { "_id": close.session, "logoutAt": null, "durationS": number(close.counted_s) },
                "u": { "$set": { "logoutAt": logout, "durationS": number(close.duration_s) } },
            }
        });
        self.update_sessions(updates.collect(), session).await?;
        let logouts = self
            .logout_times(closes.iter().map(|close| close.session), session)
            .await?;
        let is_closed = |close: &&LeftClose| logouts.get(&close.session) == Some(&close.logout_ms);
        let closed = closes.iter().filter(is_closed);
        Ok(closed.map(|close| close.session).collect())
    }

    async fn reopen_sessions(&self, sessions: &[(ObjectId, i64)]) -> Result<()> {
        let session = &mut self.session().await?;
        let updates = sessions.iter().map(|(id, logout_ms)| {
            doc! {
                "q": { "_id": id, "logoutAt": DateTime::from_millis(*logout_ms) },
                "u": { "$set": { "logoutAt": null } },
            }
        });
        self.update_sessions(updates.collect(), session).await
    }

    async fn retire(&self, of: Incarnation, sample: i64) -> Result<()> {
        let expires = DateTime::from_millis(self.server_ms().await? + KEPT_MS);
        let query = doc! { "_id": format!("now:{of}"), "seq": sample };
        let session = &mut self.session().await?;
        let set = doc! { "closed": true, "x": expires };
        self.update_claim(query, set, session).await?;
        Ok(())
    }
}

impl MongoStore {
    /// The claims of these incarnations and of their next ones, read in the session of a write, and those of them
    /// whose claim says what cannot be read. Where the collection cannot be read there are none: this process cannot
    /// write its presence either.
    pub(super) async fn claims_in(
        &self,
        mut of: Vec<Incarnation>,
        session: &mut ClientSession,
    ) -> Result<(Vec<Claim>, Vec<Incarnation>)> {
        let (mut all, mut unread): (Vec<Claim>, Vec<Incarnation>) = Default::default();
        while !of.is_empty() {
            let ids: Vec<String> = of.iter().map(|of| id_of(*of)).collect();
            let found = self
                .kept_reports
                .find(doc! { "_id": { "$in": ids } })
                .max_time(WRITE_TIMEOUT)
                .session(&mut *session)
                .await;
            let found = match found {
                Ok(found) => {
                    let found = collect_in(found, session).await;
                    found.map_err(|error| waiting(error.into()))?
                }
                Err(error) => {
                    let error = StoreError::from(error);
                    return match error.fault {
                        Fault::Collection => Ok((all, unread)),
                        _ => Err(waiting(error)),
                    };
                }
            };
            let named = found.iter().filter_map(incarnation_in);
            let found: Vec<Claim> = found.iter().filter_map(read).collect();
            let is_read = |of: &Incarnation| found.iter().any(|claim| claim.of == *of);
            unread.extend(named.filter(|of| !is_read(of)));
            let next = found.iter().filter_map(|claim| claim.next);
            of = next
                .filter(|next| !all.iter().chain(&found).any(|claim| claim.of == *next))
                .collect();
            all.extend(found);
        }
        Ok((all, unread))
    }

    async fn earlier_claims(
        &self,
        of: Incarnation,
        session: &mut ClientSession,
    ) -> Result<Vec<Claim>> {
        let mut all: Vec<Claim> = Vec::new();
        let mut next = Some(of);
        while let Some(named) = next {
            let found = self
                .kept_reports
                .find(
                    doc! { "_id": { "$gte": "dead:", "$lt": "dead;" }, "next": named.to_string() },
                )
                .max_time(WRITE_TIMEOUT)
                .session(&mut *session)
                .await?;
            let found = collect_in(found, session).await?;
            // A next incarnation is fresh: one claim names it.
            let before = found.first().map(|document| {
                read(document).ok_or_else(|| unreadable(incarnation_in(document).unwrap_or(named)))
            });
            let before = before.transpose()?;
            next = before.as_ref().map(|claim| claim.of);
            all.extend(before);
        }
        Ok(all)
    }

    async fn claim_in(&self, of: Incarnation, session: &mut ClientSession) -> Result<Claim> {
        let (found, unread) = self.claims_in(vec![of], session).await?;
        if unread.contains(&of) {
            return Err(unreadable(of));
        }
        let found = found.into_iter().find(|claim| claim.of == of);
        found.ok_or_else(|| StoreError::transient("a claim was removed from gsoreports"))
    }

    /// Whether the claim was changed now.
    async fn update_claim(
        &self,
        query: Document,
        set: Document,
        session: &mut ClientSession,
    ) -> Result<bool> {
        let mut command = write_command("update", self.kept_reports.name());
        command.insert("updates", vec![doc! { "q": query, "u": { "$set": set } }]);
        let changed = self.send_claims(&command, session).await?;
        Ok(changed == Some(1))
    }

    async fn send_claims(
        &self,
        command: &Document,
        session: &mut ClientSession,
    ) -> Result<Option<usize>> {
        let reply = self.send(raw(command)?, Some(session)).await;
        let reply = reply.map_err(waiting)?;
        match reply.dropped().map_err(waiting)?.into_iter().next() {
            Some(refused) => Err(waiting(StoreError::permanent(refused.message))),
            None => Ok(reply.done()),
        }
    }

    /// What the server refuses for its content stays as it is.
    async fn update_sessions(
        &self,
        updates: Vec<Document>,
        session: &mut ClientSession,
    ) -> Result<()> {
        let mut command = write_command("update", self.sessions.name());
        command.insert("updates", updates);
        let reply = self.send(raw(&command)?, Some(session)).await?;
        reply.dropped().map(drop)
    }
}

/// What fails on claims is tried again, whatever it is: nothing may be left out of the totals.
fn waiting(error: StoreError) -> StoreError {
    StoreError::transient(format!("sessions of dead processes wait: {error}"))
}

fn id_of(of: Incarnation) -> String {
    format!("dead:{of}")
}

/// The lowest id of this moment, or of the nearest one that an id can tell: those of 1970 to 2106.
fn first_id(ms: i64) -> ObjectId {
    let seconds = ms.div_euclid(1_000).clamp(0, i64::from(u32::MAX)) as u32;
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&seconds.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

fn document(claim: &Claim, expires_ms: i64) -> Document {
    doc! {
        "_id": id_of(claim.of),
        "T": DateTime::from_millis(claim.until_ms),
        "from": DateTime::from_millis(claim.from_ms),
        "to": DateTime::from_millis(claim.to_ms),
        "seq": claim.sample,
        "w": &claim.writer,
        "state": claim.stage.name(),
        "sessions": sessions(&claim.sessions),
        "x": DateTime::from_millis(expires_ms),
    }
}

fn sessions(all: &[LeftSession]) -> Bson {
    let bytes = all.iter().flat_map(|session| {
        let times = [session.login_ms, session.counted_ms].map(i64::to_be_bytes);
        session.id.bytes().into_iter().chain(times.concat())
    });
    Bson::Binary(Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.collect(),
    })
}

fn incarnation_in(document: &Document) -> Option<Incarnation> {
    let of = document.get_str("_id").ok()?.strip_prefix("dead:")?;
    Incarnation::named(of)
}

/// One that a later release has made may say what this one cannot read.
fn read(document: &Document) -> Option<Claim> {
    let name = document.get_str("state").ok()?;
    let bytes = document.get_binary_generic("sessions").ok()?;
    let session = |bytes: &[u8]| {
        Some(LeftSession {
            id: ObjectId::from_bytes(*bytes.first_chunk()?),
            login_ms: i64::from_be_bytes(*bytes.get(12..)?.first_chunk()?),
            counted_ms: i64::from_be_bytes(*bytes.last_chunk()?),
        })
    };
    let time = |name| Some(document.get_datetime(name).ok()?.timestamp_millis());
    let until_ms = time("T")?;
    Some(Claim {
        of: incarnation_in(document)?,
        from_ms: time("from")?,
        until_ms,
        to_ms: time("to").unwrap_or(until_ms),
        sample: number_in(document.get("seq")?)? as i64,
        writer: document.get_str("w").ok()?.to_owned(),
        stage: Stage::ALL.into_iter().find(|stage| stage.name() == name)?,
        sessions: bytes.chunks_exact(SESSION).filter_map(session).collect(),
        next: document.get_str("next").ok().and_then(Incarnation::named),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_read_as_it_was_written() {
        let of = |text| Incarnation::named(text).expect("a name");
        let session = |n| LeftSession {
            id: ObjectId::from_bytes([n; 12]),
            login_ms: 1_795_392_000_000 + i64::from(n),
            counted_ms: 1_795_392_000_000 - i64::from(n),
        };
        let mut one = Claim {
            of: of("0102030405"),
            from_ms: 5,
            until_ms: 1_795_392_000_123,
            to_ms: 1_795_392_000_124,
            sample: 7,
            writer: "w123456789".into(),
            stage: Stage::Counting,
            sessions: vec![session(1), session(2)],
            next: None,
        };
        assert_eq!(read(&document(&one, 9)), Some(one.clone()));
        let mut named = document(&one, 9);
        named.insert("next", "0102030406");
        named.insert("of a later version", 1);
        one.next = Some(of("0102030406"));
        assert_eq!(read(&named), Some(one));
        let mut unknown = named;
        unknown.insert("state", "undone");
        assert_eq!(read(&unknown), None);
        assert_eq!(incarnation_in(&unknown), Some(of("0102030405")));
    }

    #[test]
    fn an_id_tells_the_nearest_moment_that_it_can() {
        let seconds = |ms| first_id(ms).bytes()[..4].to_vec();
        assert_eq!(seconds(-1), [0; 4]);
        assert_eq!(seconds(1_999), [0, 0, 0, 1]);
        // 2110.
        assert_eq!(seconds(4_417_977_600_000), [u8::MAX; 4]);
    }
}
