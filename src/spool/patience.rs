//! Patience: how often a reader tries again what the disk cannot read, before it takes it for damage. A disk that is
//! away for a moment comes back; a bad sector does not.

/// Failures to read a segment, one after the other: within a minute or so.
const MOST_FAILURES: u32 = 30;

/// With the segment that the disk could not read last.
#[derive(Debug, Default)]
pub struct Patience {
    segment: u64,
    failures: u32,
}

impl Patience {
    /// Whether what the disk cannot read of this segment is damage.
    pub fn is_over(&self, segment: u64) -> bool {
        segment == self.segment && self.failures >= MOST_FAILURES
    }

    /// The disk could not read what there is.
    pub fn fail(&mut self, segment: u64) {
        if segment != self.segment {
            *self = Self {
                segment,
                failures: 0,
            };
        }
        self.failures = (self.failures + 1).min(MOST_FAILURES);
    }

    /// The disk reads again. Of a segment with damage, the rest is not waited for either.
    pub fn succeed(&mut self) {
        if self.failures < MOST_FAILURES {
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_over_after_failures_in_a_row_and_for_one_segment() {
        let mut patience = Patience::default();
        for _ in 1..MOST_FAILURES {
            patience.fail(1);
        }
        patience.succeed();
        for _ in 0..MOST_FAILURES {
            assert!(!patience.is_over(1));
            patience.fail(1);
        }
        patience.succeed();
        assert!(patience.is_over(1), "of the same segment");
        assert!(!patience.is_over(2));
        patience.fail(2);
        assert!(!patience.is_over(2));
    }
}
