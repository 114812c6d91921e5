//! Segments that several tasks use, one at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::segments::Segments;

#[derive(Clone)]
pub struct SharedSegments(Arc<Mutex<Segments>>);

impl SharedSegments {
    pub fn new(segments: Segments) -> Self {
        Self(Arc::new(Mutex::new(segments)))
    }

    pub fn lock(&self) -> MutexGuard<'_, Segments> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
