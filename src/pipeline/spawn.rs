//! The start of workers: of an instance, and of the slots that it recovers.

use std::sync::Arc;

use tokio::task::AbortHandle;

use super::connection::{Database, Opener};
use super::handle::Pipeline;
use super::legacy::Legacy;
use super::lifecycle::Lifecycle;
use super::record_path::RecordPath;
use super::recovery::{Launch, Recovery};
use super::requests::Requests;
use super::totals::Rules;
use super::worker::Worker;
use crate::forward::Destinations;
use crate::instance::shared::Shared;
use crate::spool::Segments;
use crate::store::Store;

/// Starts the worker of an instance; must be called on the runtime. With a `spool` records are kept on
/// disk until they are done.
pub fn spawn<S: Store>(
    shared: Arc<Shared>,
    opener: Opener<S>,
    spool: Option<Segments>,
) -> Pipeline {
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
    let worker = Worker {
        lifecycle,
        path: RecordPath::new(&shared, &destinations, spool, rules, legacy.baselines()),
        legacy,
        recovery: Recovery::new(&shared, &destinations, launcher(&opener, rules)),
        database: Database::new(&shared, opener),
        requests: Requests::new(&shared),
        shared: Arc::clone(&shared),
    };
    let task = tokio::spawn(worker.run(commands));
    let abort = task.abort_handle();
    tokio::spawn(async move {
        if let Err(error) = task.await {
            shared.die(&error.to_string());
        }
    });
    (pipeline, abort)
}

/// Starts workers that recover slots.
fn launcher<S: Store>(opener: &Opener<S>, rules: Rules) -> Launch {
    let opener = Arc::clone(opener);
    Arc::new(move |shared, slot, written| {
        let lifecycle = Lifecycle::of_recovery(written);
        start(shared, Arc::clone(&opener), Some(slot), rules, lifecycle).0
    })
}
