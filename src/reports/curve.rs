//! Curve of a day: the players of each minute, from samples or from sessions. What is not known is `None`.

use std::collections::BTreeSet;

use crate::store::{Minutes, Samples};

/// Minutes of a day, and of a step of the curve that is shown.
pub const DAY: usize = 1_440;
pub const STEP: usize = 5;

pub type Curve = Vec<Option<i64>>;

/// The sum of the newest samples of all instances in each minute.
///
/// An instance is there from its first sample to its last; where it has none in between, the one before counts.
/// Minutes without any sample are not known. Nor are those in which an instance without an end was seen last, as
/// its players may be counted again where they went; and the newest minute, until all have a sample in it.
pub fn of_samples(samples: &Samples) -> Curve {
    let lives: Vec<&Minutes> = samples.values().filter(|life| !life.is_empty()).collect();
    let sampled: BTreeSet<i64> = lives.iter().flat_map(|life| life.keys().copied()).collect();
    let doubtful = doubtful(&lives, sampled.last().copied().unwrap_or_default());
    let players = |minute: i64| {
        let is_known = sampled.contains(&minute) && !doubtful.contains(&minute);
        is_known.then(|| lives.iter().map(|life| players_at(life, minute)).sum())
    };
    (0..DAY as i64).map(players).collect()
}

fn doubtful(lives: &[&Minutes], newest: i64) -> BTreeSet<i64> {
    let mut doubtful = BTreeSet::new();
    for life in lives {
        let Some((&last, &players)) = life.last_key_value() else {
            continue;
        };
        let has_others = || {
            lives
                .iter()
                .any(|other| !std::ptr::eq(*other, *life) && is_there(other, last))
        };
        if players > 0 && last < newest && has_others() {
            doubtful.insert(last);
        }
        if players > 0 && last + 1 == newest {
            doubtful.insert(newest);
        }
    }
    doubtful
}

fn is_there(life: &Minutes, minute: i64) -> bool {
    let (first, last) = (life.first_key_value(), life.last_key_value());
    first.is_some_and(|(first, _)| *first <= minute)
        && last.is_some_and(|(last, _)| *last >= minute)
}

fn players_at(life: &Minutes, minute: i64) -> i64 {
    let before = life.range(..=minute).next_back();
    before
        .filter(|_| is_there(life, minute))
        .map_or(0, |(_, players)| *players)
}

/// The sessions that are open at the end of each minute before `end`, by the changes of their number.
pub fn of_sessions(changes: &Minutes, end: i64) -> Curve {
    let mut open: i64 = changes.range(..0).map(|(_, change)| change).sum();
    let players = |minute: i64| {
        open += changes.get(&minute).copied().unwrap_or_default();
        (minute < end).then_some(open)
    };
    (0..DAY as i64).map(players).collect()
}

/// The largest number and its minute, the first of them.
pub fn peak(curve: &[Option<i64>]) -> Option<(i64, i64)> {
    let known = curve
        .iter()
        .zip(0..)
        .filter_map(|(players, minute)| Some(((*players)?, minute)));
    known.min_by_key(|(players, minute)| (-players, *minute))
}

/// The largest number of each step.
pub fn steps(curve: &[Option<i64>]) -> Curve {
    curve
        .chunks(STEP)
        .map(|step| step.iter().copied().flatten().max())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::instance::incarnation::Incarnation;
    use crate::util::random::Random;

    fn samples(lives: &[&[(i64, i64)]]) -> Samples {
        let life = |minutes: &&[(i64, i64)]| {
            let incarnation = Incarnation::fresh(&Random::default());
            (
                incarnation,
                minutes.iter().copied().collect::<BTreeMap<_, _>>(),
            )
        };
        lives.iter().map(life).collect()
    }

    fn first(lives: &[&[(i64, i64)]], minutes: usize) -> Curve {
        of_samples(&samples(lives))[..minutes].to_vec()
    }

    #[test]
    fn minutes_are_sums_and_a_gap_of_one_instance_is_filled() {
        let lives: &[&[_]] = &[&[(0, 5), (1, 6), (2, 7), (3, 8)], &[(0, 10), (3, 13)]];
        assert_eq!(
            first(lives, 5),
            [Some(15), Some(16), Some(17), Some(21), None]
        );
    }

    #[test]
    fn minutes_in_which_nobody_was_seen_are_not_known() {
        let lives: &[&[_]] = &[&[(0, 5), (3, 6)], &[(0, 1), (3, 1)]];
        assert_eq!(first(lives, 4), [Some(6), None, None, Some(7)]);
    }

    #[test]
    fn a_rolling_restart_counts_nobody_twice() {
        let clean: &[&[_]] = &[&[(0, 9), (1, 0)], &[(1, 9), (2, 9)]];
        assert_eq!(first(clean, 3), [Some(9), Some(9), Some(9)]);
        let killed: &[&[_]] = &[&[(0, 9), (1, 9)], &[(1, 9), (2, 9), (3, 8)]];
        assert_eq!(first(killed, 3), [Some(9), None, Some(9)]);
        assert_eq!(peak(&of_samples(&samples(killed))), Some((9, 0)));
        let alone: &[&[_]] = &[&[(0, 9), (1, 8)], &[(5, 1)]];
        assert_eq!(first(alone, 2), [Some(9), Some(8)]);
    }

    #[test]
    fn the_newest_minute_counts_when_all_are_in_it() {
        let some: &[&[_]] = &[&[(0, 9), (1, 10)], &[(0, 90)]];
        assert_eq!(first(some, 2), [None, None]);
        let all: &[&[_]] = &[&[(0, 9), (1, 10)], &[(0, 90), (1, 91)]];
        assert_eq!(first(all, 2), [Some(99), Some(101)]);
    }

    #[test]
    fn the_hours_beside_the_day_tell_who_was_there_at_its_ends() {
        let lives: &[&[_]] = &[
            &[(-2, 3), (1, 4)],
            &[(0, 1), (1, 1), (1_440, 1), (1_441, 1)],
            &[(1_439, 7), (1_440, 7)],
        ];
        let curve = of_samples(&samples(lives));
        assert_eq!(curve[..2], [Some(4), None]);
        assert_eq!((curve[1_438], curve[1_439]), (None, Some(8)));
    }

    #[test]
    fn sessions_are_open_from_login_to_logout() {
        let changes = [(-1, 4), (0, 1), (2, -3)].into_iter().collect();
        assert_eq!(
            of_sessions(&changes, 4)[..5],
            [Some(5), Some(5), Some(2), Some(2), None]
        );
    }

    #[test]
    fn a_step_is_its_largest_minute_and_the_peak_the_first_of_the_day() {
        let mut curve: Curve = vec![None; DAY];
        (curve[1], curve[4], curve[7]) = (Some(3), Some(2), Some(3));
        assert_eq!(steps(&curve)[..3], [Some(3), Some(3), None]);
        assert_eq!(steps(&curve).len(), 288);
        assert_eq!(peak(&curve), Some((3, 1)));
        assert_eq!(peak(&[None]), None);
    }
}
