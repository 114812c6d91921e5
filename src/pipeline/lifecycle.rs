//! The lifecycle of a worker: whether it was started and stopped, whether its host is gone, and whether it
//! works for an instance or recovers a slot.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How long a worker whose host is gone goes on forwarding events that are on disk, as at the end of a
/// process.
const FORWARD_GRACE: Duration = Duration::from_millis(1_500);

pub struct Lifecycle {
    /// Where a slot is recovered: becomes true when every record of it is written, and is closed at the
    /// end.
    written: Option<watch::Sender<bool>>,
    /// `start()` was called, and `stop()` was not.
    pub is_started: bool,
    /// `stop()` was called: the store is closed once everything is committed.
    pub is_stopping: bool,
    pub has_host: bool,
    forward_grace_end: Option<Instant>,
}

impl Lifecycle {
    pub fn of_instance() -> Self {
        Self {
            written: None,
            is_started: false,
            is_stopping: false,
            has_host: true,
            forward_grace_end: None,
        }
    }

    pub fn of_recovery(written: watch::Sender<bool>) -> Self {
        Self {
            written: Some(written),
            // Its store is closed as soon as the slot is done.
            is_stopping: true,
            ..Self::of_instance()
        }
    }

    pub fn start(&mut self) {
        (self.is_started, self.is_stopping) = (true, false);
    }

    pub fn stop(&mut self) {
        (self.is_started, self.is_stopping) = (false, true);
    }

    /// The host sent so many commands; none means that it is gone.
    pub fn received(&mut self, commands: usize) {
        self.has_host &= commands > 0;
    }

    pub fn is_recovery(&self) -> bool {
        self.written.is_some()
    }

    /// Whether there may be no later occasion for anything.
    pub fn is_ending(&self) -> bool {
        self.is_stopping || !self.has_host || self.is_recovery()
    }

    /// Every record of the slot is written, which is reported once.
    pub fn recovery_written(&self) {
        if let Some(written) = &self.written {
            written.send_if_modified(|is_written| !std::mem::replace(is_written, true));
        }
    }

    /// Whether the time to forward events without a host is over. It begins with the first call.
    pub fn is_forward_grace_over(&mut self, now: Instant) -> bool {
        *self.forward_grace_end.get_or_insert(now + FORWARD_GRACE) <= now
    }

    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        self.forward_grace_end.filter(|end| *end > now)
    }
}
