//! The link to a database: which one is used, and its store.
//!
//! Order: `uri`, `ANALYTICS_MONGODB_URI` → the host's mongoose, whenever it begins to connect →
//! `MONGODB_URI`, `MONGO_URI` → the only connection of `mongoose.createConnection()`. The last three
//! may lead to another database than the one that mongoose is about to connect to, so a mongoose that
//! is loaded gets time to begin.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::{Config, Text};
use crate::store::{Connection, Result};
use crate::util::backoff::Backoff;
use crate::util::random::Random;

/// Makes a store from a connection.
pub type Opener<S> =
    Arc<dyn Fn(Connection) -> Pin<Box<dyn Future<Output = Result<S>> + Send>> + Send + Sync>;

/// How often the host is asked for its connection.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// A store whose connections are useless is replaced at most this often.
const RENEW_EVERY: Duration = Duration::from_secs(1);

/// The connection that a host without one can still be expected to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// A mongoose is installed or loaded, and may begin to connect.
    MayConnect,
    /// It has not begun, while a connection of `createConnection()` is in use, as NestJS makes one.
    OtherConnected,
    /// It has begun, and goes on trying: nothing else will do.
    Connecting,
    NoMongoose,
    /// The instance stops or the process ends: there is no time to wait.
    NoTime,
}

impl Outlook {
    /// How long the host is asked before something else is tried, or the user told.
    fn patience(self) -> Duration {
        match self {
            Outlook::MayConnect | Outlook::Connecting => Duration::from_secs(10),
            // Hosts load what they need in their first turn, as a rule.
            Outlook::NoMongoose | Outlook::OtherConnected => Duration::from_secs(1),
            Outlook::NoTime => Duration::ZERO,
        }
    }
}

/// The answer of a host whose mongoose has not begun to connect.
pub struct NothingFound {
    pub outlook: Outlook,
    /// The only connection beside mongoose's own, where there is just one.
    pub other: Option<Connection>,
}

pub struct Link<S> {
    state: State<S>,
    /// Where to connect, once that is known.
    connection: Option<Connection>,
    backoff: Backoff,
    renewed_at: Option<Instant>,
    /// When a store was first needed and no connection was known.
    needed_since: Option<Instant>,
    is_user_told: bool,
}

enum State<S> {
    Idle,
    /// The host was asked for a connection; ask again at this time.
    Asked(Instant),
    Opening,
    Open(Arc<S>),
}

/// The next step towards a store that is needed.
pub enum Step {
    Ask,
    Open(Connection),
    Wait,
}

/// The consequence of an answer that the host has no connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<'c> {
    KeepAsking,
    /// Nothing is configured; to be said once.
    TellUser,
    /// This connection string of the environment names a database; to be said once.
    UseFallback(&'c Text),
    /// The host has one other connection; to be said once.
    UseOther,
}

impl<S> Link<S> {
    pub fn new(config: &Config, random: &Random) -> Self {
        let connection = config.uri.as_ref().map(|uri| at(uri, config));
        Self {
            state: State::Idle,
            connection,
            backoff: Backoff::new(random),
            renewed_at: None,
            needed_since: None,
            is_user_told: false,
        }
    }

    pub fn store(&self) -> Option<&Arc<S>> {
        match &self.state {
            State::Open(store) => Some(store),
            _ => None,
        }
    }

    pub fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    pub fn is_known(&self) -> bool {
        self.connection.is_some()
    }

    /// Takes the host's answer, unless a connection is known already.
    pub fn connect(&mut self, connection: Connection) {
        if self.connection.is_none() {
            self.connection = Some(connection);
            self.state = State::Idle;
        }
    }

    /// The database is switched. The store of the old one is closed already; if it was being opened, its
    /// result is ignored.
    pub fn switch(&mut self, connection: Connection) {
        self.connection = Some(connection);
        self.backoff.succeed();
        self.state = State::Idle;
    }

    /// The next step now that a store is needed.
    pub fn step(&mut self, now: Instant) -> Step {
        let ready = match &self.state {
            State::Idle => self.backoff.is_over(now),
            State::Asked(until) => *until <= now,
            State::Opening | State::Open(_) => false,
        };
        match (&self.connection, ready) {
            (_, false) => Step::Wait,
            (Some(connection), true) => {
                let connection = connection.clone();
                self.state = State::Opening;
                Step::Open(connection)
            }
            (None, true) => {
                self.needed_since.get_or_insert(now);
                self.state = State::Asked(now + ASK_EVERY);
                Step::Ask
            }
        }
    }

    /// The host has no connection.
    pub fn nothing_found<'c>(
        &mut self,
        found: NothingFound,
        config: &'c Config,
        now: Instant,
    ) -> Verdict<'c> {
        let waited = self
            .needed_since
            .map_or(Duration::ZERO, |since| now - since);
        if waited < found.outlook.patience() || self.connection.is_some() {
            return Verdict::KeepAsking;
        }
        if found.outlook != Outlook::Connecting {
            if let Some(uri) = &config.fallback_uri {
                self.connect(at(uri, config));
                return Verdict::UseFallback(uri);
            }
            if let Some(other) = found.other {
                self.connect(other);
                return Verdict::UseOther;
            }
        }
        if std::mem::replace(&mut self.is_user_told, true) {
            return Verdict::KeepAsking;
        }
        Verdict::TellUser
    }

    pub fn opened(&mut self, store: S) {
        self.backoff.succeed();
        self.state = State::Open(Arc::new(store));
    }

    pub fn failed(&mut self, now: Instant) {
        self.backoff.fail(now);
        self.state = State::Idle;
    }

    /// Unless a connection string was given, the host's connection is looked for anew.
    pub fn forget(&mut self, config: &Config) {
        if config.uri.is_none() && self.store().is_none() {
            self.connection = None;
            self.needed_since = None;
        }
    }

    /// Gives the store up; the next one is opened when it is needed.
    pub fn close(&mut self) -> Option<Arc<S>> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Open(store) => Some(store),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// The result of an opening that is under way is not waited for.
    pub fn forget_opening(&mut self) {
        if matches!(self.state, State::Opening) {
            self.state = State::Idle;
        }
    }

    /// Gives up a store whose connections are useless, unless that was done just now: requests that were
    /// under way on the one before may still report it.
    pub fn renew(&mut self, now: Instant) -> Option<Arc<S>> {
        if self.renewed_at.is_some_and(|at| now < at + RENEW_EVERY) {
            return None;
        }
        let store = self.close()?;
        self.renewed_at = Some(now);
        self.backoff.fail(now);
        Some(store)
    }

    /// When the next step is due.
    pub fn wake_at(&self) -> Option<Instant> {
        match &self.state {
            State::Asked(until) => Some(*until),
            State::Idle => self.backoff.until(),
            State::Opening | State::Open(_) => None,
        }
    }
}

fn at(uri: &Text, config: &Config) -> Connection {
    Connection::Uri {
        uri: uri.clone(),
        database: config.database.clone(),
        authorities: config.authorities.clone(),
    }
}
