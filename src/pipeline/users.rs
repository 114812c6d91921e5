//! How many of a group's users are new on its day and in its month.
//!
//! One marker per user and period is inserted, if none is there, and says for ever which writer's
//! which record made it. So the question can be asked again, after a lost answer or by a later attempt,
//! and gives the same number: new are those whose marker this group made. On a day with sessions of
//! the replaced class, its users have been counted by it, whether they have a marker or not.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sessions::Baselines;
#[cfg(test)]
use super::tests::hooks;
use crate::record::day::Day;
use crate::store::{MARKER_TTL_MS, Marker, Period, Result, SeqAdvance, Store, StoreError};
use crate::util::clock::system_ms;
use crate::util::failpoint::failpoint;

/// Users asked for in one request. Bounds are low in tests, so that small runs meet them.
const USERS_PER_REQUEST: usize = if cfg!(test) { 2 } else { 1_000 };
/// How often markers are read: before they are inserted, after it, and once more.
const LOOKS: u32 = 3;
/// Known users kept per day; losing one costs one look-up. About 50 bytes each.
const MOST_KNOWN: usize = if cfg!(test) { 3 } else { 200_000 };
/// Days whose known users are kept: today, and yesterday for what crosses midnight.
const DAYS_OF_KNOWN: usize = 2;

/// Users, each with the first of the group's records that logged them in.
pub type Logins = BTreeMap<Arc<str>, i64>;

/// Users who need no look-up, by day.
type Known = BTreeMap<Day, HashSet<Arc<str>>>;

/// Copies share what they know.
#[derive(Clone)]
pub struct Users {
    known: Arc<Mutex<Known>>,
    baselines: Arc<Baselines>,
}

#[derive(Debug, Default)]
pub struct NewUsers {
    pub of_day: usize,
    pub of_month: usize,
}

impl Users {
    pub fn new(baselines: Arc<Baselines>) -> Self {
        Self {
            known: Arc::default(),
            baselines,
        }
    }

    /// For another writer nobody is known.
    pub fn forget(&mut self) {
        self.known = Arc::default();
    }

    /// How many of the users of a group are new.
    pub async fn new_ones<S: Store>(
        &self,
        store: &S,
        day: &Day,
        logins: &Logins,
        advance: SeqAdvance<'_>,
    ) -> Result<NewUsers> {
        let unknown = self.unknown(day, logins);
        let mut new = NewUsers::default();
        for users in unknown.chunks(USERS_PER_REQUEST) {
            new.of_month += credited(store, Period::Month(day), users, advance)
                .await?
                .len();
            let of_day = credited(store, Period::Day(day), users, advance).await?;
            #[cfg(test)]
            if hooks::has(hooks::Flaw::CacheFilledAtInsert) {
                self.know(day, logins);
            }
            new.of_day += of_day.len() - self.counted_before(store, day, &of_day).await?;
        }
        Ok(new)
    }

    /// How many of these users the day counted before this package wrote to it.
    async fn counted_before<S: Store>(
        &self,
        store: &S,
        day: &Day,
        users: &[String],
    ) -> Result<usize> {
        let baseline = self.baselines.of(store, std::slice::from_ref(day)).await?;
        let old = baseline
            .first()
            .filter(|baseline| baseline.has_legacy_sessions());
        let Some(baseline) = old.filter(|_| !users.is_empty()) else {
            return Ok(0);
        };
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        Ok(store
            .legacy_users(day, &users, baseline.cutoff)
            .await?
            .len())
    }

    fn unknown<'a>(&self, day: &Day, logins: &'a Logins) -> Vec<(&'a Arc<str>, i64)> {
        let known = self.lock();
        let known = known.get(day);
        let users = logins.iter().map(|(user, seq)| (user, *seq));
        users
            .filter(|(user, _)| !known.is_some_and(|known| known.contains(*user)))
            .collect()
    }

    /// Remembers users who are counted.
    pub fn know(&self, day: &Day, logins: &Logins) {
        let mut all = self.lock();
        let known = all.entry(day.clone()).or_default();
        if known.len() + logins.len() > MOST_KNOWN {
            known.clear();
        }
        known.extend(logins.keys().take(MOST_KNOWN).cloned());
        while all.len() > DAYS_OF_KNOWN {
            all.pop_first();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those users whose marker of the period this group made on this day.
async fn credited<S: Store>(
    store: &S,
    period: Period<'_>,
    users: &[(&Arc<str>, i64)],
    advance: SeqAdvance<'_>,
) -> Result<Vec<String>> {
    let markers = markers(store, period, users, advance.writer).await?;
    #[cfg(test)]
    let markers = hooks::distorted(markers, period, advance.last);
    let ours = markers.into_iter().filter(|marker| {
        marker.writer == advance.writer
            && marker.day == period.day().as_str()
            && Some(marker.seq) > advance.previous
            && marker.seq <= advance.last
    });
    Ok(ours.map(|marker| marker.user).collect())
}

/// The markers of these users, inserted where missing. Just after an election a read may not see yet
/// what is there; the group is then tried again later.
async fn markers<S: Store>(
    store: &S,
    period: Period<'_>,
    users: &[(&Arc<str>, i64)],
    writer: &str,
) -> Result<Vec<Marker>> {
    let name = period.name();
    let names: Vec<&str> = users.iter().map(|(user, _)| user.as_ref()).collect();
    for _ in 0..LOOKS {
        let markers = store.find_markers(&name, &names).await?;
        let found: HashSet<&str> = markers.iter().map(|marker| marker.user.as_str()).collect();
        let missing: Vec<Marker> = users
            .iter()
            .filter(|(user, _)| !found.contains(user.as_ref()))
            .map(|(user, seq)| marker(period, user, *seq, writer))
            .collect();
        if missing.is_empty() {
            return Ok(markers);
        }
        failpoint!("markers:before");
        store.insert_markers(&missing).await?;
        failpoint!("markers:after");
    }
    let problem = format!("a majority does not know all markers of {name} yet");
    Err(StoreError::transient(problem))
}

fn marker(period: Period<'_>, user: &str, seq: i64, writer: &str) -> Marker {
    // Never from the host's clock, which it may fake into the past.
    let now = system_ms();
    let end = period.end_ms().unwrap_or(now).max(now);
    Marker {
        period: period.name(),
        user: user.to_owned(),
        writer: writer.to_owned(),
        seq,
        day: period.day().as_str().to_owned(),
        expires_ms: end.saturating_add(MARKER_TTL_MS),
    }
}
