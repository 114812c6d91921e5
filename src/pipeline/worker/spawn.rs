//! The start of workers: of an instance, and of the slots that it recovers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::Worker;
use crate::forward::Destinations;
use crate::instance::shared::Shared;
use crate::pipeline::closing::{Closer, Closing};
use crate::pipeline::connection::{Database, Opener, remark_on};
use crate::pipeline::handle::Pipeline;
use crate::pipeline::legacy::Legacy;
use crate::pipeline::lifecycle::Lifecycle;
use crate::pipeline::presence::{self, Presence};
use crate::pipeline::record_path::RecordPath;
use crate::pipeline::recovery::{Launch, Recovery};
use crate::pipeline::reporting::Reporting;
use crate::pipeline::requests::Requests;
use crate::pipeline::totals::Rules;
use crate::spool::Segments;
use crate::store::Store;
use crate::util::panics::{Watch, catch, catch_in};

/// Defects in a row after which nobody expects the next turn to succeed: whoever waits is told.
const MANY_DEFECTS: u32 = 5;
/// Before a worker goes on after a defect; with each in a row it is twice as long, up to the longest one.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often those are told who wait for a worker that fails.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// Starts the worker of an instance; must be called on the runtime. With a `spool` records are kept on
/// disk until they are done.
pub fn spawn<S: Store>(
    shared: Arc<Shared>,
    opener: Opener<S>,
    spool: Option<Segments>,
) -> Pipeline {
    if let Some(uri) = &shared.config.uri {
        remark_on(uri, &shared.log);
    }
    presence::remark_on(&shared);
    let lifecycle = Lifecycle::of_instance();
    start(shared, opener, spool, Rules::default(), lifecycle).0
}

/// Returns the host's end, and the handle of the worker's task.
pub fn start<S: Store>(
    shared: Arc<Shared>,
    opener: Opener<S>,
    spool: Option<Segments>,
    rules: Rules,
    lifecycle: Lifecycle,
) -> (Pipeline, AbortHandle) {
    let destinations = Destinations::new(&shared);
    let (pipeline, commands) = Pipeline::new(&shared, &destinations);
    let legacy = Legacy::new(&shared);
    let reporting = Reporting::new(&shared);
    let worker = Worker {
        lifecycle,
        path: RecordPath::new(&shared, &destinations, spool, rules, legacy.baselines()),
        legacy,
        recovery: Recovery::new(&shared, &destinations, launcher(&opener, rules)),
        database: Database::new(&shared, opener),
        presence: Presence::new(&shared, &destinations),
        closer: Closer::new(&shared, Closing::new(&shared, rules)),
        requests: Requests::new(&shared, reporting.settings()),
        reporting,
        commands,
        received: VecDeque::new(),
        shared,
    };
    (pipeline, tokio::spawn(run(worker)).abort_handle())
}

/// Runs a worker to its end, turn by turn. A defect costs the turn that met it: what was under way begins again,
/// and every write can be repeated. While no turn succeeds, records wait, and turns come more and more rarely.
async fn run<S: Store>(mut worker: Worker<S>) {
    let (mut defects, mut panics) = (0_u32, Watch::new());
    loop {
        let turned = catch_in("worker", worker.turn()).await;
        for panicked in panics.news() {
            worker.shared.note_defect(&panicked);
        }
        match turned {
            Ok(true) => defects = 0,
            Ok(false) => break,
            Err(panicked) => {
                defects += 1;
                // Should it fail, too, the next turn finds out.
                let _ = catch(|| worker.leave_database());
                let pause = PAUSE.saturating_mul(1 << (defects - 1).min(16));
                let until = Instant::now() + pause.min(LONGEST_PAUSE);
                while Instant::now() < until {
                    if defects >= MANY_DEFECTS {
                        if worker.commands.is_closed() {
                            // Nobody waits for it any more. Another process may find its slot.
                            return worker.shared.die(&panicked.to_string());
                        }
                        worker.shared.note_failing(&panicked);
                    }
                    sleep_until(until.min(Instant::now() + TOLD_EVERY)).await;
                }
            }
        }
    }
    let _ = catch_in("worker", worker.close()).await;
}

/// Starts workers that recover slots.
fn launcher<S: Store>(opener: &Opener<S>, rules: Rules) -> Launch {
    let opener = Arc::clone(opener);
    Arc::new(move |shared, slot, written| {
        let lifecycle = Lifecycle::of_recovery(written);
        start(shared, Arc::clone(&opener), Some(slot), rules, lifecycle).0
    })
}
