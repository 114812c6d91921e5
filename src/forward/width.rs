//! How many events go into one request: all that fit, until a receiver refuses a batch as a whole.
//! Then halves, until the event that it does not take stands alone.

#[derive(Debug, Default)]
pub struct Width {
    /// Nothing: no bound of ours.
    bound: Option<usize>,
    /// After a success the bound grows by this part of itself.
    growth: usize,
}

impl Width {
    pub fn is_whole(&self) -> bool {
        self.bound.is_none()
    }

    pub fn of(&self, most: usize) -> usize {
        self.bound.map_or(most, |bound| bound.min(most))
    }

    /// An event of these is not taken: beyond it everything may be as before.
    pub fn halve(&mut self, events: usize) {
        *self = Self {
            bound: Some((events / 2).max(1)),
            growth: 1,
        };
    }

    /// So many are too large together, and so will others be: the bound stays near.
    pub fn narrow(&mut self, events: usize) {
        self.halve(events);
        self.growth = 16;
    }

    pub fn succeed(&mut self, most: usize) {
        let wider = |bound: usize| bound + (bound / self.growth.max(1)).max(1);
        self.bound = self.bound.map(wider).filter(|bound| *bound < most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_reach_one_and_grow_back_to_the_whole() {
        let mut width = Width::default();
        assert_eq!(width.of(1_000), 1_000);
        let mut events = 1_000;
        let mut halvings = 0;
        while events > 1 {
            width.halve(events);
            events = width.of(1_000);
            halvings += 1;
        }
        assert_eq!((halvings, events), (9, 1));
        let mut successes = 0;
        while !width.is_whole() {
            width.succeed(1_000);
            successes += 1;
        }
        assert_eq!(successes, 10);
    }

    #[test]
    fn what_was_too_large_stays_small_for_a_while() {
        let mut width = Width::default();
        width.narrow(1_000);
        width.succeed(1_000);
        assert_eq!(width.of(1_000), 531);
    }
}
