//! Users: how many of a batch's users are new on its day and in its month.
//!
//! One marker per user and period is inserted, if none is there, and tells for ever which record of which
//! writer made it. So the question can be asked again, after a lost reply or by a later attempt, and gives
//! the same number: new are the users whose marker this batch made. A user whose marker the server refuses
//! for its content is not counted, and neither is one whose id the collection takes for that of another
//! user, as under a collation that ignores case. On a day that has sessions of the
//! replaced class, that class has counted their users already, whether these have a marker or not.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::batch::{Logins, Refused};
use super::rules::Rules;
use crate::instance::context::Context;
use crate::pipeline::legacy::Baselines;
use crate::record::day::Day;
use crate::store::{MARKER_TTL_MS, Marker, Period, Result, SeqAdvance, Store, StoreError};
use crate::util::failpoint::failpoint;
use crate::util::threads::Threads;

/// Reads of markers: before they are inserted, after it, and once more.
const LOOKS: u32 = 3;
/// Days whose known users are kept: today, and yesterday for records that cross midnight.
const DAYS_OF_KNOWN: usize = 2;

/// Users who need no look-up, by day.
type Known = BTreeMap<Day, HashSet<Arc<str>>>;

/// Copies share the known users.
#[derive(Clone)]
pub struct Users {
    context: Context,
    rules: Rules,
    known: Arc<Mutex<Known>>,
    baselines: Arc<Baselines>,
}

#[derive(Debug, Default)]
pub struct NewUsers {
    pub of_day: usize,
    pub of_month: usize,
    /// Users who cannot be counted, each with the reason.
    pub refused: Refused,
}

impl Users {
    pub fn new(context: Context, rules: Rules, baselines: Arc<Baselines>) -> Self {
        Self {
            context,
            rules,
            known: Arc::default(),
            baselines,
        }
    }

    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// Threads for disk I/O.
    pub fn threads(&self) -> &Threads {
        &self.context.disk
    }

    /// No user is known: for another writer.
    pub fn forget(&mut self) {
        self.known = Arc::default();
    }

    /// A user is erased, and new when they come back. All copies forget the user.
    pub fn forget_user(&self, user: &str) {
        let mut known = self.lock();
        known.values_mut().for_each(|users| {
            users.remove(user);
        });
    }

    /// A day was removed, or is that of a backup, and so may markers and baselines be: users are looked up
    /// again. Copies that were made before know no user any more.
    pub async fn begin_anew<S: Store>(&mut self, store: &S) -> Result<()> {
        self.lock().clear();
        self.forget();
        self.baselines.restore(store).await
    }

    /// The days on which users are known.
    pub fn days(&self) -> Vec<Day> {
        self.lock().keys().cloned().collect()
    }

    /// The users who are known on a day.
    pub fn known_on(&self, day: &Day) -> Vec<Arc<str>> {
        let known = self.lock();
        known.get(day).into_iter().flatten().cloned().collect()
    }

    pub fn baselines(&self) -> &Baselines {
        &self.baselines
    }

    /// Gives users their markers again who are counted on a day that holds the writer's records up to `seq`.
    pub async fn restore<S: Store>(
        &self,
        store: &S,
        day: &Day,
        users: &[Arc<str>],
        (writer, seq): (&str, i64),
    ) -> Result<()> {
        for users in users.chunks(self.context.limits.users_per_request) {
            for period in [Period::Month(day), Period::Day(day)] {
                let markers: Vec<Marker> = users
                    .iter()
                    .map(|user| self.marker(period, user, seq, writer))
                    .collect();
                store.insert_markers(&markers).await?;
            }
        }
        Ok(())
    }

    /// How many of the users of a batch are new.
    pub async fn new_ones<S: Store>(
        &self,
        store: &S,
        day: &Day,
        logins: &Logins,
        advance: SeqAdvance<'_>,
    ) -> Result<NewUsers> {
        let unknown = self.unknown(day, logins);
        let mut new = NewUsers::default();
        for users in unknown.chunks(self.context.limits.users_per_request) {
            let refused = &mut new.refused;
            let of_month = self.credited(store, Period::Month(day), users, advance, refused);
            new.of_month += of_month.await?.len();
            let of_day = self
                .credited(store, Period::Day(day), users, advance, refused)
                .await?;
            new.of_day += of_day.len() - self.counted_before(store, day, &of_day).await?;
        }
        Ok(new)
    }

    /// How many of these users the day had counted before this package wrote to it.
    async fn counted_before<S: Store>(
        &self,
        store: &S,
        day: &Day,
        users: &[String],
    ) -> Result<usize> {
        let baseline = self.baselines.of(store, std::slice::from_ref(day)).await?;
        let legacy = baseline.first().filter(|day| day.has_legacy_sessions());
        let Some(baseline) = legacy.filter(|_| !users.is_empty()) else {
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
        let most = self.context.limits.known_users;
        let mut all = self.lock();
        let known = all.entry(day.clone()).or_default();
        if known.len() + logins.len() > most {
            known.clear();
        }
        known.extend(logins.keys().take(most).cloned());
        while all.len() > DAYS_OF_KNOWN {
            all.pop_first();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The users whose marker of the period this batch made on this day.
    async fn credited<S: Store>(
        &self,
        store: &S,
        period: Period<'_>,
        users: &[(&Arc<str>, i64)],
        advance: SeqAdvance<'_>,
        refused: &mut Refused,
    ) -> Result<Vec<String>> {
        let markers = self
            .markers(store, period, users, advance.writer, refused)
            .await?;
        let is_credited = |marker: &Marker| (self.rules.is_credited)(marker, period, advance);
        let credited = markers.into_iter().filter(is_credited);
        Ok(credited.map(|marker| marker.user).collect())
    }

    /// The markers of these users, inserted where missing, but for the refused ones. Just after an election
    /// a read may not see yet that they are there; the batch is then retried later.
    async fn markers<S: Store>(
        &self,
        store: &S,
        period: Period<'_>,
        users: &[(&Arc<str>, i64)],
        writer: &str,
        refused: &mut Refused,
    ) -> Result<Vec<Marker>> {
        let name = period.name();
        let mut missing = Vec::new();
        for look in 0..=LOOKS {
            let wanted: Vec<_> = users
                .iter()
                .filter(|(user, _)| !refused.contains_key(user.as_ref()))
                .collect();
            let names: Vec<&str> = wanted.iter().map(|(user, _)| user.as_ref()).collect();
            let markers = store.find_markers(&name, &names).await?;
            let found: HashSet<&str> = markers.iter().map(|marker| marker.user.as_str()).collect();
            missing = wanted
                .iter()
                .filter(|(user, _)| !found.contains(user.as_ref()))
                .map(|(user, seq)| self.marker(period, user, *seq, writer))
                .collect();
            if missing.is_empty() {
                return Ok(markers);
            }
            if look + 1 == LOOKS {
                refuse_merged(store, &name, &missing, refused).await?;
                continue;
            }
            failpoint!("markers:before");
            for dropped in store.insert_markers(&missing).await? {
                if let Some(marker) = missing.get(dropped.index) {
                    refused.insert(marker.user.clone(), dropped.message);
                }
            }
            failpoint!("markers:after");
        }
        let missing = missing.len();
        let problem = format!("a majority does not know {missing} markers of {name} yet");
        Err(StoreError::transient(problem))
    }

    fn marker(&self, period: Period<'_>, user: &str, seq: i64, writer: &str) -> Marker {
        // Never by the host's clock, which it may set back.
        let now = self.context.clock.now_ms();
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
}

/// Refuses users for whom the collection gives the marker of another user.
async fn refuse_merged<S: Store>(
    store: &S,
    period: &str,
    missing: &[Marker],
    refused: &mut Refused,
) -> Result<()> {
    for Marker { user, .. } in missing {
        let found = store.find_markers(period, &[user]).await?;
        if found.iter().any(|marker| marker.user != *user) {
            let reason = "its collation takes the ids of two users for the same".to_owned();
            refused.insert(user.clone(), reason);
        }
    }
    Ok(())
}
