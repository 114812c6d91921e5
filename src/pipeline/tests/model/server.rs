//! The documents of a database, and what each statement of the store does to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bson::RawDocumentBuf;
use bson::oid::ObjectId;
use tokio::time::Instant;

use crate::instance::incarnation::Incarnation;
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::document::raw_number;
use crate::record::item::Close;
use crate::store::{
    AppliedSeq, Baseline, CLAIM_TTL, Claim, Delta, KeyMarker, KeyedEvent, KeyedPurchase, Marker,
    Purchase, Sums,
};

/// Cheap to clone: collections are shared until they change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    pub events: Arc<BTreeMap<ObjectId, Event>>,
    pub sessions: Arc<BTreeMap<ObjectId, Session>>,
    pub days: Arc<BTreeMap<String, Daily>>,
    pub markers: Arc<BTreeMap<(String, String), Marker>>,
    pub keys: Arc<BTreeMap<String, KeyMarker>>,
    /// By the ids of their events.
    pub purchases: Arc<BTreeMap<ObjectId, Purchase>>,
    pub baselines: Arc<BTreeMap<String, Baseline>>,
    /// Seconds and number of the old sessions of a day that is marked.
    pub durations: Arc<BTreeMap<String, (f64, f64)>>,
    /// The claims of dead processes.
    pub dead: Arc<BTreeMap<Incarnation, Claim>>,
    /// Who sums up a month, and until when.
    pub claims: Arc<BTreeMap<String, (String, Instant)>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The number of its record.
    pub record: i32,
    pub day: Day,
    /// Of one with a key.
    pub amount: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// The number of its record; negative when the replaced class wrote it.
    pub record: i32,
    pub user: String,
    pub day: String,
    pub login_ms: i64,
    pub logout_ms: Option<i64>,
    pub seconds: f64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Daily {
    pub totals: BTreeMap<Counter, f64>,
    pub writers: BTreeMap<String, i64>,
    pub sums: Sums,
    /// What the totals hold; the real document does not say so.
    pub records: BTreeSet<i32>,
    /// What each writer has added in all; only a wrong design keeps it.
    pub shares: BTreeMap<String, Addition>,
}

/// What a writer adds to a day, on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Addition {
    pub day: String,
    pub writer: String,
    pub previous: Option<i64>,
    pub last: i64,
    pub delta: Delta,
    pub records: BTreeSet<i32>,
}

impl Daily {
    pub fn total(&self, counter: Counter) -> f64 {
        self.totals.get(&counter).copied().unwrap_or(0.0)
    }

    pub fn add(&mut self, delta: &Delta) {
        for (counter, amount) in delta.amounts() {
            *self.totals.entry(counter).or_default() += amount;
        }
        self.sums.mau += delta.mau;
        self.sums.session_seconds += delta.session_seconds;
        self.sums.sessions_closed += delta.sessions_closed;
    }

    /// Without book-keeping.
    fn document(&self) -> RawDocumentBuf {
        let mut document = RawDocumentBuf::new();
        for (counter, total) in &self.totals {
            let field = bson::raw::CString::try_from(counter.field()).expect("a field's name");
            document.append(field, raw_number(*total));
        }
        document
    }
}

impl State {
    /// The places of those that are there already.
    pub fn insert_events(&mut self, events: &[(ObjectId, Event)]) -> Vec<usize> {
        let there = Arc::make_mut(&mut self.events);
        let mut duplicates = Vec::new();
        for (place, (id, event)) in events.iter().enumerate() {
            duplicates.extend(there.contains_key(id).then_some(place));
            there.entry(*id).or_insert_with(|| event.clone());
        }
        duplicates
    }

    pub fn find_keyed_events(&self, ids: &[ObjectId]) -> Vec<KeyedEvent> {
        let event = |id: &ObjectId| {
            let event = self.events.get(id)?;
            Some(KeyedEvent {
                id: *id,
                day: Some(event.day.clone()),
                amount: event.amount,
            })
        };
        ids.iter().filter_map(event).collect()
    }

    pub fn find_keys(&self, wanted: &[KeyMarker]) -> Vec<KeyMarker> {
        let found = wanted.iter().filter_map(|one| self.keys.get(&one.key));
        found.cloned().collect()
    }

    /// The places of those that are there already.
    pub fn insert_keys(&mut self, markers: &[KeyMarker]) -> Vec<usize> {
        let there = Arc::make_mut(&mut self.keys);
        let mut duplicates = Vec::new();
        for (place, marker) in markers.iter().enumerate() {
            duplicates.extend(there.contains_key(&marker.key).then_some(place));
            let key = marker.key.clone();
            there.entry(key).or_insert_with(|| marker.clone());
        }
        duplicates
    }

    /// The places of those that are there already.
    pub fn insert_purchases(&mut self, purchases: &[Purchase]) -> Vec<usize> {
        let there = Arc::make_mut(&mut self.purchases);
        let mut duplicates = Vec::new();
        for (place, purchase) in purchases.iter().enumerate() {
            duplicates.extend(there.contains_key(&purchase.document).then_some(place));
            let entry = there.entry(purchase.document);
            entry.or_insert_with(|| purchase.clone());
        }
        duplicates
    }

    pub fn find_purchases(&self, wanted: &[Purchase]) -> Vec<KeyedPurchase> {
        let found = wanted
            .iter()
            .filter_map(|one| self.purchases.get(&one.document));
        found.map(KeyedPurchase::from).collect()
    }

    /// How many of the sessions are there already.
    pub fn insert_sessions(&mut self, sessions: &[(ObjectId, Session)]) -> u64 {
        let there = Arc::make_mut(&mut self.sessions);
        let mut duplicates = 0;
        for (id, session) in sessions {
            duplicates += u64::from(there.contains_key(id));
            there.entry(*id).or_insert_with(|| session.clone());
        }
        duplicates
    }

    /// Whether it matches an open session, or the one that this very close has ended.
    pub fn close(&mut self, close: &Close) -> bool {
        let session = Arc::make_mut(&mut self.sessions).get_mut(&close.session);
        let Some(session) = session else {
            return false;
        };
        let before = [Some(close.logout_ms), close.estimate_ms];
        let matches = session.logout_ms.is_none() || before.contains(&session.logout_ms);
        if matches {
            session.logout_ms = Some(close.logout_ms);
            session.seconds = close.duration_s;
        }
        matches
    }

    pub fn ensure_day(&mut self, day: &str) {
        Arc::make_mut(&mut self.days)
            .entry(day.to_owned())
            .or_default();
    }

    /// Whether the writer stood where the addition begins, and it was made.
    pub fn add(&mut self, addition: &Addition) -> bool {
        let applied_seq = self.applied_seq(&addition.day, &addition.writer);
        let matches = applied_seq == AppliedSeq::At(addition.previous);
        if matches {
            self.apply(addition);
        }
        matches
    }

    pub fn apply(&mut self, addition: &Addition) {
        let days = Arc::make_mut(&mut self.days);
        let daily = days.entry(addition.day.clone()).or_default();
        daily.add(&addition.delta);
        daily.records.extend(&addition.records);
        let writer = addition.writer.clone();
        daily.writers.insert(writer, addition.last);
    }

    pub fn applied_seq(&self, day: &str, writer: &str) -> AppliedSeq {
        match self.days.get(day) {
            None => AppliedSeq::NoDocument,
            Some(daily) => AppliedSeq::At(daily.writers.get(writer).copied()),
        }
    }

    pub fn find_markers(&self, period: &str, users: &[String]) -> Vec<Marker> {
        let id = |user: &String| (period.to_owned(), user.clone());
        let found = users.iter().filter_map(|user| self.markers.get(&id(user)));
        found.cloned().collect()
    }

    /// How many of the markers are there already.
    pub fn insert_markers(&mut self, markers: &[Marker]) -> u64 {
        let there = Arc::make_mut(&mut self.markers);
        let mut duplicates = 0;
        for marker in markers {
            let id = (marker.period.clone(), marker.user.clone());
            duplicates += u64::from(there.contains_key(&id));
            there.entry(id).or_insert_with(|| marker.clone());
        }
        duplicates
    }

    /// The sessions of a day up to this one.
    pub fn sessions_up_to(&self, day: &str, cutoff: ObjectId) -> impl Iterator<Item = &Session> {
        let up_to = self.sessions.range(..=cutoff).map(|(_, session)| session);
        up_to.filter(move |session| session.day == day)
    }

    /// The highest session id of a day.
    pub fn newest_session(&self, day: &str) -> Option<ObjectId> {
        let mut of_day = self.sessions.iter().filter(|(_, s)| s.day == day);
        of_day.next_back().map(|(id, _)| *id)
    }

    /// How many of the baselines are there already.
    pub fn insert_baselines(&mut self, baselines: &[(String, Baseline)]) -> u64 {
        let there = Arc::make_mut(&mut self.baselines);
        let mut duplicates = 0;
        for (day, baseline) in baselines {
            duplicates += u64::from(there.contains_key(day));
            there.entry(day.clone()).or_insert(*baseline);
        }
        duplicates
    }

    pub fn count_marked(&self, period: &str, writer: &str) -> f64 {
        let of_month = self.markers.values().filter(|m| m.period == period);
        of_month.filter(|m| m.writer == writer).count() as f64
    }

    /// Seconds and number.
    pub fn sum_durations(&self, day: &str, cutoff: ObjectId) -> (f64, f64) {
        let old = self.sessions_up_to(day, cutoff).filter(|s| s.seconds > 0.0);
        old.fold((0.0, 0.0), |(seconds, closed), session| {
            (seconds + session.seconds, closed + 1.0)
        })
    }

    /// Changes the baseline that is still building.
    pub fn mark_baseline(&mut self, day: &str, seconds: f64, closed: f64) {
        let baseline = Arc::make_mut(&mut self.baselines).get_mut(day);
        if let Some(baseline) = baseline.filter(|baseline| baseline.sums.is_none()) {
            baseline.marked = true;
            let durations = (seconds, closed);
            Arc::make_mut(&mut self.durations).insert(day.to_owned(), durations);
        }
    }

    /// Changes the baseline that is marked and still building.
    pub fn finish_baseline(&mut self, day: &str, mau: f64) {
        let baseline = Arc::make_mut(&mut self.baselines).get_mut(day);
        if let Some(baseline) =
            baseline.filter(|baseline| baseline.marked && baseline.sums.is_none())
        {
            let (session_seconds, sessions_closed) = self.durations[day];
            baseline.sums = Some(Sums {
                mau,
                session_seconds,
                sessions_closed,
            });
        }
    }

    /// Whether the builder holds the month from now on.
    pub fn claim(&mut self, month: &str, builder: &str, now: Instant) -> bool {
        let claims = Arc::make_mut(&mut self.claims);
        let is_free = claims
            .get(month)
            .is_none_or(|(by, until)| by == builder || *until <= now);
        if is_free {
            claims.insert(month.to_owned(), (builder.to_owned(), now + CLAIM_TTL));
        }
        is_free
    }

    pub fn end_claim(&mut self, month: &str) {
        Arc::make_mut(&mut self.claims).remove(month);
    }

    pub fn today(&self, day: &str) -> Option<RawDocumentBuf> {
        self.days.get(day).map(Daily::document)
    }

    pub fn month_sums(&self, month: &str) -> Sums {
        let mut sums = Sums::default();
        for (_, daily) in self.days.iter().filter(|(day, _)| day.starts_with(month)) {
            sums.mau += daily.sums.mau;
            sums.session_seconds += daily.sums.session_seconds;
            sums.sessions_closed += daily.sums.sessions_closed;
        }
        sums
    }
}
