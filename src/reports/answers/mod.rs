//! Answers: what the methods for the host return, out of stored reports.
//!
//! Days whose first run point has not come are reported when somebody asks, and then not again for 10 s, or for 20
//! times as long as that took: the database spends at most a twentieth of one core on them, over all processes.

mod activity;
mod economy;
mod names;
mod query;
mod retention;
mod revenue;
mod rows;
mod session_lengths;
mod top_events;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bson::{Document, RawDocumentBuf};
use tokio::sync::{Mutex, MutexGuard};

use super::access::Access;
use super::due::Outlook;
use super::job::{self, NotReported, Reported};
use super::lease::Lease;
use super::looks::Looks;
use super::settings::Settings;
use crate::record::day::Day;
use crate::store::{
    AHEAD_MS, Mark, PresenceStore, REPORT_VERSION, ReportStore, Result, StoreError,
};
pub use query::Query;
pub(super) use rows::{mark, value};

/// The lease of the reports that are made for callers.
pub const LEASE: &str = "lease:today";
/// For how long it is believed which days there are; and while some are missing.
const BELIEVED_FOR: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long a report is fresh that was made for a caller, and how many times as long as it took.
const FRESH_MS: i64 = 10_000;
const FRESH_TIMES: i64 = 20;

/// The answers of one database, for all callers of an instance.
pub struct Answers {
    settings: Arc<Settings>,
    owner: String,
    looks: Looks,
    known: Mutex<Option<Known>>,
    /// Whoever has it makes the reports that callers wait for.
    making: Mutex<()>,
    /// Whoever has it reads the events of a funnel that is not declared.
    funnel: Mutex<()>,
}

#[derive(Clone)]
struct Known {
    outlook: Outlook,
    at: Instant,
}

impl Answers {
    /// `owner` is a name that no other instance has.
    pub fn new(settings: &Arc<Settings>, owner: String) -> Self {
        Self {
            settings: Arc::clone(settings),
            owner,
            looks: Looks::default(),
            known: Mutex::new(None),
            making: Mutex::new(()),
            funnel: Mutex::new(()),
        }
    }

    /// The answer; `None` while days are not reported that it needs. A pass that is made for it alone, over what no
    /// report has, takes at most `limit`.
    pub async fn answer<S: ReportStore + PresenceStore + Sync>(
        &self,
        store: &S,
        query: &Query,
        access: Access,
        limit: Duration,
    ) -> Result<Option<RawDocumentBuf>> {
        let Some(outlook) = self.ready(store, query, access).await? else {
            return Ok(None);
        };
        let settings = &self.settings;
        let answer: Document = match query {
            Query::Activity(range) => activity::read(store, &outlook, range).await?,
            Query::Retention(cohorts) => retention::read(store, &outlook, cohorts).await?,
            Query::SessionLengths(range) => session_lengths::read(store, &outlook, range).await?,
            Query::Economy(wanted) => economy::read(store, &outlook, wanted, settings).await?,
            Query::Revenue(wanted) => revenue::read(store, &outlook, wanted, limit).await?,
            Query::TopEvents(wanted) => top_events::read(store, &outlook, wanted).await?,
        };
        let unreadable = || StoreError::permanent("internal: an answer cannot be encoded");
        let answer = RawDocumentBuf::try_from(&answer).map_err(|_| unreadable())?;
        Ok(Some(answer))
    }

    /// The turn of a funnel that is not declared: each is a pass of its own over the events, of which nothing is kept.
    pub async fn funnel_turn(&self) -> MutexGuard<'_, ()> {
        self.funnel.lock().await
    }

    /// Makes the reports that the query needs and no run makes, if it may. Who needs none waits for nobody.
    async fn ready<S: ReportStore + PresenceStore + Sync>(
        &self,
        store: &S,
        query: &Query,
        access: Access,
    ) -> Result<Option<Outlook>> {
        let mut making = None;
        let mut failed = Vec::new();
        loop {
            let known = self.known(store).await?;
            if access != Access::Make {
                return Ok(Some(known.outlook));
            }
            let (from, to) = query.days(&known.outlook.today());
            if known.outlook.awaited().any(|day| *day <= to) {
                return Ok(None);
            }
            let is_wanted = |day: &Day| *day >= from && *day <= to;
            let stale = known.outlook.young.iter().find(|(day, mark)| {
                let is_fresh = mark.as_ref().is_some_and(|mark| known.is_fresh(mark));
                let has_failed = failed.contains(day) || known.has_just_failed(day);
                is_wanted(day) && !is_fresh && !has_failed
            });
            let Some((day, _)) = stale else {
                return Ok(Some(known.outlook));
            };
            if making.is_none() {
                // Another caller may have made it meanwhile.
                making = Some(self.making.lock().await);
                continue;
            }
            // A row of which something cannot be read says so by null, and the run over this day when it is over.
            match self.report(store, day, &known.outlook).await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(not) if not.is_of_day() && !not.error.is_transient() => {
                    store.note_unread(day, not.has_first_days).await?;
                    failed.push(day.clone());
                }
                Err(not) => return Err(not.error),
            }
            *self.known.lock().await = Some(self.look(store).await?);
        }
    }

    async fn known<S: ReportStore + Sync>(&self, store: &S) -> Result<Known> {
        let mut known = self.known.lock().await;
        match known.as_ref().filter(|known| !known.is_old()) {
            Some(known) => Ok(known.clone()),
            None => Ok(known.insert(self.look(store).await?).clone()),
        }
    }

    async fn look<S: ReportStore + Sync>(&self, store: &S) -> Result<Known> {
        let at = Instant::now();
        let outlook = self.looks.look(store).await?;
        Ok(Known { outlook, at })
    }

    /// Reports the day for a caller who asks for that; `None` while another process makes a report. Not before the
    /// days before it, whose users it would take for new ones.
    pub async fn make<S: ReportStore + PresenceStore + Sync>(
        &self,
        store: &S,
        day: &Day,
    ) -> Result<Option<RawDocumentBuf>> {
        let known = self.look(store).await?;
        if !known.outlook.may_report(day) {
            return Err(StoreError::permanent(
                "there is nothing to report of this day: it is not here yet, or before the first session",
            ));
        }
        let earlier: Vec<&Day> = known.outlook.awaited().filter(|one| *one < day).collect();
        if let [first, ..] = earlier[..] {
            return Err(StoreError::permanent(format!(
                "days before {} have no report yet, {} from {} on: their users would count as new ones; report \
                 all days that are due first",
                day.as_str(),
                earlier.len(),
                first.as_str()
            )));
        }
        let reported = self.report(store, day, &known.outlook).await;
        match reported.map_err(|not| not.error)? {
            None => Ok(None),
            Some(Reported {
                without_events: Some(error),
                ..
            }) => Err(error),
            Some(_) => Ok(Some(RawDocumentBuf::new())),
        }
    }

    /// Reports the day, unless another process is at it.
    async fn report<S: ReportStore + PresenceStore + Sync>(
        &self,
        store: &S,
        day: &Day,
        outlook: &Outlook,
    ) -> std::result::Result<Option<Reported>, NotReported> {
        let lease = Lease::default();
        let take = |time| store.take_lease(LEASE, &self.owner, time);
        let reporting = job::report_due(store, &self.settings, day, outlook, &lease);
        let Some(reported) = lease.during(take, reporting).await? else {
            return Ok(None);
        };
        take(Duration::ZERO).await?;
        Ok(Some(reported?))
    }
}

impl Known {
    fn is_old(&self) -> bool {
        let believed = match self.outlook.awaited().next() {
            None => BELIEVED_FOR,
            Some(_) => LOOK_AGAIN,
        };
        self.at.elapsed() >= believed
    }

    /// That of a later version is never replaced.
    fn is_fresh(&self, mark: &Mark) -> bool {
        if mark.version > REPORT_VERSION {
            return true;
        }
        let fresh_ms = FRESH_MS.max(FRESH_TIMES * mark.took_ms);
        // Nothing replaces a report from a little ahead before that time has come.
        (-AHEAD_MS..fresh_ms).contains(&self.age_ms(mark.as_of_ms))
    }

    fn has_just_failed(&self, day: &Day) -> bool {
        let unread = self.outlook.unread.of(day);
        unread.is_some_and(|unread| (-AHEAD_MS..FRESH_MS).contains(&self.age_ms(unread.at_ms)))
    }

    fn age_ms(&self, at_ms: i64) -> i64 {
        self.outlook.now_ms + self.at.elapsed().as_millis() as i64 - at_ms
    }
}
