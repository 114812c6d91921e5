//! How a group's totals get into the daily documents exactly once, without transactions.
//!
//! The events and sessions of the group are stored already (A). For each of its days, in order:
//!
//! * **B** makes sure the daily document exists.
//! * **C** adds, in one atomic update, the group's amounts and moves this writer's entry from the last
//!   record it applied there to the group's last record. It matches only while the entry still stands
//!   where we believe it to, so a repeated, late or doubled request changes nothing.
//! * If C matched nothing or its answer was lost, the entry is read. At or past the group's last
//!   record: applied. Where it was before: send C again. Behind that: a backup was put back; go on
//!   from there. Ahead of anything we sent, or in between: somebody else writes under our id; this
//!   group stays out of the totals, is reported, and we go on under a new id.
//! * **D** a read may lag behind, just after an election above all. So before anything but "where it was
//!   before" is believed, a durable no-op that matches the entry proves that a majority holds it.
//!
//! Distinct users are counted through markers, one per user and period. A marker says for ever which
//! writer's which record made it, so "how many of this group's users are new" can be asked again and
//! gives the same number; it travels in the same C. A marker's maker is remembered as known only after
//! that C, else a lost group would leave a user uncounted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bson::oid::ObjectId;

use super::sessions::Bases;
use super::totals::{DayPart, Group, Progress};
use crate::calendar::Day;
use crate::counters::Counter;
use crate::store::{
    Added, Delta, MARKER_LIFE_MS, Marker, Period, Result, Standing, Step, Store, StoreError,
};

/// Users asked for in one request.
const USERS_PER_REQUEST: usize = 1_000;
/// Known users kept per day; losing one costs one look-up. About 50 bytes each.
const MOST_KNOWN_USERS: usize = 200_000;
/// Days whose known users are kept: today, and yesterday for what crosses midnight.
const DAYS_OF_KNOWN_USERS: usize = 2;

/// This process as a writer of totals: who it is and where it stands.
#[derive(Clone)]
pub struct Ledger {
    writer: String,
    days: HashMap<Day, DayEntry>,
    known_users: Arc<Mutex<KnownUsers>>,
    bases: Arc<Bases>,
    /// The host has gone to a place that may have nothing of ours.
    is_elsewhere: bool,
}

/// Users who need no look-up, by day.
type KnownUsers = BTreeMap<Day, HashSet<Arc<str>>>;

#[derive(Debug, Default, Clone, Copy)]
struct DayEntry {
    exists: bool,
    /// The last record of ours that the day holds.
    previous: Option<i64>,
}

/// Remarks on a group that was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Counters that did not take their amount, by day: not a number, or beyond 2^53.
    pub left_out: Vec<(String, &'static str)>,
    /// Days that stood further back than this writer had brought them.
    pub restored: Vec<String>,
    /// Days whose share of the group stays out of the totals.
    pub uncertain: Vec<String>,
}

impl Ledger {
    pub fn new(bases: Arc<Bases>) -> Self {
        Self {
            writer: new_writer(),
            days: HashMap::new(),
            known_users: Arc::default(),
            bases,
            is_elsewhere: false,
        }
    }

    /// Adds the group to its days. After an error it is called again with the same group.
    pub async fn write<S: Store>(
        &mut self,
        store: &S,
        group: &mut Group,
        remarks: &mut Remarks,
    ) -> Result<()> {
        let last = group.last;
        for (day, counter) in std::mem::take(&mut group.left_out) {
            remarks
                .left_out
                .push((day.as_str().to_owned(), counter.field()));
        }
        for (day, part) in &mut group.days {
            if part.progress != Progress::Done {
                self.write_day(store, day, part, last, remarks).await?;
                part.progress = Progress::Done;
                self.know(day, part);
            }
        }
        self.is_elsewhere = false;
        Ok(())
    }

    async fn write_day<S: Store>(
        &mut self,
        store: &S,
        day: &Day,
        part: &mut DayPart,
        last: i64,
        remarks: &mut Remarks,
    ) -> Result<()> {
        loop {
            if part.progress == Progress::Uncertain
                && self.settle(store, day, part, last, remarks).await?
            {
                return Ok(());
            }
            let entry = self.days.entry(day.clone()).or_default();
            if !entry.exists {
                store.ensure_day(day).await?;
                entry.exists = true;
            }
            let previous = entry.previous;
            let delta = self.with_new_users(store, day, part, last).await?;
            let step = Step {
                writer: &self.writer,
                previous,
                last,
            };
            part.progress = Progress::Uncertain;
            if let Added::Applied { left_out } = store.add(day, step, &delta).await? {
                self.moved_to(day, Some(last));
                let fields = left_out.iter().map(|counter| counter.field());
                remarks
                    .left_out
                    .extend(fields.map(|field| (day.as_str().to_owned(), field)));
                return Ok(());
            }
        }
    }

    /// Finds out what became of an uncertain C; true when nothing is left to do for the day.
    async fn settle<S: Store>(
        &mut self,
        store: &S,
        day: &Day,
        part: &mut DayPart,
        last: i64,
        remarks: &mut Remarks,
    ) -> Result<bool> {
        let previous = self.days.entry(day.clone()).or_default().previous;
        let standing = match store.standing(day, &self.writer).await? {
            Standing::NoDocument => {
                store.ensure_day(day).await?;
                None
            }
            Standing::At(standing) => standing,
        };
        if standing == previous {
            part.progress = Progress::Open;
            return Ok(false);
        }
        if !store.confirm(day, &self.writer, standing).await? {
            // The read lagged behind, or a late request was applied since.
            return Err(StoreError {
                message: format!("a majority does not yet agree on {}", day.as_str()),
                transient: true,
            });
        }
        if standing == Some(last) {
            self.moved_to(day, standing);
            return Ok(true);
        }
        if standing > previous {
            remarks.uncertain.push(day.as_str().to_owned());
            self.change_writer();
            return Ok(true);
        }
        if !self.is_elsewhere {
            remarks.restored.push(day.as_str().to_owned());
        }
        self.moved_to(day, standing);
        part.progress = Progress::Open;
        Ok(false)
    }

    fn moved_to(&mut self, day: &Day, standing: Option<i64>) {
        let entry = DayEntry {
            exists: true,
            previous: standing,
        };
        self.days.insert(day.clone(), entry);
    }

    /// The host has gone elsewhere while a group's outcome was unknown. That may be the same database
    /// by another name, so the id and the entries stay, and the group finds out where it stands.
    pub fn relocate(&mut self, bases: Arc<Bases>) {
        self.known_users = Arc::default();
        self.bases = bases;
        self.is_elsewhere = true;
    }

    fn change_writer(&mut self) {
        self.writer = new_writer();
        self.days.clear();
        self.known_users = Arc::default();
    }

    /// The part's amounts, with the users who are new on the day and in the month.
    async fn with_new_users<S: Store>(
        &self,
        store: &S,
        day: &Day,
        part: &DayPart,
        last: i64,
    ) -> Result<Delta> {
        let mut delta = part.delta.clone();
        let users = self.unknown_users(day, part);
        let (mut dau, mut mau) = (0, 0);
        for users in users.chunks(USERS_PER_REQUEST) {
            mau += self
                .credited(store, Period::Month(day), users, last)
                .await?
                .len();
            let new = self.credited(store, Period::Day(day), users, last).await?;
            dau += new.len() - self.counted_before(store, day, &new).await?;
        }
        if dau > 0 {
            delta.add(Counter::Dau, dau as f64);
        }
        delta.mau += mau as f64;
        Ok(delta)
    }

    /// Those users whose marker of the period this group made on this day.
    async fn credited<S: Store>(
        &self,
        store: &S,
        period: Period<'_>,
        users: &[(&Arc<str>, i64)],
        last: i64,
    ) -> Result<Vec<String>> {
        let (name, day) = (period.name(), period.day());
        let names: Vec<&str> = users.iter().map(|(user, _)| user.as_ref()).collect();
        let mut markers = store.find_markers(&name, &names).await?;
        let found: HashSet<&str> = markers.iter().map(|marker| marker.user.as_str()).collect();
        let missing: Vec<Marker> = users
            .iter()
            .filter(|(user, _)| !found.contains(user.as_ref()))
            .map(|(user, seq)| self.marker(period, user, *seq))
            .collect();
        if !missing.is_empty() {
            store.insert_markers(&missing).await?;
            markers = store.find_markers(&name, &names).await?;
        }
        let previous = self.days.get(day).and_then(|entry| entry.previous);
        let ours = markers.into_iter().filter(|marker| {
            marker.writer == self.writer
                && marker.day == day.as_str()
                && Some(marker.seq) > previous
                && marker.seq <= last
        });
        Ok(ours.map(|marker| marker.user).collect())
    }

    fn marker(&self, period: Period<'_>, user: &str, seq: i64) -> Marker {
        // Never from the host's clock, which it may fake into the past.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |d| d.as_millis() as i64);
        Marker {
            period: period.name(),
            user: user.to_owned(),
            writer: self.writer.clone(),
            seq,
            day: period.day().as_str().to_owned(),
            expires_ms: period
                .end_ms()
                .unwrap_or(now)
                .max(now)
                .saturating_add(MARKER_LIFE_MS),
        }
    }

    /// How many of these users the day counted before this package wrote to it.
    async fn counted_before<S: Store>(
        &self,
        store: &S,
        day: &Day,
        users: &[String],
    ) -> Result<usize> {
        let base = self.bases.of(store, std::slice::from_ref(day)).await?;
        let none = ObjectId::from_bytes([0; 12]);
        let cut = base.first().map_or(none, |base| base.cut);
        if users.is_empty() || cut == none {
            return Ok(0);
        }
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        Ok(store.users_up_to(day, &users, cut).await?.len())
    }

    fn unknown_users<'a>(&self, day: &Day, part: &'a DayPart) -> Vec<(&'a Arc<str>, i64)> {
        let known = self.lock_known();
        let known = known.get(day);
        let users = part.users.iter().map(|(user, seq)| (user, *seq));
        users
            .filter(|(user, _)| !known.is_some_and(|known| known.contains(*user)))
            .collect()
    }

    /// Remembers users whose markers are credited.
    fn know(&self, day: &Day, part: &DayPart) {
        let mut all = self.lock_known();
        let known = all.entry(day.clone()).or_default();
        if known.len() + part.users.len() > MOST_KNOWN_USERS {
            known.clear();
        }
        known.extend(part.users.keys().take(MOST_KNOWN_USERS).cloned());
        while all.len() > DAYS_OF_KNOWN_USERS {
            all.pop_first();
        }
    }

    fn lock_known(&self) -> MutexGuard<'_, KnownUsers> {
        self.known_users
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far an attempt at a group has come.
pub struct Attempted {
    pub ledger: Box<Ledger>,
    pub group: Group,
    pub remarks: Remarks,
    pub outcome: Result<()>,
}

/// One attempt at a group; an error when it was given up. What such an attempt does later changes
/// nothing: it stands on copies, and its C matches only if no other did.
pub async fn attempt<S: Store>(
    store: Arc<S>,
    mut ledger: Box<Ledger>,
    mut group: Group,
) -> Result<Attempted> {
    super::attempt::attempt(async move {
        let mut remarks = Remarks::default();
        let outcome = ledger.write(store.as_ref(), &mut group, &mut remarks).await;
        Ok(Attempted {
            ledger,
            group,
            remarks,
            outcome,
        })
    })
    .await
}

/// `[a-z][a-z0-9]{9}`, random.
fn new_writer() -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut name = String::with_capacity(10);
    for place in 0..10 {
        let choices = if place == 0 { 26 } else { LETTERS.len() };
        name.push(char::from(LETTERS[rand::random_range(0..choices)]));
    }
    name
}
