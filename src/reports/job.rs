//! Job: one run over the days that are due, oldest first.
//!
//! It can be interrupted between any two steps, and done by several processes at once: a day that has no report,
//! or an old one, is due at the next look. A day that cannot be read holds no other day up, and callers do not wait
//! for it, once that is noted; the next run reads it again. Until then it is not known who came first on a day after
//! it, unless the first days of its users could be noted. Where only its events cannot be read, its report does not
//! know them; where reading them takes too long, there is no report.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::day_report::{self, Read, Times};
use super::due::{Outlook, has_events};
use super::economy::Tally;
use super::funnel::Subject;
use super::lease::Lease;
use super::looks::Looks;
use super::presence;
use super::settings::Settings;
use crate::record::day::{DAY_MS, Day};
use crate::store::{
    EventRow, FunnelStore, PASS_LIMIT, PresenceStore, ReportStore, Result, StoreError,
};

/// The lease of the run over the days that are due.
pub const LEASE: &str = "lease";
/// Days before today whose events may be there.
const FUNNEL_DAYS: i64 = 6;

/// What a run has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every day that was due is reported.
    Done,
    /// Another process is at it.
    Elsewhere,
    /// The database is left.
    Left,
}

/// Days before today: reported ones and all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    pub done: u32,
    pub total: u32,
}

/// A day that was reported.
pub struct Reported {
    /// Its sessions make first days earlier, so that later days are due again.
    pub lowers: bool,
    /// Why its events could not be read, if so.
    pub without_events: Option<StoreError>,
}

/// Why a day was not reported.
pub struct NotReported {
    pub error: StoreError,
    /// The first days of its users are noted all the same.
    pub has_first_days: bool,
}

impl From<StoreError> for NotReported {
    fn from(error: StoreError) -> Self {
        Self {
            error,
            has_first_days: false,
        }
    }
}

impl NotReported {
    /// Whether a read of another day may succeed.
    pub fn is_of_day(&self) -> bool {
        self.error.is_of_documents()
    }
}

/// Follows a run, and may end it.
pub trait Watcher: Send + Sync {
    fn progress(&self, progress: Progress);

    /// So many reports, this one first, were begun at a time that is still to come, and are made again.
    fn ahead(&self, reports: usize, day: &Day, as_of_ms: i64);

    fn has_left(&self) -> bool;
}

/// Reports the days that are due. An error of a day is that of the run, when all others are reported.
pub async fn run<S: ReportStore + PresenceStore + FunnelStore + Sync>(
    store: &S,
    settings: &Settings,
    looks: &Looks,
    owner: &str,
    watcher: &impl Watcher,
) -> Result<Outcome> {
    let mut outlook = looks.look(store).await?;
    let total = outlook.days.len() as u32;
    let mut missing = outlook.missing().count() as u32;
    let progress = |missing| Progress {
        done: total - missing,
        total,
    };
    watcher.progress(progress(missing));
    if let Some((day, as_of_ms)) = outlook.ahead().next() {
        watcher.ahead(outlook.ahead().count(), day, as_of_ms);
    }
    let mut due: BTreeSet<Day> = outlook.due.iter().cloned().collect();
    let lease = Lease::default();
    let mut failed = None;
    let mut has_taken_long = false;
    while let Some(day) = due.pop_first() {
        if watcher.has_left() {
            // So that the next process need not wait. Where that is too late, the lease expires.
            store.take_lease(LEASE, owner, Duration::ZERO).await.ok();
            return Ok(Outcome::Left);
        }
        let take = |time| store.take_lease(LEASE, owner, time);
        let reporting = report_due(store, settings, &day, &outlook, &lease);
        let Some(reported) = lease.during(take, reporting).await? else {
            return Ok(Outcome::Elsewhere);
        };
        let reported = match reported {
            Ok(reported) => reported,
            // A second one that takes too long says that the server has no time now.
            Err(not) if not.is_of_day() && !(has_taken_long && not.error.is_transient()) => {
                has_taken_long |= not.error.is_transient();
                store.note_unread(&day, not.has_first_days).await?;
                outlook.give_up(&day, not.has_first_days);
                failed = failed.or(Some(of_day(&day, not.error)));
                continue;
            }
            Err(NotReported { error, .. }) => {
                // Nobody needs to wait until the lease is over.
                let _ = store.take_lease(LEASE, owner, Duration::ZERO).await;
                return Err(error);
            }
        };
        outlook.unread.remove(&day);
        if reported.lowers {
            due.extend(outlook.later(&day));
        }
        failed = failed.or(reported.without_events);
        if outlook.missing().any(|one| *one == day) {
            missing -= 1;
        }
        watcher.progress(progress(missing));
    }
    if !outlook.due.is_empty() {
        store.take_lease(LEASE, owner, Duration::ZERO).await?;
    }
    let kept = keep_funnels(store, settings, owner, &outlook, watcher).await?;
    match failed {
        Some(error) if kept != Outcome::Left => Err(error),
        _ => Ok(kept),
    }
}

/// The error with the day that it is about.
fn of_day(day: &Day, error: StoreError) -> StoreError {
    let message = format!("the day {} cannot be reported: {error}", day.as_str());
    StoreError { message, ..error }
}

/// Keeps the cohorts of the declared funnels that are due.
async fn keep_funnels<S: ReportStore + FunnelStore + Sync>(
    store: &S,
    settings: &Settings,
    owner: &str,
    outlook: &Outlook,
    watcher: &impl Watcher,
) -> Result<Outcome> {
    let today = outlook.now_ms.div_euclid(DAY_MS) * DAY_MS;
    let (from, to) = (today - FUNNEL_DAYS * DAY_MS, today - DAY_MS);
    for (name, funnel) in &settings.funnels {
        if watcher.has_left() {
            return Ok(Outcome::Left);
        }
        let subject = Subject {
            funnel,
            excluded: settings.excluded(),
            now_ms: outlook.now_ms,
            events_kept_ms: outlook.events_kept_ms,
            limit: PASS_LIMIT,
        };
        let kept = subject.kept(store, from, to).await?;
        let due = subject.due(&kept, from, to);
        if due.is_empty() {
            continue;
        }
        let take = |time| store.take_lease(LEASE, owner, time);
        let keeping = subject.keep(store, name, &due);
        let Some(kept) = Lease::default().during(take, keeping).await? else {
            return Ok(Outcome::Elsewhere);
        };
        store.take_lease(LEASE, owner, Duration::ZERO).await?;
        match kept {
            // As while an index is under way: they are due at the next look.
            Err(error) if error.is_transient() && settings.makes_indexes => {
                return Ok(Outcome::Elsewhere);
            }
            kept => kept?,
        };
    }
    Ok(Outcome::Done)
}

/// Reports a day that is due. Sessions that came late, or a day that is reported after later ones, make first days
/// earlier. That is noted before they change, for a run that ends in between, and after that, for reports that have
/// just read them. Reports that did not know first days because of this day are made again, too.
pub async fn report_due<S: ReportStore + PresenceStore + Sync>(
    store: &S,
    settings: &Settings,
    day: &Day,
    outlook: &Outlook,
    lease: &Lease,
) -> std::result::Result<Reported, NotReported> {
    let comes_late = outlook.is_late(day) || outlook.missing().any(|one| one == day);
    let is_lowered = comes_late && store.lowers_first_days(day).await?;
    if is_lowered {
        store.note_lowered(day).await?;
    }
    let begun = Instant::now();
    // Before the first read, so that a report that was begun later has seen no less.
    let as_of_ms = store.server_ms().await?;
    lease.check()?;
    store.merge_first_days(day).await?;
    let lowers = is_lowered || outlook.unread.lacks_first_days(day);
    if lowers {
        store.note_lowered(day).await?;
    }
    let making = Making {
        outlook,
        lease,
        begun,
        as_of_ms,
    };
    let reported = report_day(store, settings, day, making).await;
    let without_events = reported.map_err(|error| NotReported {
        error,
        has_first_days: true,
    })?;
    Ok(Reported {
        lowers,
        without_events,
    })
}

/// The making of a report.
struct Making<'a> {
    outlook: &'a Outlook,
    lease: &'a Lease,
    begun: Instant,
    /// When that was by the server's clock.
    as_of_ms: i64,
}

/// Reports one day whose first days are noted; why its events could not be read, if so: they are read again at its
/// next run point.
async fn report_day<S: ReportStore + PresenceStore + Sync>(
    store: &S,
    settings: &Settings,
    day: &Day,
    Making {
        outlook,
        lease,
        begun,
        as_of_ms,
    }: Making<'_>,
) -> Result<Option<StoreError>> {
    let events_kept_ms = outlook.events_kept_ms;
    let start = day.start_ms().unwrap_or_default();
    let users = store.day_users(day, settings.excluded()).await?;
    let sessions = store.day_sessions(day, settings.excluded()).await?;
    let totals = store.day_totals(day).await?;
    let presence = presence::read(store, day, as_of_ms, PASS_LIMIT).await?;
    let (events, without_events) = match has_events(start, as_of_ms, events_kept_ms) {
        true => events(store, settings, day).await?,
        false => (None, None),
    };
    let read = Read {
        users,
        sessions,
        totals,
        presence,
        events,
        unknown_since: outlook.unread.unknown_since(day),
    };
    let times = Times {
        as_of_ms,
        took_ms: begun.elapsed().as_millis() as i64,
        events_kept_ms,
    };
    let report = day_report::report(day, read, times, settings);
    lease.check()?;
    // Where a later one is there, it has seen more.
    store.put_report(report).await?;
    Ok(without_events)
}

/// The events of a day, or why they cannot be read: ever, as those that hold no text. What took too long is an error.
async fn events<'a, S: ReportStore>(
    store: &S,
    settings: &'a Settings,
    day: &Day,
) -> Result<(Option<Tally<'a>>, Option<StoreError>)> {
    let mut tally = Tally::new(settings);
    let add = |row: EventRow| tally.add(&row);
    match store.day_events(day, &settings.pass, add).await {
        Ok(()) => Ok((Some(tally), None)),
        Err(error) if error.is_of_documents() && !error.is_transient() => {
            let day = day.as_str();
            let message = format!(
                "the events of {day} cannot be read, so that its report does not know them until it is made again: \
                 {error}"
            );
            Ok((None, Some(StoreError { message, ..error })))
        }
        Err(error) => Err(error),
    }
}
