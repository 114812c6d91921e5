//! Operations: requests of the host that are open, each with its time limit.

use std::time::Duration;

use tokio::time::Instant;

use crate::instance::error::Error;
use crate::record::day::Day;
use crate::reports::Query;
use crate::reports::funnel::FunnelQuery;
use crate::store::{Personal, StoredEvents, User};

/// A request of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Flush,
    /// For this day and its month.
    Metrics(Day),
    Last30Days,
    /// For this day; `None` for today by the server's clock.
    Concurrency(Option<Day>),
    Funnel(FunnelQuery),
    /// Of the documents that name this user.
    PersonalIds(User),
    /// Documents of a collection, by their `_id`s in BSON.
    PersonalDocuments(Personal, Vec<u8>),
    Erase {
        user: User,
        /// What takes the place of the id; without it, documents are deleted.
        pseudonym: Option<String>,
    },
    /// A page of them.
    StoredEvents(StoredEvents),
    /// Out of reports.
    Report(Query),
    /// Figures of the whole game; `is_whole` with those that change rarely.
    Game {
        is_whole: bool,
    },
    /// What each instance says of itself.
    Instances,
    /// Of the game, as its kept cohorts tell.
    DeclaredFunnels,
    /// What the database is like.
    Inspection,
    /// To be made now.
    ReportDay(Day),
    Stop,
}

impl Request {
    /// The JavaScript clock at the call of `getMetrics()`, ms since 1970.
    pub fn metrics(now_ms: i64) -> Self {
        Request::Metrics(Day::of(now_ms))
    }

    /// Whether it does not wait for records.
    pub fn reads_what_is_there(&self) -> bool {
        matches!(
            self,
            Request::Last30Days
                | Request::Concurrency(_)
                | Request::Funnel(_)
                | Request::PersonalDocuments(..)
                | Request::StoredEvents(_)
                | Request::Report(_)
                | Request::Game { .. }
                | Request::Instances
                | Request::DeclaredFunnels
                | Request::Inspection
                | Request::ReportDay(_)
        )
    }

    /// The public method's name.
    fn name(&self) -> &'static str {
        match self {
            Request::Flush => "flush()",
            Request::Metrics(_) => "getMetrics()",
            Request::Last30Days => "getLast30Days()",
            Request::Concurrency(_) => "getConcurrency()",
            Request::PersonalIds(_) | Request::PersonalDocuments(..) => "exportUser()",
            Request::Funnel(_) => "getFunnel()",
            Request::Erase { .. } => "deleteUser()",
            Request::StoredEvents(_) => "reading stored events",
            Request::Report(query) => query.name(),
            Request::Game { .. } => "getOpenMetrics()",
            Request::Instances => "reading the instances",
            Request::DeclaredFunnels => "reading the declared funnels",
            Request::Inspection => "looking at the database",
            Request::ReportDay(_) => "making a report",
            Request::Stop => "stop()",
        }
    }
}

/// A request on its way.
#[derive(Debug)]
pub struct Operation {
    pub id: u32,
    pub request: Request,
    /// It waits until every record up to this one is committed.
    pub target: i64,
    pub deadline: Instant,
    pub limit: Duration,
    pub phase: Phase,
    pub turn: Turn,
    /// What it reads was still being made.
    pub is_building: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// For records to be committed.
    Waiting,
    /// A read is under way.
    Reading,
    /// A read failed and is retried after this time.
    Again(Instant),
}

/// Whether it waits behind a read of an equal request, which does not tell what was stored since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Free,
    Behind,
    /// It has waited. It does so with the same time once only.
    Had,
}

impl Operation {
    pub fn begun(&self) -> Instant {
        self.deadline - self.limit
    }

    /// An equal request is being read.
    pub fn wait_behind(&mut self) {
        if self.turn == Turn::Free {
            self.turn = Turn::Behind;
        }
    }

    /// Its read begins. One that has waited behind another has its whole time for it: of what is left a read that
    /// takes more than half of the time could never end.
    pub fn begin_read(&mut self, now: Instant) {
        self.phase = Phase::Reading;
        if self.turn == Turn::Behind {
            self.turn = Turn::Had;
            self.deadline = now + self.limit;
        }
    }

    /// When its time is over. A report that is being made for it has the time that the database gives it: what is
    /// made until then would be lost.
    pub fn ends_at(&self) -> Option<Instant> {
        let is_made = self.phase == Phase::Reading && matches!(self.request, Request::ReportDay(_));
        (!is_made).then_some(self.deadline)
    }

    /// The error of its time limit.
    pub fn timeout(&self, cause: Option<String>, is_building: bool) -> Error {
        let after_ms = self.limit.as_millis() as u64;
        if is_building {
            return Error::HistoryBuilding { after_ms };
        }
        Error::Timeout {
            operation: self.request.name(),
            after_ms,
            is_by_option: !matches!(self.request, Request::Game { .. }),
            cause,
        }
    }
}
