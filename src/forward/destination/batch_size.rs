//! Adaptive batch size: no bound until a service refuses a batch as a whole. Then it halves, until the refused event
//! is alone, and grows again with every success.

#[derive(Debug, Default)]
pub struct BatchSize {
    /// In events; `None` for no bound but that of the format.
    bound: Option<usize>,
    /// A success makes the bound larger by one part in this many.
    growth: usize,
}

impl BatchSize {
    pub fn is_limited(&self) -> bool {
        self.bound.is_some()
    }

    pub fn within(&self, limit: usize) -> usize {
        self.bound.map_or(limit, |bound| bound.min(limit))
    }

    /// One of so many events is refused. Beyond it batches may be as large as before.
    pub fn halve(&mut self, events: usize) {
        *self = Self {
            bound: Some((events / 2).max(1)),
            growth: 1,
        };
    }

    /// So many events are too large together, and so will others be: the bound grows slowly.
    pub fn shrink(&mut self, events: usize) {
        self.halve(events);
        self.growth = 16;
    }

    pub fn grow(&mut self, limit: usize) {
        let larger = |bound: usize| bound + (bound / self.growth.max(1)).max(1);
        self.bound = self.bound.map(larger).filter(|bound| *bound < limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_reach_one_and_grow_back_to_no_bound() {
        let mut batch_size = BatchSize::default();
        assert_eq!(batch_size.within(1_000), 1_000);
        let mut events = 1_000;
        let mut halvings = 0;
        while events > 1 {
            batch_size.halve(events);
            events = batch_size.within(1_000);
            halvings += 1;
        }
        assert_eq!((halvings, events), (9, 1));
        let mut successes = 0;
        while batch_size.is_limited() {
            batch_size.grow(1_000);
            successes += 1;
        }
        assert_eq!(successes, 10);
    }

    #[test]
    fn after_a_batch_that_was_too_large_the_bound_grows_slowly() {
        let mut batch_size = BatchSize::default();
        batch_size.shrink(1_000);
        batch_size.grow(1_000);
        assert_eq!(batch_size.within(1_000), 531);
    }
}
