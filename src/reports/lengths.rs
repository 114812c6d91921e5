//! Lengths of sessions: exact percentiles of a day, and its buckets.

/// Each bucket ends a tenth above the one before.
const GROWTH: f64 = 1.1;

/// The smallest length that so many percent of the sessions do not exceed, of whole seconds with their counts,
/// shortest first.
pub fn percentile(lengths: &[(i64, i64)], percent: i64) -> Option<i64> {
    let count: i64 = lengths.iter().map(|(_, count)| count).sum();
    let rank = (count * percent + 99) / 100;
    let mut seen = 0;
    let mut reached = lengths.iter().filter(|(_, count)| {
        seen += count;
        seen >= rank.max(1)
    });
    reached.next().map(|(length, _)| *length)
}

/// The sessions of each bucket that has any.
pub fn buckets(lengths: &[(i64, i64)]) -> Vec<(i32, i64)> {
    let mut buckets: Vec<(i32, i64)> = Vec::new();
    for (length, count) in lengths {
        let bucket = bucket(*length);
        match buckets.last_mut() {
            Some((last, sum)) if *last == bucket => *sum += count,
            _ => buckets.push((bucket, *count)),
        }
    }
    buckets
}

/// The bucket of a length of whole seconds.
fn bucket(length: i64) -> i32 {
    let mut bucket = ((length.max(1) as f64).ln() / GROWTH.ln()).ceil() as i32;
    while bucket > 0 && bound(bucket - 1) >= length as f64 {
        bucket -= 1;
    }
    while bound(bucket) < length as f64 {
        bucket += 1;
    }
    bucket
}

/// The longest length in a bucket, in seconds.
pub fn bound(bucket: i32) -> f64 {
    GROWTH.powi(bucket)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_percentile_is_a_length_that_occurred() {
        let lengths = [(1, 1), (5, 1), (60, 1), (600, 1)];
        assert_eq!(percentile(&lengths, 50), Some(5));
        assert_eq!(percentile(&lengths, 90), Some(600));
        assert_eq!(percentile(&lengths, 99), Some(600));
        assert_eq!(percentile(&[(0, 3)], 50), Some(0));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn buckets_hold_every_session_once() {
        assert_eq!(
            buckets(&[(0, 1), (1, 2), (2, 1), (90_000, 1)]),
            [(0, 3), (8, 1), (120, 1)]
        );
    }

    proptest! {
        #[test]
        fn a_bucket_is_the_first_that_holds_the_length(length in 1_i64..2_000_000_000) {
            let bucket = bucket(length);
            prop_assert!(bound(bucket) >= length as f64);
            prop_assert!(bucket == 0 || bound(bucket - 1) < length as f64);
        }

        #[test]
        fn half_of_the_sessions_are_not_longer_than_the_median(
            lengths in proptest::collection::btree_map(0_i64..1_000, 1_i64..5, 1..20),
        ) {
            let lengths: Vec<(i64, i64)> = lengths.into_iter().collect();
            let median = percentile(&lengths, 50).expect("some");
            let sum = |keep: &dyn Fn(i64) -> bool| -> i64 {
                lengths.iter().filter(|(length, _)| keep(*length)).map(|(_, n)| n).sum()
            };
            let all = sum(&|_| true);
            prop_assert!(sum(&|length| length <= median) * 2 >= all);
            prop_assert!(sum(&|length| length < median) * 2 < all);
        }
    }
}
