//! Acknowledgements: the promises of logins and logouts. Each is resolved once, when its record is written
//! or when it has waited for `ackTimeoutMs`.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use crate::instance::listener::Message;
use crate::instance::shared::Shared;

/// Promises that are still open.
pub struct Acknowledgements {
    shared: Arc<Shared>,
    open: HashSet<u32>,
    /// In the order of their deadlines.
    deadlines: VecDeque<(Instant, u32)>,
}

impl Acknowledgements {
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            open: HashSet::new(),
            deadlines: VecDeque::new(),
        }
    }

    /// A promise is open from now on; 0 is none.
    pub fn expect(&mut self, ack: u32, now: Instant) {
        if ack != 0 {
            self.open.insert(ack);
            let deadline = now + self.shared.config.ack_timeout;
            self.deadlines.push_back((deadline, ack));
        }
    }

    /// Resolves these promises, as far as they are open.
    pub fn acknowledge(&mut self, acks: impl Iterator<Item = u32>) {
        let open: Vec<u32> = acks.filter(|ack| self.open.remove(ack)).collect();
        self.resolve(open);
    }

    /// Resolves the promises whose time is over.
    pub fn expire(&mut self, now: Instant) {
        let mut expired = Vec::new();
        while let Some((deadline, ack)) = self.deadlines.front().copied() {
            if deadline > now && self.open.contains(&ack) {
                break;
            }
            self.deadlines.pop_front();
            if self.open.remove(&ack) {
                expired.push(ack);
            }
        }
        self.resolve(expired);
    }

    /// Resolves promises that were never open, of records that need no write.
    pub fn resolve(&self, acks: Vec<u32>) {
        if !acks.is_empty() {
            self.shared.deliver(Message::Acknowledged(acks));
        }
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.front().map(|(deadline, _)| *deadline)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::instance::listener::Listener;

    #[derive(Default)]
    struct Resolved(Mutex<Vec<u32>>);

    impl Listener for Resolved {
        fn deliver(&self, message: Message) {
            if let Message::Acknowledged(acks) = message {
                self.0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(acks);
            }
        }
    }

    #[test]
    fn a_promise_is_resolved_once_by_its_record_or_by_its_deadline() {
        let (config, _) = Config::from_json(r#"{"ackTimeoutMs": 1000}"#, "{}").expect("valid");
        let resolved = Arc::new(Resolved::default());
        let shared = Shared::new(config, Arc::clone(&resolved) as Arc<dyn Listener>);
        let seen = || {
            let mut acks = resolved.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *acks)
        };
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut acks = Acknowledgements::new(&shared);
        acks.expect(0, now);
        acks.expect(1, now);
        acks.expect(2, now);
        acks.expect(3, now + second);
        acks.acknowledge([0, 1].into_iter());
        acks.acknowledge([1].into_iter());
        assert_eq!(seen(), [1]);
        acks.expire(now);
        assert_eq!(seen(), [0; 0]);
        acks.expire(now + second);
        assert_eq!(seen(), [2]);
        acks.acknowledge([2].into_iter());
        assert_eq!(seen(), [0; 0]);
        assert_eq!(acks.next_deadline(), Some(now + 2 * second));
    }
}
