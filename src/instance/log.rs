//! The log: lines for the operator, who hears of a problem once per episode.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::listener::{Level, Listener, Message};
use super::published::Published;

/// A line about one reason is not repeated within this time; a quieter time ends the episode.
const EPISODE: Duration = Duration::from_secs(60);

/// Clones share their episodes.
#[derive(Clone)]
pub struct Log {
    listener: Arc<dyn Listener>,
    last_times: Arc<Published<BTreeMap<String, Instant>>>,
}

impl Log {
    pub fn new(listener: &Arc<dyn Listener>) -> Self {
        Self {
            listener: Arc::clone(listener),
            last_times: Arc::default(),
        }
    }

    pub fn line(&self, level: Level, text: String) {
        self.listener.deliver(Message::Log { level, text });
    }

    pub fn info(&self, text: impl Into<String>) {
        self.line(Level::Info, text.into());
    }

    pub fn warn(&self, text: impl Into<String>) {
        self.line(Level::Warn, text.into());
    }

    /// Warns unless this reason's episode has been warned about.
    pub fn warn_once(&self, reason: &str, text: impl FnOnce() -> String) {
        if self.begins_episode(reason, Instant::now()) {
            self.warn(text());
        }
    }

    /// The same for what stays as it is until somebody corrects it.
    pub fn error_once(&self, reason: &str, text: impl FnOnce() -> String) {
        if self.begins_episode(reason, Instant::now()) {
            self.line(Level::Error, text());
        }
    }

    /// The same for good news.
    pub fn info_once(&self, reason: &str, text: &str) {
        if self.begins_episode(reason, Instant::now()) {
            self.info(text);
        }
    }

    /// An error that lasts, a line each minute.
    pub fn error_each_minute(&self, reason: &str, text: impl FnOnce() -> String) {
        let now = Instant::now();
        let is_due = self.last_times.change(|times| {
            let is_due = times
                .get(reason)
                .is_none_or(|last| now.duration_since(*last) >= EPISODE);
            if is_due {
                times.insert(reason.to_owned(), now);
            }
            is_due
        });
        if is_due {
            self.line(Level::Error, text());
        }
    }

    /// True once per episode of a reason: the first time, and again after a quiet minute.
    pub fn begins_episode(&self, reason: &str, now: Instant) -> bool {
        self.last_times.change(|times| match times.get_mut(reason) {
            Some(last) => now.duration_since(std::mem::replace(last, now)) >= EPISODE,
            None => times.insert(reason.to_owned(), now).is_none(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Listener for Nobody {
        fn deliver(&self, _: Message) {}
    }

    #[test]
    fn an_episode_is_warned_about_once_and_again_after_a_quiet_minute() {
        let log = Log::new(&(Arc::new(Nobody) as Arc<dyn Listener>));
        let start = Instant::now();
        assert!(log.begins_episode("queue_full", start));
        assert!(!log.begins_episode("queue_full", start + Duration::from_secs(59)));
        assert!(
            !log.clone()
                .begins_episode("queue_full", start + Duration::from_secs(118))
        );
        assert!(log.begins_episode("stopped", start));
        assert!(log.begins_episode("queue_full", start + Duration::from_secs(178)));
    }
}
