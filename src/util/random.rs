//! Randomness: waits with jitter, and ids that nobody else has.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// A source of chance. Tests pass one that they can repeat.
pub trait Source: Send + Sync {
    fn wait(&self, range: RangeInclusive<Duration>) -> Duration;
    fn id(&self) -> String;
    fn bytes(&self) -> [u8; 5] {
        rand::random()
    }
}

#[derive(Clone)]
pub struct Random(Arc<dyn Source>);

impl Random {
    pub fn new(source: impl Source + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// A wait from the range, each equally likely.
    pub fn wait(&self, range: RangeInclusive<Duration>) -> Duration {
        self.0.wait(range)
    }

    /// `[a-z][a-z0-9]{9}`: more than 10^15 of them, so that nobody has to ask whether one is taken.
    pub fn id(&self) -> String {
        self.0.id()
    }

    /// Of 10^12, so that a few thousand are different.
    pub fn bytes(&self) -> [u8; 5] {
        self.0.bytes()
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::new(ThreadRandom)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

/// The generator of the thread, seeded by the operating system.
struct ThreadRandom;

impl Source for ThreadRandom {
    fn wait(&self, range: RangeInclusive<Duration>) -> Duration {
        rand::random_range(range)
    }

    fn id(&self) -> String {
        random_id()
    }
}

/// An id of the form of [`Random::id`].
pub fn random_id() -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut id = String::with_capacity(10);
    for at in 0..10 {
        let choices = if at == 0 { 26 } else { LETTERS.len() };
        id.push(char::from(LETTERS[rand::random_range(0..choices)]));
    }
    id
}
