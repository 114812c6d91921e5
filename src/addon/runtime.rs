//! Runtime of all instances of the process: two threads, on which everything but enqueueing runs.
//!
//! Never shut down: an instance may outlive the JavaScript environment that made it.

use std::sync::{Mutex, PoisonError};

use napi::{Error, Result};
use tokio::runtime::{Builder, EnterGuard, Runtime};

/// Encoding and I/O of one busy server fit into two.
const THREADS: usize = 2;

static RUNTIME: Mutex<Option<&'static Runtime>> = Mutex::new(None);

/// Enters the runtime, starting it if need be.
pub fn enter() -> Result<EnterGuard<'static>> {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = match *runtime {
        Some(runtime) => runtime,
        None => {
            let built = Builder::new_multi_thread()
                .worker_threads(THREADS)
                .thread_name("gso-analytics")
                .enable_all()
                .build();
            let built = built.map_err(|e| {
                Error::from_reason(format!(
                    "threads cannot be started: {e}; nothing can be tracked by this process"
                ))
            })?;
            runtime.insert(Box::leak(Box::new(built)))
        }
    };
    Ok(runtime.enter())
}
