//! The edge to JavaScript: the only place that names `napi`. It converts and delegates.

mod health;
mod message;
mod runtime;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use napi::bindgen_prelude::{Env, Function, Result};
use napi::{Error, Status, sys};
use napi_derive::napi;

use crate::config::Config;
use crate::forward::Destinations;
use crate::instance::health::{REJECTIONS, SpoolState, WARNINGS, known};
use crate::instance::listener::Level;
use crate::instance::shared::Shared;
use crate::pipeline::{self, Found, Pipeline, Prospect, Request};
use crate::record::counters::COUNTED_EVENTS;
use crate::spool::{self, SEGMENT_BYTES, Segments};
use crate::store::{self, Connection, MongoStore};

use health::HealthReport;
use message::{Deliver, Delivery};

/// That of the package for which this was built: another binary may lie where it is looked for.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Longest time for which the end of a thread or of the process waits for records to be written.
const EXIT_DRAIN: Duration = Duration::from_millis(1_500);

/// Every instance with the JavaScript thread that made it, which drains it when it ends.
static LIVE: Mutex<Vec<Live>> = Mutex::new(Vec::new());

struct Live {
    thread: ThreadId,
    shared: Weak<Shared>,
    destinations: Weak<Destinations>,
}

/// What an event adds to.
#[napi(object, object_from_js = false)]
pub struct CountedEvent {
    /// The counter's index in a frame.
    pub index: u32,
    /// The field of the payload that holds the amount; null counts 1.
    pub amount: Option<String>,
}

/// The events that are counted, by name.
#[napi]
pub fn counted_events() -> HashMap<String, CountedEvent> {
    let entries = COUNTED_EVENTS.iter().map(|event| {
        let counted = CountedEvent {
            index: event.counter.index().into(),
            amount: event.amount.map(str::to_owned),
        };
        (event.name.to_owned(), counted)
    });
    entries.collect()
}

/// What is left when the process ends.
#[napi(object, object_from_js = false)]
pub struct Left {
    /// Records that are not written.
    pub records: f64,
    /// Those of them that are on disk, where the next process finds them.
    pub spooled: f64,
    /// Events that are not forwarded.
    pub unforwarded: f64,
    /// Those of them that are on disk.
    pub spooled_events: f64,
}

/// Blocks until every instance of this thread, or of all threads, has written and forwarded what it
/// holds now, at most 1.5 s; returns what is left. For the end of a thread or of the process.
#[napi]
pub fn drain(all_threads: bool) -> Left {
    let deadline = DRAIN_LIMIT.begin(all_threads);
    let draining: Vec<_> = live(all_threads)
        .into_iter()
        .map(|(shared, destinations)| (shared.begin_drain(), shared, destinations))
        .collect();
    let left = || {
        let records = draining
            .iter()
            .map(|(held, shared, _)| shared.left_of(*held));
        let unforwarded = draining
            .iter()
            .map(|(_, _, destinations)| destinations.queued());
        (records.sum::<u64>(), unforwarded.sum::<u64>())
    };
    // Else the next start would forward again what is through.
    let are_kept = || {
        draining
            .iter()
            .all(|(_, _, destinations)| destinations.are_persisted())
    };
    while (left() != (0, 0) || !are_kept()) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    let (records, unforwarded) = left();
    if (records, unforwarded) != (0, 0) {
        DRAIN_LIMIT.was_too_short(deadline);
    }
    let (mut spooled, mut spooled_events) = (0, 0);
    for (held, shared, destinations) in &draining {
        let spool = shared.spool().unwrap_or_default();
        if spool.holds_records {
            spooled += shared.left_of(*held);
        }
        if spool.holds_events {
            spooled_events += destinations.queued();
        }
        shared.end_drain();
    }
    Left {
        records: records as f64,
        spooled: spooled.min(records) as f64,
        unforwarded: unforwarded as f64,
        spooled_events: spooled_events.min(unforwarded) as f64,
    }
}

/// When a drain ends at the latest. The process has its own time; threads that end one after the other
/// share theirs as soon as it was too short for one of them.
struct DrainLimit(Mutex<Option<Instant>>);

impl DrainLimit {
    fn begin(&self, all_threads: bool) -> Instant {
        let now = Instant::now();
        let spent = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match spent {
            Some(end) if !all_threads && now < end + EXIT_DRAIN => end,
            _ => now + EXIT_DRAIN,
        }
    }

    fn was_too_short(&self, end: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }
}

static DRAIN_LIMIT: DrainLimit = DrainLimit(Mutex::new(None));

/// Threads that the end of the process or `terminate()` ends have no `exit` event.
fn drain_at_clean_up(env: &Env) -> Result<()> {
    thread_local!(static IS_HOOKED: Cell<bool> = const { Cell::new(false) });
    if !IS_HOOKED.replace(true) {
        env.add_env_cleanup_hook((), |()| {
            drain(false);
        })?;
    }
    Ok(())
}

/// The instances that were made by this thread, or by any.
fn live(all_threads: bool) -> Vec<(Arc<Shared>, Arc<Destinations>)> {
    let here = thread::current().id();
    let live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
    live.iter()
        .filter(|one| all_threads || one.thread == here)
        .filter_map(|one| Some((one.shared.upgrade()?, one.destinations.upgrade()?)))
        .collect()
}

/// One instance's pipeline.
#[napi]
pub struct NativeAnalytics {
    pipeline: Pipeline,
    deliver: Arc<Deliver>,
    max_event_bytes: u32,
    unknown_options: Vec<String>,
}

#[napi]
impl NativeAnalytics {
    /// `options` and `environment` are JSON objects; `deliver` receives everything the pipeline has
    /// to say. A bad option is an error whose message begins with the option's name.
    #[napi(constructor)]
    pub fn new(
        env: Env,
        options: String,
        environment: String,
        deliver: Function<'_, Delivery, ()>,
    ) -> Result<Self> {
        let (config, unknown_options) =
            Config::from_json(&options, &environment).map_err(|e| invalid(&e.to_string()))?;
        store::check(&config).map_err(|e| invalid(&e.to_string()))?;
        #[cfg(feature = "fail-points")]
        crate::util::failpoint::arm();
        let spool = open_spool(&config);
        if let Err(problem) = &spool
            && !config.spool_fallback_is_memory
        {
            let hint = "spoolFallback: 'memory' goes on without it";
            return Err(Error::from_reason(format!("{problem}; {hint}")));
        }
        let max_event_bytes = config.max_event_bytes as u32;
        let collections = config.collections.clone();
        let deliver = Arc::new(message::build(deliver)?);
        let shared = Shared::new(config, Arc::new(message::JavaScript::new(&deliver)));
        match &spool {
            // The worker has not come to say so yet.
            Ok(Some(segments)) => shared.note_spool(|spool| spool.bytes = segments.status().bytes),
            Ok(None) => {}
            Err(problem) => {
                shared.note_spool(|spool| spool.state = SpoolState::Off);
                let line = format!("{problem}; records are kept in memory only (spoolFallback)");
                shared.log(Level::Warn, line);
            }
        }
        let _runtime = runtime::enter()?;
        let opener = Arc::new(move |connection: Connection| {
            let collections = collections.clone();
            let opening = async move { MongoStore::open(&connection, &collections).await };
            Box::pin(opening) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
        });
        let pipeline = pipeline::spawn(shared, opener, spool.unwrap_or_default());
        remember(&pipeline);
        drain_at_clean_up(&env)?;
        Ok(Self {
            pipeline,
            deliver,
            max_event_bytes,
            unknown_options,
        })
    }

    #[napi(getter)]
    pub fn max_event_bytes(&self) -> u32 {
        self.max_event_bytes
    }

    #[napi(getter)]
    pub fn is_forwarding(&self) -> bool {
        !self.config().destinations.is_empty()
    }

    /// Whether a connection string was given, so that no mongoose is looked for.
    #[napi(getter)]
    pub fn has_uri(&self) -> bool {
        self.config().uri.is_some()
    }

    #[napi(getter)]
    pub fn database(&self) -> Option<String> {
        self.config().database.clone()
    }

    /// Names of options that no version knows.
    #[napi(getter)]
    pub fn unknown_options(&self) -> Vec<String> {
        self.unknown_options.clone()
    }

    /// Hands over the first `length` bytes of the stage, which hold this many records; returns how
    /// many of them (the newest) were refused.
    #[napi]
    pub fn push(&self, stage: &[u8], length: u32, records: u32) -> u32 {
        let frames = stage.get(..length as usize).unwrap_or(stage);
        let refused = self.pipeline.push(frames, records);
        if refused > 0 {
            let reason = if self.pipeline.shared().is_stopped() {
                "stopped"
            } else {
                "queue_full"
            };
            self.warn_of(reason);
        }
        refused
    }

    /// Counts a record that was refused before it was staged.
    #[napi]
    pub fn reject(&self, reason: String) {
        let reason = known(&REJECTIONS, &reason).unwrap_or("unserializable");
        self.pipeline.shared().health.reject(reason, 1);
        self.warn_of(reason);
    }

    /// Counts a record that was accepted, but not in full.
    #[napi]
    pub fn note(&self, reason: String) {
        if let Some(reason) = known(&WARNINGS, &reason) {
            self.pipeline.shared().health.warn(reason, 1);
            self.warn_of(reason);
        }
    }

    /// `anew` when the host has left the connection it gave before `stop`.
    #[napi]
    pub fn start(&self, anew: bool) {
        self.pipeline.start(anew);
    }

    /// Refuses records from now on, until the next `start`.
    #[napi]
    pub fn refuse(&self) {
        self.pipeline.refuse();
    }

    /// `connection` is a JSON object.
    #[napi]
    pub fn connect(&self, connection: String) -> Result<()> {
        self.pipeline.connect(adopted(&connection)?);
        Ok(())
    }

    /// As `connect`, for a host that has left the connection it gave before.
    #[napi]
    pub fn relocate(&self, connection: String) -> Result<()> {
        self.pipeline.switch_database(adopted(&connection)?);
        Ok(())
    }

    /// The host has no connection. `prospect` is `connecting` when its mongoose has begun to connect,
    /// `mongoose` when it has one that may, `none` when it has none, `last` when there is no time to
    /// wait. `other` is a connection that will do if none comes.
    #[napi]
    pub fn nothing_found(&self, prospect: String, other: Option<String>) -> Result<()> {
        let prospect = match prospect.as_str() {
            "connecting" => Prospect::Connecting,
            "mongoose" => Prospect::Mongoose,
            "last" => Prospect::Last,
            _ => Prospect::NoMongoose,
        };
        let other = other.map(|other| adopted(&other)).transpose()?;
        self.pipeline.nothing_found(Found { prospect, other });
        Ok(())
    }

    /// The flush interval is over by the clock of the host: totals need not wait any longer.
    #[napi]
    pub fn totals_due(&self) {
        self.pipeline.flush_totals();
    }

    #[napi(getter)]
    pub fn flush_interval_ms(&self) -> u32 {
        u32::try_from(self.config().flush_interval.as_millis()).unwrap_or(u32::MAX)
    }

    #[napi]
    pub fn request_flush(&self, request: u32) {
        self.pipeline.request(request, Request::Flush);
    }

    #[napi]
    pub fn request_stop(&self, request: u32) {
        self.pipeline.request(request, Request::Stop);
    }

    /// `now_ms` is the JavaScript clock.
    #[napi]
    pub fn request_metrics(&self, request: u32, now_ms: f64) {
        let now_ms = now_ms as i64;
        self.pipeline.request(request, Request::metrics(now_ms));
    }

    #[napi]
    pub fn request_days(&self, request: u32) {
        self.pipeline.request(request, Request::Last30Days);
    }

    #[napi]
    pub fn health(&self) -> HealthReport {
        HealthReport::of(&self.pipeline)
    }

    /// Keeps the process alive until `release`.
    #[napi]
    pub fn hold(&self, env: Env) {
        if !self.deliver.aborted() {
            // SAFETY: this is the JavaScript thread of the environment that made the function.
            #[expect(unsafe_code, reason = "napi has no safe function for it")]
            unsafe {
                sys::napi_ref_threadsafe_function(env.raw(), self.deliver.raw())
            };
        }
    }

    #[napi]
    pub fn release(&self, env: Env) {
        if !self.deliver.aborted() {
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "napi has no safe function for it")]
            unsafe {
                sys::napi_unref_threadsafe_function(env.raw(), self.deliver.raw())
            };
        }
    }

    fn config(&self) -> &Config {
        &self.pipeline.shared().config
    }

    fn warn_of(&self, reason: &'static str) {
        let shared = self.pipeline.shared();
        shared.warn_once(reason, || message::refusal(reason, &shared.config));
    }
}

/// The slot for what an instance keeps on disk, if it is to.
fn open_spool(config: &Config) -> std::result::Result<Option<Segments>, String> {
    let Some(folder) = &config.spool_dir else {
        return Ok(None);
    };
    let open = || {
        let slot = spool::claim(folder, store::target(config))?;
        let mut segments = Segments::new(slot, config.max_spool_bytes, SEGMENT_BYTES);
        match segments.prepare() {
            // What is in it gets written, and then there is room.
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {}
            prepared => prepared?,
        }
        Ok::<_, std::io::Error>(Some(segments))
    };
    open().map_err(|error| format!("spoolDir: {} cannot be used: {error}", folder.display()))
}

/// The settings of a mongoose connection, as JSON.
fn adopted(json: &str) -> Result<Connection> {
    let settings = serde_json::from_str(json);
    settings
        .map(Connection::Adopted)
        .map_err(|_| invalid("the connection of mongoose cannot be read"))
}

fn remember(pipeline: &Pipeline) {
    let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
    live.retain(|one| one.shared.strong_count() > 0);
    live.push(Live {
        thread: thread::current().id(),
        shared: Arc::downgrade(pipeline.shared()),
        destinations: Arc::downgrade(pipeline.destinations()),
    });
}

fn invalid(problem: &str) -> Error {
    Error::new(Status::InvalidArg, problem)
}
