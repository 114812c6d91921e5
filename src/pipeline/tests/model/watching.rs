//! Processes that watch each other, in seconds: outages of the database, processes that are frozen or cut off,
//! and some that die. Nobody may be taken for dead who is there, and who died must be found in time. Designs
//! that look right and are wrong must be noticed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tokio::time::Instant;

use super::oracle::Verdict;
use crate::instance::incarnation::Incarnation;
use crate::pipeline::presence::observer::{Observer, Patience};
use crate::store::Seen;

const INTERVAL: u64 = 20;
const SILENT: u64 = 90;
const FOUND_WITHIN: u64 = 120;
const END: u64 = 1_500;
/// After an outage somebody is back this much later than somebody else at the most.
const LATE: u64 = 10;
const RUNS: u32 = 500;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Design {
    Right,
    /// An old sample is taken for death.
    OldSamples,
    /// The time in which a process wrote no samples of its own counts as well.
    GapsDoNotMatter,
}

#[derive(Debug, Clone)]
struct Scenario {
    outages: Vec<Range<u64>>,
    processes: Vec<Fortune>,
}

#[derive(Debug, Clone)]
struct Fortune {
    begins: u64,
    /// How much later than others it is back after an outage.
    late: u64,
    cut_off: Option<Range<u64>>,
    frozen: Option<Range<u64>>,
    dies: Option<u64>,
}

impl Fortune {
    fn runs(&self, now: u64) -> bool {
        let is_frozen = self
            .frozen
            .as_ref()
            .is_some_and(|frozen| frozen.contains(&now));
        now >= self.begins && !is_frozen && self.dies.is_none_or(|dies| now < dies)
    }

    fn reaches(&self, scenario: &Scenario, now: u64) -> bool {
        let is_away = |outage: &Range<u64>| (outage.start..outage.end + self.late).contains(&now);
        let is_cut_off = self.cut_off.as_ref().is_some_and(|cut| cut.contains(&now));
        !is_cut_off && !scenario.outages.iter().any(is_away)
    }
}

/// What a process knows, and the newest sample of each.
struct Watcher {
    due: u64,
    observer: Observer,
}

fn instance(number: usize) -> Incarnation {
    Incarnation::named(&format!("{number:010x}")).expect("a name")
}

fn play(scenario: &Scenario, design: Design) -> Verdict {
    let start = Instant::now();
    let at = |second: u64| start + Duration::from_secs(second);
    let patience = Patience {
        silent: Duration::from_secs(SILENT),
        gap: match design {
            Design::GapsDoNotMatter => Duration::MAX,
            _ => Duration::from_secs(INTERVAL * 3 / 2),
        },
    };
    let new = |one: &Fortune| Watcher {
        due: one.begins,
        observer: Observer::new(patience),
    };
    let mut watchers: Vec<Watcher> = scenario.processes.iter().map(new).collect();
    let mut samples: BTreeMap<usize, Seen> = BTreeMap::new();
    let mut found: BTreeMap<usize, u64> = BTreeMap::new();
    for now in 0..END {
        for (number, fortune) in scenario.processes.iter().enumerate() {
            let watcher = &mut watchers[number];
            if !fortune.runs(now) || watcher.due > now {
                continue;
            }
            watcher.due = now + INTERVAL;
            if !fortune.reaches(scenario, now) {
                if design != Design::GapsDoNotMatter {
                    watcher.observer.failed();
                }
                continue;
            }
            let seq = samples.get(&number).map_or(0, |sample| sample.seq) + 1;
            samples.insert(number, sample(number, seq, now));
            let all: Vec<Seen> = samples.values().cloned().collect();
            let dead: Vec<Incarnation> = match design {
                Design::OldSamples => {
                    let is_old =
                        |one: &&Seen| one.at_ms + 1_000 * (SILENT as i64) <= now as i64 * 1_000;
                    all.iter()
                        .filter(is_old)
                        .map(|one| one.incarnation)
                        .collect()
                }
                _ => watcher
                    .observer
                    .saw(at(now), &all)
                    .iter()
                    .map(|dead| dead.of)
                    .collect(),
            };
            let look_at = watcher.observer.look_at();
            let look_at = look_at.map(|look_at| look_at.duration_since(start).as_secs());
            watcher.due = watcher.due.min(look_at.unwrap_or(watcher.due));
            for other in (0..scenario.processes.len()).filter(|one| dead.contains(&instance(*one)))
            {
                found.entry(other).or_insert(now);
                is_away(scenario, other, now)?;
            }
        }
    }
    everybody_who_died_is_found(scenario, &samples, &found)
}

fn sample(number: usize, seq: i64, now: u64) -> Seen {
    Seen {
        incarnation: instance(number),
        seq,
        host_ms: Some(now as i64 * 1_000),
        from_ms: Some(0),
        to_ms: None,
        online: 1,
        at_ms: now as i64 * 1_000,
        has_ended: false,
        is_settled: false,
        is_claimed: false,
        name: None,
    }
}

/// Whoever is taken for dead could write no sample, for a reason of its own, since it was silent for long.
fn is_away(scenario: &Scenario, number: usize, now: u64) -> Verdict {
    let fortune = &scenario.processes[number];
    let could_write = |second: u64| {
        let reaches = fortune
            .cut_off
            .as_ref()
            .is_none_or(|cut| !cut.contains(&second));
        fortune.runs(second) && reaches
    };
    // It may have been late after an outage or gone before a sample was due, and be back before the next one is.
    let mut since = now.saturating_sub(SILENT - INTERVAL - LATE)..now - INTERVAL;
    match since.any(could_write) {
        false => Ok(()),
        true => Err(format!("{number} was taken for dead after {now} s")),
    }
}

fn everybody_who_died_is_found(
    scenario: &Scenario,
    samples: &BTreeMap<usize, Seen>,
    found: &BTreeMap<usize, u64>,
) -> Verdict {
    for (number, sample) in samples {
        let last = sample.at_ms as u64 / 1_000;
        let watches = |one: &Fortune| {
            let mut seconds = last..last + FOUND_WITHIN;
            seconds.all(|second| one.runs(second) && one.reaches(scenario, second))
        };
        let others = scenario.processes.iter().enumerate();
        let is_watched = others
            .filter(|(other, _)| other != number)
            .any(|(_, one)| watches(one));
        let is_dead = scenario.processes[*number]
            .dies
            .is_some_and(|dies| dies < END);
        let in_time = found
            .get(number)
            .is_some_and(|at| *at <= last + FOUND_WITHIN);
        if is_dead && is_watched && last + FOUND_WITHIN < END && !in_time {
            return Err(format!(
                "{number} died after {last} s: found at {:?}",
                found.get(number)
            ));
        }
    }
    Ok(())
}

fn range(longest: u64) -> impl Strategy<Value = Range<u64>> {
    (0..END, 1..longest).prop_map(|(start, long)| start..start + long)
}

fn fortune() -> impl Strategy<Value = Fortune> {
    let (cut_off, frozen) = (weighted(0.3, range(400)), weighted(0.3, range(400)));
    (
        0..INTERVAL,
        0..LATE,
        cut_off,
        frozen,
        weighted(0.3, 100..END),
    )
        .prop_map(|(begins, late, cut_off, frozen, dies)| Fortune {
            begins,
            late,
            cut_off,
            frozen,
            dies,
        })
}

fn scenarios() -> impl Strategy<Value = Scenario> {
    (vec(range(400), 0..3), vec(fortune(), 2..5))
        .prop_map(|(outages, processes)| Scenario { outages, processes })
}

#[test]
fn nobody_is_taken_for_dead_who_is_there_and_who_died_is_found() {
    let mut runner = TestRunner::deterministic();
    let outcome = runner.run(&scenarios(), |scenario| {
        play(&scenario, Design::Right).map_err(TestCaseError::fail)
    });
    if let Err(problem) = outcome {
        panic!("{problem}");
    }
}

#[test]
fn wrong_designs_take_somebody_for_dead_who_is_there() {
    for design in [Design::OldSamples, Design::GapsDoNotMatter] {
        let mut runner = TestRunner::deterministic();
        let mut fails = || {
            let scenario = scenarios().new_tree(&mut runner).expect("a scenario");
            play(&scenario.current(), design).is_err()
        };
        assert!((0..RUNS).any(|_| fails()), "nothing is found in {design:?}");
    }
}
