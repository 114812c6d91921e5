//! The state of one instance that the JavaScript thread and the worker share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::context::Context;
use super::database_status::DatabaseStatus;
use super::health::Health;
use super::incarnation::Incarnation;
use super::listener::{Listener, Message};
use super::log::Log;
use super::memory::Memory;
use super::published::Published;
use super::reports_status::ReportsStatus;
use super::spool_report::SpoolReport;
use crate::config::{Collection, Config};
use crate::util::panics::Panicked;

pub struct Shared {
    pub config: Config,
    pub context: Context,
    pub log: Log,
    pub health: Health,
    pub memory: Memory,
    pub database: Published<DatabaseStatus>,
    pub reports: Published<ReportsStatus>,
    /// `None` without a spool.
    pub spool: Published<Option<SpoolReport>>,
    /// Records that the host has handed over, whether the worker has taken them or not.
    pub handed_over: AtomicU64,
    pub active_sessions: AtomicUsize,
    pub incarnation: Published<Incarnation>,
    /// What is stored says that the players of this instance are online.
    pub is_present: AtomicBool,
    /// No record is accepted.
    pub stopped: AtomicBool,
    /// The process exits: nothing waits for an interval any more.
    pub exiting: AtomicBool,
    /// Makes the worker look at this state again.
    pub wake: Notify,
    /// Nobody, where a slot is recovered.
    host: Option<Arc<dyn Listener>>,
}

impl Shared {
    pub fn new(config: Config, host: Arc<dyn Listener>) -> Arc<Shared> {
        Self::within(Context::default(), config, host)
    }

    pub fn within(context: Context, config: Config, host: Arc<dyn Listener>) -> Arc<Shared> {
        Self::with(context, config, Log::new(&host), Some(host))
    }

    /// The state of a worker that recovers a slot: the operator hears of a problem once from it and this
    /// instance.
    pub fn for_slot(&self, config: Config) -> Arc<Shared> {
        Self::with(self.context.clone(), config, self.log.clone(), None)
    }

    fn with(
        context: Context,
        config: Config,
        log: Log,
        host: Option<Arc<dyn Listener>>,
    ) -> Arc<Shared> {
        Arc::new(Shared {
            memory: Memory::new(&config, &context.limits),
            incarnation: Published::new(Incarnation::fresh(&context.random)),
            is_present: AtomicBool::new(false),
            context,
            config,
            log,
            health: Health::default(),
            database: Published::default(),
            reports: Published::default(),
            spool: Published::default(),
            handed_over: AtomicU64::new(0),
            active_sessions: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            exiting: AtomicBool::new(false),
            wake: Notify::new(),
            host,
        })
    }

    pub fn deliver(&self, message: Message) {
        if let Some(host) = &self.host {
            host.deliver(message);
        }
    }

    /// The server has accepted a request for a collection.
    pub fn accepted(&self, collection: Collection) {
        let refused = self.database.change(|database| {
            database.connected = true;
            database.refused.remove(&collection)
        });
        if refused.is_some() {
            let name = self.config.collections.name(collection);
            let effect = match collection {
                Collection::Purchases => "purchases are stored from now on",
                _ => "records and totals that waited for it are written",
            };
            self.log
                .info(format!("{name} takes writes again: {effect}"));
        }
    }

    /// Changes the report of the spool; from now on there is one.
    pub fn note_spool(&self, change: impl FnOnce(&mut SpoolReport)) {
        self.spool
            .change(|report| change(report.get_or_insert_default()));
    }

    /// A task of this process has met a defect of this package, and goes on.
    pub fn note_defect(&self, panicked: &Panicked) {
        self.health.error(panicked.to_string());
        self.log.warn_once(&panicked.to_string(), || {
            format!(
                "{panicked} was met: what was being done is begun again; a record that cannot be processed is \
                 counted under dropped or refused; please report it"
            )
        });
    }

    /// The worker meets a defect of this package whatever it does. Records wait, and every open promise is rejected.
    pub fn note_failing(&self, panicked: &Panicked) {
        self.health.error(format!("internal: {panicked}"));
        // A line each minute.
        self.log.error_each_minute("internal", || {
            format!(
                "{panicked} keeps this instance from storing anything: records wait in memory and in the spool, if \
                 there is one, and it tries again each minute; restart this process if that lasts, and please \
                 report it"
            )
        });
        self.deliver(Message::Died);
    }

    /// The worker has ended by a defect of this package. No record is accepted any more, and every open
    /// promise is rejected.
    pub fn die(&self, problem: &str) {
        self.stopped.store(true, Ordering::Release);
        self.health.drop_queued("internal");
        self.health.error(format!("internal: {problem}"));
        self.log.warn_once("internal", || {
            format!(
                "this instance has failed by a defect of gso-analytics and stores nothing any more: {problem}; \
                 records that are in no spool are lost (dropped.internal); restart the process, and please report it"
            )
        });
        self.deliver(Message::Died);
    }
}
