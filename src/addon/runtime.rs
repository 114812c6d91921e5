//! Runtimes and threads. The instances of a process share two runtimes: one on which everything but enqueueing
//! runs, and one for destinations, which may be flooded by what they are sent.
//!
//! All threads are made before an instance is, and kept: later the system may refuse them. The runtimes are
//! never shut down, since an instance may outlive the JavaScript environment that made it.

use std::future::pending;
use std::io;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

use crate::config::Config;
use crate::instance::context::{Context, Forwarders};
use crate::util::panics::catch;
use crate::util::threads::Threads;

/// Encoding and I/O of one busy server fit into two.
const WORKERS: usize = 2;
/// Threads for look-ups of the names of MongoDB's servers, by the driver.
const LOOK_UPS: usize = 3;
/// Threads for the disk, per instance: one syncs while another reads. A third one appends and does nothing
/// else, since records are safe only then.
const DISK: usize = 2;
/// How long threads that were made may take to begin.
const BEGIN: Duration = Duration::from_secs(10);
/// Longer than any process runs.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

static MAIN: Mutex<Option<&'static Runtime>> = Mutex::new(None);
static FORWARDING: Mutex<Option<Handle>> = Mutex::new(None);

/// The context of an instance with these settings, and the runtime that it runs on.
pub fn prepare(config: &Config) -> io::Result<(Context, EnterGuard<'static>)> {
    let runtime = once(&MAIN, start_main)?;
    let mut context = Context::default();
    if config.spool_dir.is_some() {
        context.disk = Threads::start("gso-disk", DISK)?;
        context.appends = Threads::start("gso-append", 1)?;
    }
    if !config.destinations.is_empty() {
        let threads = config.destinations.iter();
        let threads = threads.map(|_| Threads::start("gso-destination", 1));
        context.forwarders = Forwarders {
            runtime: Some(once(&FORWARDING, start_forwarding)?),
            threads: threads.collect::<io::Result<_>>()?,
        };
    }
    Ok((context, runtime.enter()))
}

/// The runtime that was started before, or one that is started now.
fn once<T: Clone>(
    runtime: &Mutex<Option<T>>,
    start: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let mut runtime = runtime.lock().unwrap_or_else(PoisonError::into_inner);
    match &*runtime {
        Some(runtime) => Ok(runtime.clone()),
        None => Ok(runtime.insert(start()?).clone()),
    }
}

/// Tokio panics when it cannot make its first thread, and goes on without the others: so the threads are tried
/// before, and awaited after.
fn start_main() -> io::Result<&'static Runtime> {
    try_threads(WORKERS + LOOK_UPS)?;
    let build = || {
        Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(LOOK_UPS)
            .thread_keep_alive(FOR_EVER)
            .thread_name("gso-analytics")
            // Not signals, which need descriptors of their own.
            .enable_io()
            .enable_time()
            .build()
    };
    let runtime = catch(build)??;
    match await_threads(&runtime) {
        true => Ok(Box::leak(Box::new(runtime))),
        false => {
            runtime.shutdown_background();
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
}

/// Makes so many threads, and lets them go.
fn try_threads(threads: usize) -> io::Result<()> {
    let hold = RwLock::new(());
    let held = hold.write();
    thread::scope(|scope| {
        let wait = || drop(hold.read());
        let make = || thread::Builder::new().spawn_scoped(scope, wait).map(drop);
        let made = (0..threads).try_for_each(|_| make());
        drop(held);
        made
    })
}

/// Whether all threads of the runtime begin. Each is held until all have begun.
fn await_threads(runtime: &Runtime) -> bool {
    let hold = Arc::new(RwLock::new(()));
    let _held = hold.write();
    let (begun, all) = channel();
    for _ in 0..LOOK_UPS {
        let (begun, hold) = (begun.clone(), Arc::clone(&hold));
        runtime.spawn_blocking(move || {
            let _ = begun.send(());
            drop(hold.read());
        });
    }
    (0..LOOK_UPS).all(|_| all.recv_timeout(BEGIN).is_ok())
}

/// One thread of its own.
fn start_forwarding() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let handle = runtime.handle().clone();
    let builder = thread::Builder::new().name("gso-forwarding".to_owned());
    builder.spawn(move || runtime.block_on(pending::<()>()))?;
    Ok(handle)
}
