//! The store of one process: the statements of the real one, each a request of its own, and the
//! statements of the wrong designs in their place.

mod keys;
mod legacy;

use std::collections::BTreeSet;

use bson::oid::ObjectId;
use bson::{Document, RawDocumentBuf};

use super::closing::incarnations;
use super::flaws::{self, Flaw};
use super::seen::{Seen, Sight};
use super::server::{Addition, Event, Session, State};
use super::world::Handle;
use crate::config::Collection;
use crate::instance::listener::Level;
use crate::record::day::Day;
use crate::record::document::Batch;
use crate::record::item::Close;
use crate::store::{
    Added, AppliedSeq, Claim, CloseOutcome, Closed, Delta, Dropped, Identities, Inserted,
    Lifecycle, Marker, MonthView, Prepared, RecordStore, Result, SeqAdvance, Store, StoreError,
    TotalsStore, UniquesStore,
};

const APPLIED: Added = Added::Applied {
    left_out: Vec::new(),
};

fn id(document: &Document) -> ObjectId {
    document.get_object_id("_id").expect("an _id")
}

fn record(document: &Document) -> i32 {
    document.get_i32("record").expect("the number of a record")
}

fn event(document: &Document) -> Event {
    let amount = document.get("amount");
    Event {
        record: record(document),
        day: Day::named(document.get_str("day").expect("a day")).expect("a day"),
        amount: amount.map(|amount| f64::from(amount.as_i32().expect("a whole number"))),
    }
}

fn session(document: &Document) -> Session {
    let text = |name: &str| document.get_str(name).expect("a text").to_owned();
    Session {
        record: record(document),
        user: text("userId"),
        day: text("day"),
        login_ms: login_ms(document),
        logout_ms: None,
        seconds: 0.0,
    }
}

fn login_ms(document: &Document) -> i64 {
    let login = document.get_datetime("loginAt").expect("a login");
    login.timestamp_millis()
}

/// Whether it is stored under another id than its own.
fn is_lifted(document: &Document) -> bool {
    id(document).timestamp().timestamp_millis() != login_ms(document)
}

fn inserted(duplicates: Vec<usize>) -> Inserted {
    Inserted {
        dropped: Vec::new(),
        duplicates,
    }
}

fn count_duplicates(seen: &mut Seen, duplicates: u64) {
    seen[Sight::Duplicate] += duplicates;
}

impl Handle {
    fn flaw(&self) -> Option<Flaw> {
        self.lock().flaw
    }

    pub fn is(&self, flaw: Flaw) -> bool {
        self.flaw() == Some(flaw)
    }

    fn addition(&self, day: &Day, advance: SeqAdvance<'_>, delta: &Delta) -> Addition {
        let mut world = self.lock();
        world.memory.note_standing(day.as_str(), advance);
        let is_claim = world.claim_writers.contains(advance.writer);
        Addition {
            day: day.as_str().to_owned(),
            writer: advance.writer.to_owned(),
            previous: advance.previous,
            last: advance.last,
            delta: delta.clone(),
            records: if is_claim {
                BTreeSet::new()
            } else {
                let (writer, last) = (advance.writer, advance.last);
                let (day, previous) = (day.as_str(), advance.previous);
                let numbered = world
                    .truth
                    .numbered(self.process, writer, day, previous, last);
                numbered.unwrap_or_else(|| world.truth.group(self.process, writer, day, last))
            },
        }
    }

    async fn compare_and_add(&self, addition: Addition) -> Result<Added> {
        let matches = self
            .write(move |state, seen| {
                let matches = state.add(&addition);
                seen[Sight::Miss] += u64::from(!matches);
                matches
            })
            .await?;
        Ok(match matches || self.is(Flaw::MissedIsApplied) {
            true => APPLIED,
            false => Added::Conflict,
        })
    }

    async fn add_anyhow(
        &self,
        addition: Addition,
        statement: fn(&mut State, &Addition),
    ) -> Result<Added> {
        self.write(move |state, _| statement(state, &addition))
            .await?;
        Ok(APPLIED)
    }

    async fn add_cut_anew(&self, addition: Addition) -> Result<Added> {
        let parts = {
            let world = &mut *self.lock();
            world.memory.cut_anew(&world.truth, addition)
        };
        for part in parts {
            self.add_anyhow(part, flaws::guarded_add).await?;
        }
        Ok(APPLIED)
    }

    async fn set_sums(&self, addition: Addition) -> Result<Added> {
        let share = self.lock().memory.share(addition);
        self.add_anyhow(share, flaws::set_share).await
    }

    /// A batch answers only how many matched.
    async fn close_all(&self, closes: &[Close], only_open: bool) -> Result<Vec<bool>> {
        let mut closes = closes.to_vec();
        if self.is(Flaw::EstimatesStay) {
            closes.iter_mut().for_each(|close| close.estimate_ms = None);
        }
        self.write(move |state, seen| {
            let estimates = closes.iter().filter(|close| close.estimate_ms.is_some());
            seen[Sight::EstimateReplaced] += estimates.count() as u64;
            let close = |close: &Close| {
                let is_open = state
                    .sessions
                    .get(&close.session)
                    .is_some_and(|session| session.logout_ms.is_none());
                (is_open || !only_open) && state.close(close)
            };
            closes.iter().map(close).collect()
        })
        .await
    }

    async fn claims_of(&self, closes: &[Close]) -> Result<Vec<Claim>> {
        let of = incarnations(closes);
        self.read_local(move |state| state.claims_of(&of)).await
    }
}

fn owned(users: &[&str]) -> Vec<String> {
    users.iter().map(|user| (*user).to_owned()).collect()
}

impl Store for Handle {}

impl RecordStore for Handle {
    async fn insert_events(&self, batch: &Batch) -> Result<Inserted> {
        let events = batch.documents();
        let events: Vec<_> = events.iter().map(|d| (id(d), event(d))).collect();
        self.write(move |state, seen| {
            let there = state.insert_events(&events);
            seen[Sight::Replay] += there.len() as u64;
            count_duplicates(seen, there.len() as u64);
            inserted(there)
        })
        .await
    }

    async fn insert_sessions(&self, batch: &Batch) -> Result<Inserted> {
        let given = batch.documents();
        let sessions: Vec<_> = given.iter().map(|d| (id(d), session(d))).collect();
        let lifted = given.iter().filter(|d| is_lifted(d)).count() as u64;
        self.write(move |state, seen| {
            seen[Sight::Lifted] += lifted;
            let replays = state.insert_sessions(&sessions);
            seen[Sight::Replay] += replays;
            count_duplicates(seen, replays);
            inserted(Vec::new())
        })
        .await
    }

    async fn close_sessions(&self, closes: &[Close]) -> Result<Closed> {
        let only_open = self.is(Flaw::OnlyOpenIsClosed);
        let all = self.close_all(closes, only_open).await?;
        let claims = self.claims_of(closes).await?;
        if all.iter().all(|matched| *matched) {
            let outcomes = vec![CloseOutcome::Applied; closes.len()];
            return Ok(Closed {
                outcomes,
                claims,
                unreadable: Vec::new(),
            });
        }
        let ours = all.iter().map(|matched| match matched {
            true => CloseOutcome::Applied,
            false => CloseOutcome::NoMatch,
        });
        let (closes, ours) = (closes.to_vec(), ours.collect::<Vec<_>>());
        let found = self
            .read(move |state| {
                let ends = |close: &Close| state.sessions.get(&close.session)?.logout_ms;
                let is_ours = |close: &Close| ends(close) == Some(close.logout_ms);
                let closed = closes.iter().map(|close| match is_ours(close) {
                    true => CloseOutcome::Applied,
                    false => CloseOutcome::NoMatch,
                });
                closed.collect::<Vec<_>>()
            })
            .await?;
        // A session shows what was written in it; reads of the model may lag behind.
        match found == ours || only_open {
            true => Ok(Closed {
                outcomes: ours,
                claims,
                unreadable: Vec::new(),
            }),
            false => Err(StoreError::transient("the read lags behind")),
        }
    }
}

impl TotalsStore for Handle {
    async fn ensure_day(&self, day: &Day) -> Result<()> {
        if self.is(Flaw::GuardedUpsert) {
            return Ok(());
        }
        let day = day.clone();
        self.write(move |state, _| state.ensure_day(day.as_str()))
            .await
    }

    async fn add(&self, day: &Day, advance: SeqAdvance<'_>, delta: &Delta) -> Result<Added> {
        let addition = self.addition(day, advance, delta);
        match self.flaw() {
            Some(Flaw::GuardedUpsert) => self.add_anyhow(addition, flaws::guarded_upsert).await,
            Some(Flaw::GroupsCutAnew) => self.add_cut_anew(addition).await,
            Some(Flaw::CumulativeSet) => self.set_sums(addition).await,
            _ => self.compare_and_add(addition).await,
        }
    }

    async fn applied_seq(&self, day: &Day, writer: &str) -> Result<AppliedSeq> {
        let (day, writer) = (day.as_str().to_owned(), writer.to_owned());
        if self.flaw().is_some_and(Flaw::repeats) {
            return Ok(AppliedSeq::At(
                self.lock().memory.applied_seq(&day, &writer),
            ));
        }
        let local = self.is(Flaw::LocalStanding);
        let applied_seq = move |state: &State| state.applied_seq(&day, &writer);
        if local {
            return self.read_local(applied_seq).await;
        }
        self.read(applied_seq).await
    }

    async fn confirm(&self, day: &Day, writer: &str, seq: Option<i64>) -> Result<bool> {
        if self.is(Flaw::NotConfirmed) || self.is(Flaw::LocalStanding) {
            return Ok(true);
        }
        let (day, writer) = (day.clone(), writer.to_owned());
        self.write(move |state, seen| {
            let stands = state.applied_seq(day.as_str(), &writer) == AppliedSeq::At(seq);
            seen[Sight::Miss] += u64::from(!stands);
            stands
        })
        .await
    }

    async fn month(&self, today: &Day) -> Result<MonthView> {
        let today = today.clone();
        self.read(move |state| MonthView {
            today: state.today(today.as_str()),
            sums: state.month_sums(today.month()),
        })
        .await
    }

    async fn newest_days(&self, _: u32) -> Result<Vec<RawDocumentBuf>> {
        self.read(|_| Vec::new()).await
    }
}

impl UniquesStore for Handle {
    async fn find_markers(&self, period: &str, users: &[&str]) -> Result<Vec<Marker>> {
        let (period, users) = (period.to_owned(), owned(users));
        let local = self.is(Flaw::LocalMarkers);
        let find = move |state: &State| state.find_markers(&period, &users);
        if local {
            return self.read_local(find).await;
        }
        let mut markers = self.read(find).await?;
        if self.is(Flaw::CacheFilledAtInsert) {
            let process = self.process;
            self.lock().memory.forget_credited(process, &mut markers);
        }
        Ok(markers)
    }

    async fn insert_markers(&self, markers: &[Marker]) -> Result<Vec<Dropped>> {
        let markers = markers.to_vec();
        self.write(move |state, seen| {
            count_duplicates(seen, state.insert_markers(&markers));
            Vec::new()
        })
        .await
    }
}

impl Lifecycle for Handle {
    async fn prepare(&self) -> Result<Prepared> {
        self.read(|_| Prepared::Ready(Vec::new())).await
    }

    async fn create_indexes(&self, _: &BTreeSet<Collection>) -> Result<Vec<(Level, String)>> {
        Ok(Vec::new())
    }

    async fn identities(&self) -> Result<Option<Identities>> {
        Ok(Some(Identities::new()))
    }

    async fn close(&self) {}
}
