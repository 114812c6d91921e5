//! The search for the database.
//!
//! Order: `uri`, `ANALYTICS_MONGODB_URI` → the host's mongoose, whenever it begins to connect →
//! `MONGODB_URI`, `MONGO_URI` → the only connection of `mongoose.createConnection()`. The last three
//! may lead to another database than the one that mongoose is about to connect to, so a mongoose that
//! is loaded gets time to begin.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::{Config, Text};
use crate::instance::listener::Message;
use crate::instance::log::Log;
use crate::instance::shared::Shared;
use crate::pipeline::messages;
use crate::store::{self, Connection, StoreError};

/// How often the host is asked for its connection.
const ASK_EVERY: Duration = Duration::from_millis(200);

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

pub struct Search {
    shared: Arc<Shared>,
    found: Option<Connection>,
    /// When a store was first needed and no connection was known.
    needed_since: Option<Instant>,
    ask_at: Option<Instant>,
    is_user_told: bool,
}

impl Search {
    pub fn new(shared: &Arc<Shared>) -> Self {
        let config = &shared.config;
        Self {
            found: config.uri.as_ref().map(|uri| at(uri, config)),
            needed_since: None,
            ask_at: None,
            is_user_told: false,
            shared: Arc::clone(shared),
        }
    }

    pub fn found(&self) -> Option<&Connection> {
        self.found.as_ref()
    }

    /// Takes the host's answer, unless a connection is known already.
    pub fn offer(&mut self, connection: Connection) {
        self.found.get_or_insert(connection);
    }

    /// The host has switched.
    pub fn replace(&mut self, connection: Connection) {
        self.found = Some(connection);
    }

    /// The host's connection is looked for anew.
    pub fn forget(&mut self) {
        (self.found, self.needed_since) = (None, None);
    }

    /// Asks the host for a connection, if it is time.
    pub fn poll(&mut self, now: Instant) {
        if self.ask_at.is_none_or(|at| at <= now) {
            self.needed_since.get_or_insert(now);
            self.ask_at = Some(now + ASK_EVERY);
            self.shared.deliver(Message::ConnectionWanted);
        }
    }

    /// The host has no connection: after some patience, takes another one, or tells the user once.
    pub fn nothing_found(&mut self, answer: NothingFound, now: Instant) {
        let NothingFound { mut outlook, other } = answer;
        if self.shared.health.queued() == 0 {
            match outlook {
                Outlook::NoTime => return,
                // A host that is starting may still call mongoose.connect().
                Outlook::OtherConnected => outlook = Outlook::MayConnect,
                _ => {}
            }
        }
        let waited = self
            .needed_since
            .map_or(Duration::ZERO, |since| now - since);
        if self.found.is_some() || waited < outlook.patience() {
            return;
        }
        let config = &self.shared.config;
        let may_replace = outlook != Outlook::Connecting;
        let fallback = config.fallback_uri.as_ref().filter(|_| may_replace);
        let line = if let Some(uri) = fallback {
            self.found = Some(at(uri, config));
            remark_on(uri, &self.shared.log);
            messages::fallback(uri.field, outlook != Outlook::NoMongoose)
        } else if let Some(other) = other.filter(|_| may_replace) {
            self.found = Some(other);
            self.shared.deliver(Message::OtherAdopted);
            messages::OTHER_CONNECTION.to_owned()
        } else {
            if !std::mem::replace(&mut self.is_user_told, true) {
                self.shared.log.warn(messages::no_connection(config));
            }
            return;
        };
        self.shared.deliver(Message::ConnectionKnown);
        self.shared.log.info(line);
    }

    /// When the host is asked again.
    pub fn wake_at(&self) -> Option<Instant> {
        self.ask_at.filter(|_| self.found.is_none())
    }
}

/// Tells which options of a connection string have no effect, or why it cannot be used.
pub fn remark_on(uri: &Text, log: &Log) {
    match store::check(uri) {
        Err(error) => complain(log, &error.to_string()),
        Ok(names) if names.is_empty() => {}
        Ok(names) => log.info(messages::without_effect(uri.field, &names)),
    }
}

/// Tells that a connection could not be opened.
pub fn tell_failure(error: &StoreError, log: &Log) {
    if error.is_transient() {
        log.warn_once("connection", || messages::cannot_connect(&error.message));
    } else {
        complain(log, &error.message);
    }
}

fn complain(log: &Log, problem: &str) {
    log.error_once("connection", || messages::unusable(problem));
}

fn at(uri: &Text, config: &Config) -> Connection {
    Connection::Uri {
        uri: uri.clone(),
        database: config.database.clone(),
        authorities: config.authorities.clone(),
    }
}
