//! Instance of JavaScript: one pipeline, with the function that takes its messages.
//!
//! Methods are called on the JavaScript thread that made the instance, and never block.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use napi::bindgen_prelude::{Env, Function, Result};
use napi::{Error, sys};
use napi_derive::napi;

use crate::config::Config;
use crate::instance::shared::Shared;
use crate::pipeline::{self, NothingFound, Pipeline, Request};
use crate::record::day::Day;
use crate::reports::Query;
use crate::store::{self, Connection, MongoStore};

use super::error::{ErrorCode, URI, internal, no_resources, refused};
use super::health::HealthReport;
use super::message::{self, JavaScript, Message, OnMessage};
use super::objects::{CountedEvent, Outlook, ReaderOptions};
use super::reason::{RejectReason, WarningReason};
use super::{exit, runtime, spool};

/// One instance's pipeline.
#[napi]
pub struct NativeAnalytics {
    pub(super) pipeline: Pipeline,
    on_message: Arc<OnMessage>,
    max_event_bytes: u32,
    unknown_options: Vec<String>,
}

#[napi]
impl NativeAnalytics {
    /// `options` and `environment` are JSON objects; `on_message` receives every message of the
    /// instance. `authorities` is called where a setting uses TLS; it returns those that this process
    /// trusts, in PEM, if they are not those that Node brings along. A `reader` writes nothing of its own
    /// accord. A bad option is an error whose message begins with the option's name.
    #[napi(constructor)]
    pub fn new(
        env: Env,
        options: String,
        environment: String,
        on_message: Function<'_, Message, ()>,
        authorities: Function<'_, (), Option<String>>,
        reader: Option<ReaderOptions>,
    ) -> std::result::Result<Self, Error<ErrorCode>> {
        let (mut config, unknown_options) =
            Config::from_json(&options, &environment).map_err(refused)?;
        if let Some(ReaderOptions {
            destination,
            learns,
        }) = reader
        {
            config = match destination {
                None => config.for_reading(learns),
                Some(name) => config.for_forwarding(&name).map_err(refused)?,
            };
        }
        // A variable never keeps a server from starting: it is complained of, and records wait.
        if let Some(uri) = config.uri.as_ref().filter(|uri| uri.field == URI) {
            store::check(uri).map_err(refused)?;
        }
        let is_https = config.destinations.iter().any(|to| to.is_https());
        if is_https || store::trusts_process(&config) {
            let authorities = authorities.call(()).map_err(internal)?;
            config.authorities = authorities.map(Into::into);
        }
        #[cfg(feature = "fail-points")]
        crate::util::failpoint::arm();
        let (context, _runtime) =
            runtime::prepare(&config).map_err(|error| no_resources(&error))?;
        let opened = spool::open(&config);
        if let Err(problem) = &opened
            && !config.spool_fallback_is_memory
        {
            let advice = "repair it, or set spoolFallback: 'memory' to keep records in memory only";
            let problem = format!("{problem}; {advice}");
            return Err(Error::new(ErrorCode::SpoolUnavailable, problem));
        }
        let max_event_bytes = config.max_event_bytes as u32;
        let settings = Arc::new(config.clone());
        let on_message = Arc::new(message::build(on_message).map_err(internal)?);
        let shared = Shared::within(context, config, Arc::new(JavaScript::new(&on_message)));
        spool::report(&shared, &opened);
        let opener = Arc::new(move |connection: Connection| {
            let settings = Arc::clone(&settings);
            let opening = async move { MongoStore::open(&connection, &settings).await };
            Box::pin(opening) as Pin<Box<dyn Future<Output = _> + Send>>
        });
        let pipeline = pipeline::spawn(shared, opener, opened.unwrap_or_default());
        exit::register(&pipeline, &env).map_err(internal)?;
        Ok(Self {
            pipeline,
            on_message,
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

    /// The events that are counted, or are purchases.
    #[napi]
    pub fn counted_events(&self) -> Vec<CountedEvent> {
        let Config {
            counters,
            purchases,
            ..
        } = self.config();
        let counted = counters.events().map(|(event, entry)| CountedEvent {
            event: event.clone(),
            index: counters.index(entry.counter).unwrap_or(0).into(),
            amount: entry.amount.clone(),
            price: purchases.of(event).map(Into::into),
        });
        let others = purchases.events().filter(|event| !counters.has(event));
        let others = others.map(|event| CountedEvent {
            event: event.clone(),
            index: 0,
            amount: None,
            price: purchases.of(event).map(Into::into),
        });
        counted.chain(others).collect()
    }

    /// The totals that are not built in.
    #[napi(getter)]
    pub fn own_totals(&self) -> Vec<&'static str> {
        let own = self.config().counters.own().iter();
        own.map(|counter| counter.field()).collect()
    }

    /// Names of options that no version knows.
    #[napi(getter)]
    pub fn unknown_options(&self) -> Vec<String> {
        self.unknown_options.clone()
    }

    /// Enqueues the first `length` bytes of the stage, which hold this many records. Returns how many of
    /// them, always the newest, were rejected.
    #[napi]
    pub fn enqueue(&self, stage: &[u8], length: u32, records: u32) -> u32 {
        let frames = stage.get(..length as usize).unwrap_or(stage);
        let rejected = self.pipeline.push(frames, records);
        if rejected > 0 {
            self.warn_of_rejected(if self.pipeline.shared().stopped.load(Ordering::Acquire) {
                RejectReason::Stopped
            } else {
                RejectReason::QueueFull
            });
        }
        rejected
    }

    /// Counts a record that was rejected before it was staged.
    #[napi]
    pub fn count_rejected(&self, reason: RejectReason) {
        self.pipeline.shared().health.reject(reason.name(), 1);
        self.warn_of_rejected(reason);
    }

    /// Counts a record that was accepted, but not in full.
    #[napi]
    pub fn count_warning(&self, reason: WarningReason) {
        let shared = self.pipeline.shared();
        shared.health.warn(reason.name(), 1);
        shared.log.warn_once(reason.name(), || reason.line());
    }

    /// `anew` when the host has left the connection that it gave before `stop`.
    #[napi]
    pub fn start(&self, anew: bool) {
        self.pipeline.start(anew);
    }

    /// Rejects records from now on, until the next `start`.
    #[napi]
    pub fn stop_accepting(&self) {
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
    pub fn switch_database(&self, connection: String) -> Result<()> {
        self.pipeline.switch_database(adopted(&connection)?);
        Ok(())
    }

    /// The host has no connection. `other` is the only connection that `createConnection()` has made, if
    /// there is just one; it is used when no better one comes.
    #[napi]
    pub fn nothing_found(&self, outlook: Outlook, other: Option<String>) -> Result<()> {
        let outlook = outlook.into();
        let other = other.map(|other| adopted(&other)).transpose()?;
        self.pipeline.nothing_found(NothingFound { outlook, other });
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

    /// `day` is today by the server's clock if it is not given. False, and no request, if there is no such day.
    #[napi]
    pub fn request_concurrency(&self, request: u32, day: Option<String>) -> bool {
        let existing = day.as_deref().map(Day::existing);
        if existing == Some(None) {
            return false;
        }
        self.pipeline
            .request(request, Request::Concurrency(existing.flatten()));
        true
    }

    /// `options` is JSON. What is wrong with them, if no request was made.
    #[napi]
    pub fn request_report(&self, request: u32, method: String, options: String) -> Option<String> {
        let currencies = &self.config().reports.currencies;
        match Query::read(&method, &options, currencies) {
            Ok(query) => self.pipeline.request(request, Request::Report(query)),
            Err(problem) => return Some(problem),
        }
        None
    }

    #[napi]
    pub fn health(&self) -> HealthReport {
        HealthReport::of(&self.pipeline)
    }

    /// Keeps the process alive until `unref`.
    #[napi(js_name = "ref")]
    pub fn reference(&self, env: Env) {
        if !self.on_message.aborted() {
            // SAFETY: this is the JavaScript thread of the environment that made the function.
            #[expect(unsafe_code, reason = "napi has no safe function for it")]
            unsafe {
                sys::napi_ref_threadsafe_function(env.raw(), self.on_message.raw())
            };
        }
    }

    #[napi(js_name = "unref")]
    pub fn unreference(&self, env: Env) {
        if !self.on_message.aborted() {
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "napi has no safe function for it")]
            unsafe {
                sys::napi_unref_threadsafe_function(env.raw(), self.on_message.raw())
            };
        }
    }

    fn config(&self) -> &Config {
        &self.pipeline.shared().config
    }

    fn warn_of_rejected(&self, reason: RejectReason) {
        let shared = self.pipeline.shared();
        shared
            .log
            .warn_once(reason.name(), || reason.line(&shared.config));
    }
}

/// Reads the settings of a mongoose connection.
fn adopted(json: &str) -> Result<Connection> {
    let settings = serde_json::from_str(json);
    settings
        .map(Connection::Adopted)
        .map_err(|_| Error::from_reason("the connection of mongoose cannot be read"))
}
