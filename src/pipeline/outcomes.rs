//! What the worker does with what its tasks bring back.

use tokio::time::Instant;

use super::groups::{EventGroup, SessionGroup};
use super::lane::Records;
use super::messages;
use super::sessions;
use super::totals::CONTRIBUTION_COST;
use super::worker::{Outcome, Worker};
use crate::instance::listener::Message;
use crate::store::{Dropped, Inserted, Result, Store, StoreError};

impl<S: Store> Worker<S> {
    pub(super) fn absorb(&mut self, outcome: Outcome<S>, now: Instant) {
        match outcome {
            Outcome::Opened(Ok(store)) => self.link.opened(store),
            Outcome::Opened(Err(error)) => {
                self.shared
                    .warn_once("connection", || messages::cannot_connect(&error.message));
                self.shared.health.error(error.message);
                self.link.failed(now);
            }
            Outcome::Prepared(outcome) => self.prepared(outcome, now),
            Outcome::Events(number, outcome) => self.events_written(number, outcome, now),
            Outcome::Sessions(number, outcome) => self.sessions_written(number, outcome, now),
            Outcome::Totals(attempted) => self.totals_attempted(attempted, now),
            Outcome::Read(answer) => self.answered(answer, now),
            Outcome::Standings(outcome) => self.standings_answered(outcome, now),
        }
    }

    fn events_written(&mut self, number: u64, outcome: Result<Inserted>, now: Instant) {
        let inserted = match outcome {
            Ok(inserted) => inserted,
            Err(error) => {
                let records = self.events.failed(number, now);
                return self.write_failed(error, records, now);
            }
        };
        self.shared.set_connected(true);
        self.shared.health.duplicates(inserted.duplicates);
        for (group, inserted) in self.events.written(number, inserted) {
            self.settle_events(&group, inserted.dropped);
        }
    }

    fn settle_events(&mut self, group: &EventGroup, set_aside: Vec<Dropped>) {
        let mut refused = set_aside.into_iter().peekable();
        let (mut place, mut counted, mut written) = (0, 0, 0);
        for record in group.records() {
            let index = record.has_document.then_some(place);
            place += usize::from(record.has_document);
            if let Some(refused) = refused.next_if(|refused| Some(refused.index) == index) {
                self.set_aside(&refused.message);
            } else if let Some(share) = group.contribution(record) {
                self.totals.add_event(share);
                counted += 1;
            } else {
                written += 1;
            }
        }
        self.shared
            .release(group.bytes() - counted * CONTRIBUTION_COST);
        self.shared.settle_written(written);
    }

    fn sessions_written(&mut self, number: u64, outcome: Result<sessions::Written>, now: Instant) {
        let written = match outcome {
            Ok(written) => written,
            Err(error) => {
                let records = self.sessions.failed(number, now);
                return self.write_failed(error, records, now);
            }
        };
        self.shared.set_connected(true);
        self.shared.health.duplicates(written.duplicates);
        for (group, written) in self.sessions.written(number, written) {
            self.settle_sessions(&group, written.outcomes);
        }
    }

    fn settle_sessions(&mut self, group: &SessionGroup, outcomes: Vec<sessions::Outcome>) {
        let acks = group.items().iter().map(|item| item.ack);
        let acks: Vec<u32> = acks.filter(|ack| self.acks.close(*ack)).collect();
        self.acknowledge(acks);
        for (item, outcome) in group.items().iter().zip(outcomes) {
            let mut free = item.cost;
            match outcome {
                sessions::Outcome::Dropped(message) => self.set_aside(&message),
                sessions::Outcome::Written(None) => self.shared.settle_written(1),
                sessions::Outcome::Written(Some(share)) => {
                    free -= share.cost();
                    self.totals.add_session(share);
                }
            }
            self.shared.release(free);
        }
    }

    pub(super) fn write_failed(&mut self, error: StoreError, records: usize, now: Instant) {
        if error.is_unauthenticated()
            && let Some(store) = self.link.renew(now)
        {
            tokio::spawn(async move { store.close().await });
        }
        let message = error.message;
        self.shared.set_connected(false);
        self.shared
            .warn_once("outage", || messages::cannot_write(&message));
        self.shared.health.retry(records as u64);
        self.shared.health.error(message);
    }

    fn set_aside(&self, message: &str) {
        self.shared
            .warn_once("refused_by_server", || messages::set_aside(message));
        self.shared.settle_dropped("refused_by_server", 1);
        self.shared.health.error(message.to_owned());
    }

    pub(super) fn acknowledge(&self, acks: Vec<u32>) {
        if !acks.is_empty() {
            self.shared.deliver(Message::Acknowledged(acks));
        }
    }
}
