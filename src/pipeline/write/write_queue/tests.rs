//! Tests of write queues: batches, their order, retries and refusals.

use super::*;

const ALL: i64 = i64::MAX;

/// Numbers of records of ten bytes each.
#[derive(Debug, Default, Clone, PartialEq)]
struct Numbers(Vec<i64>);

impl Records for Numbers {
    fn numbers(&self) -> Option<(i64, i64)> {
        Some((*self.0.first()?, *self.0.last()?))
    }
    fn count(&self) -> usize {
        self.0.len()
    }
    fn bytes(&self) -> usize {
        10 * self.0.len()
    }
    fn next(&self) -> Self {
        Self::default()
    }
    fn halves(&self) -> (Self, Self) {
        let (first, second) = self.0.split_at(self.0.len() / 2);
        (Numbers(first.to_vec()), Numbers(second.to_vec()))
    }
}

type TestQueue = WriteQueue<Numbers, &'static str>;

fn push(queue: &mut TestQueue, seq: i64) {
    queue.batch_for(10).0.push(seq);
}

fn queue(records: usize, bytes: usize, in_flight: usize) -> TestQueue {
    let limit = BatchLimit { records, bytes };
    let mut queue = WriteQueue::new(limit, in_flight, Backoff::default(), Numbers::default());
    (1..=5).for_each(|seq| push(&mut queue, seq));
    queue
}

fn sent(queue: &mut TestQueue, up_to: i64) -> Option<(u64, usize)> {
    let batch = queue.take_batch(Instant::now(), up_to);
    batch.map(|(number, records)| (number, records.count()))
}

#[test]
fn batches_are_bounded_by_records_and_by_bytes() {
    assert_eq!(sent(&mut queue(3, 1000, 1), ALL), Some((1, 3)));
    assert_eq!(sent(&mut queue(100, 25, 1), ALL), Some((1, 2)));
    assert_eq!(sent(&mut queue(100, 1, 1), ALL), Some((1, 1)));
    assert_eq!(sent(&mut queue(100, 1000, 1), ALL), Some((1, 5)));
}

#[test]
fn a_batch_holds_no_records_from_both_sides_of_a_seal() {
    let mut queue = queue(100, 1000, 1);
    queue.seal();
    push(&mut queue, 6);
    assert_eq!(sent(&mut queue, 5), Some((1, 5)));
    assert_eq!(queue.written(1, "first").len(), 1);
    assert_eq!(sent(&mut queue, 5), None);
    assert_eq!(sent(&mut queue, 6), Some((2, 1)));
}

#[test]
fn further_batches_are_in_flight_only_if_they_are_full_and_there_is_room() {
    let mut narrow = queue(2, 1000, 1);
    assert_eq!(sent(&mut narrow, ALL), Some((1, 2)));
    assert_eq!(sent(&mut narrow, ALL), None);
    let mut wide = queue(2, 1000, 3);
    assert_eq!(sent(&mut wide, ALL), Some((1, 2)));
    assert_eq!(sent(&mut wide, ALL), Some((2, 2)));
    assert_eq!(sent(&mut wide, ALL), None, "one record is no full batch");
    push(&mut wide, 6);
    assert_eq!(sent(&mut wide, ALL), Some((3, 2)));
    push(&mut wide, 7);
    for (number, result) in [(1, "first"), (2, "second"), (3, "third")] {
        assert_eq!(wide.written(number, result).len(), 1);
    }
    assert_eq!(sent(&mut wide, ALL), Some((4, 1)), "it leaves when alone");
}

#[test]
fn results_are_reported_in_the_order_of_the_records() {
    let mut queue = queue(2, 1000, 2);
    assert_eq!(sent(&mut queue, ALL), Some((1, 2)));
    assert_eq!(sent(&mut queue, ALL), Some((2, 2)));
    assert!(queue.written(2, "second").is_empty());
    assert_eq!(queue.first_unwritten(), Some(1));
    let reported = queue.written(1, "first");
    let results: Vec<_> = reported.iter().map(|(_, result)| *result).collect();
    assert_eq!(results, ["first", "second"]);
    assert_eq!(queue.first_unwritten(), Some(5));
}

#[test]
fn a_failed_batch_is_retried_as_it_was_after_its_backoff() {
    let now = Instant::now();
    let mut queue = queue(2, 1000, 2);
    let batch = queue.take_batch(now, ALL).expect("a batch");
    assert_eq!(queue.failed(1, now), 2);
    push(&mut queue, 6);
    assert_eq!(queue.first_unwritten(), Some(1));
    assert_eq!(queue.take_batch(now, ALL), None);
    let later = queue.retry_at().expect("a backoff");
    assert_eq!(queue.take_batch(later, ALL), Some(batch.clone()));
    queue.resend();
    assert_eq!(
        queue.take_batch(now, ALL),
        Some(batch),
        "at once, elsewhere"
    );
}

/// The numbers that are dropped, and those that are stored, in their order, when a server refuses every
/// batch with one of these numbers; and the number of requests.
fn play(queue: &mut TestQueue, poison: &[i64], suspicion: Suspicion) -> (Vec<i64>, Vec<i64>, u32) {
    let (mut dropped, mut stored, mut requests) = (Vec::new(), Vec::new(), 0);
    let mut now = Instant::now();
    loop {
        let Some((number, batch)) = queue.take_batch(now, ALL) else {
            match queue.retry_at() {
                Some(later) => now = later,
                None => return (dropped, stored, requests),
            }
            continue;
        };
        requests += 1;
        let reported = match batch.0.iter().any(|one| poison.contains(one)) {
            false => queue.written(number, "stored"),
            true => match queue.refused(number, suspicion, now) {
                Refused::Dropped => queue.done(number, "dropped"),
                Refused::Retried(_) => Vec::new(),
            },
        };
        for (batch, result) in reported {
            match result {
                "stored" => stored.extend(&batch.0),
                _ => dropped.extend(&batch.0),
            }
        }
    }
}

#[test]
fn a_batch_that_is_refused_is_split_until_the_refused_records_stand_alone() {
    let limit = BatchLimit {
        records: 64,
        bytes: 1_000,
    };
    for suspicion in [Suspicion::Content, Suspicion::Unknown] {
        let mut queue = WriteQueue::new(limit, 2, Backoff::default(), Numbers::default());
        (0..100).for_each(|seq| push(&mut queue, seq));
        let (dropped, stored, requests) = play(&mut queue, &[0, 37, 63, 99], suspicion);
        assert_eq!(dropped, [0, 37, 63, 99]);
        let innocent: Vec<i64> = (0..100).filter(|seq| !dropped.contains(seq)).collect();
        assert_eq!(stored, innocent);
        assert!(requests < 130, "{requests} requests");
    }
}

#[test]
fn no_record_is_sent_for_ever_and_none_is_dropped_before_its_attempts_are_over() {
    for (suspicion, attempts) in [(Suspicion::Content, 6), (Suspicion::Unknown, 12)] {
        let mut queue = queue(100, 1_000, 2);
        let all = [1, 2, 3, 4, 5];
        let (dropped, stored, requests) = play(&mut queue, &all, suspicion);
        assert_eq!((dropped, stored), (all.to_vec(), vec![]));
        assert!(requests >= 5 * (attempts - 2), "{requests} requests");
    }
}

#[test]
fn a_lone_record_is_dropped_at_once_where_the_collection_took_others() {
    let mut queue = queue(100, 1_000, 1);
    assert_eq!(play(&mut queue, &[], Suspicion::Content).1.len(), 5);
    push(&mut queue, 6);
    assert_eq!(
        play(&mut queue, &[6], Suspicion::Content),
        (vec![6], vec![], 1)
    );
}

#[test]
fn a_record_that_is_refused_with_an_unknown_code_for_a_moment_only_is_stored() {
    let mut queue = queue(100, 1_000, 1);
    let begun = Instant::now();
    let mut now = begun;
    let mut alone = 0;
    // The third is refused until it was so for half a second, alone.
    loop {
        let Some((number, batch)) = queue.take_batch(now, ALL) else {
            match queue.retry_at() {
                Some(later) => now = later,
                None => break,
            }
            continue;
        };
        let is_over = now >= begun + Duration::from_millis(600);
        if is_over || !batch.0.contains(&3) {
            queue.written(number, "stored");
            continue;
        }
        alone += u32::from(batch.count() == 1);
        let refused = queue.refused(number, Suspicion::Unknown, now);
        assert_ne!(refused, Refused::Dropped);
    }
    assert!(alone > 1, "{alone}");
    assert_eq!(queue.first_unwritten(), None);
}
