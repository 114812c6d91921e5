//! The observer: which instances are dead, judged from what this one has seen itself.
//!
//! A sample that is old says nothing: an outage or a fail-over makes everybody's old at once, and whoever
//! is back first would close the sessions of all others. So an instance counts as dead only when this one
//! has written its own samples without a gap for [`Patience::silent`], and has seen the number of the
//! other's last sample unchanged through all of that time. A sample that fails, or comes late because
//! this process was frozen, makes it start again.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::instance::incarnation::Incarnation;
use crate::pipeline::closing::Dead;
use crate::store::Seen;

#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long an instance is silent before it is dead.
    pub silent: Duration,
    /// Between two samples of our own; a longer pause is a gap.
    pub gap: Duration,
}

#[derive(Debug)]
pub struct Observer {
    patience: Patience,
    /// When our last sample was sent.
    sampled_at: Option<Instant>,
    /// The last samples of others, and since when each is the last, as far as we have seen without a gap.
    others: HashMap<Incarnation, (i64, Instant)>,
}

impl Observer {
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            sampled_at: None,
            others: HashMap::new(),
        }
    }

    /// Our own sample was not written, or others' could not be read.
    pub fn failed(&mut self) {
        self.sampled_at = None;
        self.others.clear();
    }

    /// Our own sample was sent at `now` and written, and this was read after it. Returns who is dead.
    pub fn saw(&mut self, now: Instant, all: &[Seen]) -> Vec<Dead> {
        let is_gap = |at: Instant| now.duration_since(at) > self.patience.gap;
        if self.sampled_at.is_none_or(is_gap) {
            self.others.clear();
        }
        self.sampled_at = Some(now);
        let present = |of: &Incarnation| {
            all.iter()
                .any(|one| one.incarnation == *of && !one.is_settled)
        };
        self.others.retain(|of, _| present(of));
        let there = all.iter().filter(|seen| !seen.is_settled);
        there.filter_map(|seen| self.dead(now, seen)).collect()
    }

    fn dead(&mut self, now: Instant, seen: &Seen) -> Option<Dead> {
        let new = (seen.seq, now);
        let (seq, since) = self.others.entry(seen.incarnation).or_insert(new);
        if *seq != seen.seq {
            (*seq, *since) = new;
        }
        let is_silent = now.duration_since(*since) >= self.patience.silent;
        let until_ms = seen.host_ms?;
        let dead = Dead {
            of: seen.incarnation,
            sample: seen.seq,
            until_ms,
            from_ms: seen.from_ms?,
            to_ms: seen.to_ms.unwrap_or(until_ms),
        };
        is_silent.then_some(dead)
    }

    /// When one of the others will have been silent for long enough: a sample then tells, without waiting for the
    /// next one that is due.
    pub fn look_at(&self) -> Option<Instant> {
        let at = self
            .others
            .values()
            .map(|(_, since)| *since + self.patience.silent);
        at.filter(|at| Some(*at) > self.sampled_at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        silent: Duration::from_secs(90),
        gap: Duration::from_secs(30),
    };

    fn of(name: &str) -> Incarnation {
        Incarnation::named(name).expect("a name")
    }

    fn seen(name: &str, seq: i64) -> Seen {
        Seen {
            incarnation: of(name),
            seq,
            host_ms: Some(seq * 1_000),
            from_ms: Some(7),
            to_ms: Some(9_000),
            online: 3,
            at_ms: 0,
            has_ended: false,
            is_settled: false,
            is_claimed: false,
            name: None,
        }
    }

    const NOBODY: [u64; 0] = [];

    /// When somebody is found dead, at samples so many seconds after the start.
    fn found(observer: &mut Observer, start: Instant, samples: &[(u64, Vec<Seen>)]) -> Vec<u64> {
        let mut found = Vec::new();
        for (at, all) in samples {
            let dead = observer.saw(start + Duration::from_secs(*at), all);
            found.extend(dead.iter().map(|_| *at));
        }
        found
    }

    fn silent(at: impl Iterator<Item = u64>) -> Vec<(u64, Vec<Seen>)> {
        at.map(|at| (at, vec![seen("00000000aa", 5)])).collect()
    }

    #[test]
    fn an_instance_is_dead_after_90_s_without_a_new_sample() {
        let mut observer = Observer::new(PATIENCE);
        let start = Instant::now();
        assert_eq!(
            found(&mut observer, start, &silent((0..90).step_by(20))),
            NOBODY
        );
        assert_eq!(observer.look_at(), Some(start + PATIENCE.silent));
        let dead = observer.saw(start + PATIENCE.silent, &[seen("00000000aa", 5)]);
        let expected = Dead {
            of: of("00000000aa"),
            sample: 5,
            until_ms: 5_000,
            from_ms: 7,
            to_ms: 9_000,
        };
        assert_eq!(dead, [expected]);
    }

    #[test]
    fn a_new_sample_begins_the_time_anew() {
        let mut observer = Observer::new(PATIENCE);
        let mut samples = silent((0..=180).step_by(20));
        samples[4].1 = vec![seen("00000000aa", 6)];
        samples
            .iter_mut()
            .skip(5)
            .for_each(|(_, all)| all[0].seq = 6);
        assert_eq!(found(&mut observer, Instant::now(), &samples), [180]);
    }

    #[test]
    fn a_gap_in_our_own_samples_begins_the_time_anew() {
        let start = Instant::now();
        // We were frozen for an hour, and so was everybody else's clock for all we know.
        let mut observer = Observer::new(PATIENCE);
        let samples = [
            silent((0..=80).step_by(20)),
            silent((3_600..=3_700).step_by(20)),
        ]
        .concat();
        assert_eq!(found(&mut observer, start, &samples), [3_700]);
        // A sample of ours failed.
        let mut observer = Observer::new(PATIENCE);
        assert_eq!(
            found(&mut observer, start, &silent((0..=80).step_by(20))),
            NOBODY
        );
        observer.failed();
        assert_eq!(observer.look_at(), None);
        assert_eq!(
            found(&mut observer, start, &silent((85..=175).step_by(15))),
            [175]
        );
    }

    #[test]
    fn who_is_settled_or_of_an_earlier_release_is_never_dead() {
        let ended = Seen {
            is_settled: true,
            ..seen("00000000aa", 5)
        };
        let earlier = Seen {
            from_ms: None,
            ..seen("00000000bb", 5)
        };
        let mut observer = Observer::new(PATIENCE);
        let all = vec![ended, earlier];
        let samples: Vec<_> = (0..=200).step_by(20).map(|at| (at, all.clone())).collect();
        assert_eq!(found(&mut observer, Instant::now(), &samples), NOBODY);
    }
}
