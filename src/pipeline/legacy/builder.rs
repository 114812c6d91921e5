//! The builder of baselines: it sums up the sessions that the replaced class has stored in a month, once.
//!
//! Every step can be interrupted, repeated and done by two processes at once (see the store), so a
//! builder that crashes leaves nothing behind but a claim that expires. With the claim only one of several
//! processes does the work; the others check from time to time whether it is done. A step that hangs, on
//! a connection that died silently, is begun again beside itself.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::baselines::{Baselines, LegacyProgress};
use crate::pipeline::task::{attempt, attempt_within, run_to_end};
use crate::record::day::Day;
use crate::store::{Baseline, CLAIM_TTL, LEGACY_STEP_TIMEOUT, Result, Store, StoreError};

/// How often a claim is renewed and progress reported.
const TICK: Duration = Duration::from_secs(3);
const _: () = assert!(TICK.as_secs() * 3 < CLAIM_TTL.as_secs());
/// How often a builder checks whether another one has finished.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How long looking for old sessions may take, in a month that has millions of them.
const LOOK_LIMIT: Duration = Duration::from_secs(120);

/// A report of a builder.
#[derive(Debug)]
pub enum Report {
    Progress(LegacyProgress),
    Ended(Result<()>),
}

impl Report {
    pub fn error(&self) -> Option<&StoreError> {
        match self {
            Self::Progress(_) => None,
            Self::Ended(result) => result.as_ref().err(),
        }
    }
}

/// Starts a builder for the days from the 1st to `today`. It ends by itself when nobody listens any more.
/// Under the `name` of another builder it does not wait for that one's claim.
pub fn start<S: Store>(
    store: Arc<S>,
    baselines: Arc<Baselines>,
    today: &Day,
    name: &str,
) -> UnboundedReceiver<Report> {
    let (reports, receiver) = unbounded_channel();
    let builder = Arc::new(Builder {
        store,
        baselines,
        name: name.to_owned(),
        days: today.days_of_month_so_far(),
        holds_claim: AtomicBool::new(false),
        steps: AtomicUsize::new(0),
        reports,
    });
    tokio::spawn(async move {
        let watching = Arc::clone(&builder).watch();
        let outcome = run_to_end("builder", watching).await;
        builder.report(Report::Ended(outcome));
    });
    receiver
}

struct Builder<S> {
    store: Arc<S>,
    baselines: Arc<Baselines>,
    name: String,
    days: Vec<Day>,
    holds_claim: AtomicBool,
    /// Begun so far.
    steps: AtomicUsize,
    reports: UnboundedSender<Report>,
}

impl<S: Store> Builder<S> {
    async fn build(self: Arc<Self>) -> Result<()> {
        while !self.reports.is_closed() {
            let open = self.open_days().await?;
            if open.is_empty() {
                return Ok(());
            }
            if !self.claim().await? {
                sleep(LOOK_AGAIN).await;
                continue;
            }
            self.sum_up(&open).await?;
            // A read may lag behind, just after an election above all.
            if !self.open_days().await?.is_empty() {
                let problem = "a majority does not know the sums yet";
                return Err(StoreError::transient(problem));
            }
        }
        Ok(())
    }

    /// Days whose old sessions are not summed up yet, oldest first.
    async fn open_days(&self) -> Result<Vec<(Day, Baseline)>> {
        self.step();
        let (store, baselines, days) = (
            Arc::clone(&self.store),
            Arc::clone(&self.baselines),
            self.days.clone(),
        );
        let look = async move { baselines.not_summed_up(store.as_ref(), &days).await };
        let open = attempt_within(LOOK_LIMIT, look).await?;
        self.report_progress();
        Ok(open)
    }

    async fn sum_up(&self, open: &[(Day, Baseline)]) -> Result<()> {
        for (day, baseline) in open {
            if self.reports.is_closed() {
                return Ok(());
            }
            if !baseline.marked {
                self.step();
                self.store.mark_baseline(day, baseline.cutoff).await?;
                self.baselines.mark(day);
                self.report_progress();
            }
        }
        let days: Vec<Day> = open.iter().map(|(day, _)| day.clone()).collect();
        self.step();
        self.store.sum_baselines(&days).await
    }

    async fn claim(&self) -> Result<bool> {
        let (store, name) = (Arc::clone(&self.store), self.name.clone());
        let Some(day) = self.days.last().cloned() else {
            return Ok(false);
        };
        let holds = attempt(async move { store.claim_legacy(&day, &name).await }).await?;
        self.holds_claim.store(holds, Ordering::Release);
        Ok(holds)
    }

    fn step(&self) {
        self.steps.fetch_add(1, Ordering::Release);
    }

    /// Does the work, which runs to its end even when it is given up; meanwhile renews the claim and
    /// reports.
    async fn watch(self: Arc<Self>) -> Result<()> {
        let mut work = pin!(run_to_end("builder", Arc::clone(&self).build()));
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut step = (0, Instant::now());
        loop {
            tokio::select! {
                outcome = &mut work => return outcome,
                _ = ticks.tick() => {
                    self.report_progress();
                    let steps = self.steps.load(Ordering::Acquire);
                    if steps != step.0 {
                        step = (steps, Instant::now());
                    } else if step.1.elapsed() > LEGACY_STEP_TIMEOUT + TICK {
                        let minutes = LEGACY_STEP_TIMEOUT.as_secs() / 60;
                        let problem = format!("MongoDB gave no answer within {minutes} minutes");
                        return Err(StoreError::transient(problem));
                    }
                    if self.holds_claim.load(Ordering::Acquire) {
                        // Somebody who took it over meanwhile does the same work: no harm is done.
                        let _ = self.claim().await;
                    }
                }
            }
        }
    }

    fn report_progress(&self) {
        if let Some(progress) = self.baselines.progress(&self.days) {
            self.report(Report::Progress(progress));
        }
    }

    /// Nobody listens once the database was left.
    fn report(&self, report: Report) {
        let _ = self.reports.send(report);
    }
}
