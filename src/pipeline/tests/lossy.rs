//! Totals over a store that loses requests and replies.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::*;
use crate::util::proptest_config::size;

/// Several writers on one store that loses requests and replies: every total equals the stored
/// documents in the end, each user counts once a day and once a month.
#[tokio::test(start_paused = true)]
async fn totals_are_exact_although_requests_and_replies_are_lost() {
    let mut faults = 0;
    let seeds = u64::from(size(10, 60));
    for seed in 0..seeds {
        let mut fates = Dice(seed);
        let store = FakeStore::new(move || match fates.roll(10) {
            0 | 1 => Fate::RequestLost,
            2..=4 => Fate::ReplyLost,
            _ => Fate::Answered,
        });
        let mut dice = Dice(seed + 1_000);
        let mut earned: BTreeMap<Day, f64> = BTreeMap::new();
        let writers: Vec<_> = (0..3)
            .map(|_| start(&store, r#"{"flushIntervalMs": 10}"#))
            .collect();
        for (pipeline, _) in &writers {
            connect(pipeline);
        }
        for _ in 0..150 {
            let (pipeline, _) = &writers[dice.roll(3) as usize];
            let user = format!("u{}", dice.roll(12));
            let time = MORNING_MS + dice.roll(2) as i64 * 86_400_000 + dice.roll(3_600_000) as i64;
            let amount = dice.roll(9) as f64;
            let frame = match dice.roll(4) {
                0 => login(&user, 0, time),
                1 => logout(&user, 0, time),
                _ => {
                    *earned.entry(Day::of(time)).or_default() += amount;
                    event(&user, Some((Counter::GemsEarned, amount)), time)
                }
            };
            assert_eq!(pipeline.push(&frame, 1), 0);
            if dice.roll(5) == 0 {
                tokio::time::sleep(Duration::from_millis(dice.roll(40))).await;
            }
        }
        for (pipeline, host) in &writers {
            pipeline.request(1, Request::Flush);
            while host.outcome(1).await.is_err() {
                host.lock().clear();
                pipeline.request(1, Request::Flush);
            }
        }
        for (pipeline, _) in &writers {
            let counts = pipeline.shared().health.counts();
            assert!(counts.warnings.is_empty(), "{counts:?}, seed {seed}");
            assert_eq!(counts.accepted, counts.written, "seed {seed}");
        }
        for (day, amount) in earned {
            let total = store.state().days[day.as_str()].totals[&Counter::GemsEarned];
            assert_eq!(total, amount, "gems of {day:?}, seed {seed}");
        }
        check(&store, seed);
        faults += store.state().faults;
    }
    assert!(
        faults > 15 * seeds,
        "only {faults} faults: this tested nothing"
    );
}

pub fn check(store: &FakeStore, seed: u64) {
    let state = store.state();
    let mut users: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    let mut month: BTreeSet<&str> = BTreeSet::new();
    let mut expected: BTreeMap<(&str, Counter), f64> = BTreeMap::new();
    for session in state.sessions.values() {
        let day = session.get_str("day").expect("a day");
        let user = session.get_str("userId").expect("a user");
        users.entry(day).or_default().insert(user);
        month.insert(user);
        *expected.entry((day, Counter::SessionCount)).or_default() += 1.0;
        if session.get_datetime("logoutAt").is_ok() {
            let seconds = session.get_f64("durationS").expect("a duration");
            *expected.entry((day, Counter::TotalSessionS)).or_default() += seconds;
        }
    }
    for (day, users) in &users {
        expected.insert((day, Counter::Dau), users.len() as f64);
    }
    let mau: f64 = state.days.values().map(|daily| daily.mau).sum();
    assert_eq!(mau, month.len() as f64, "mau, seed {seed}");
    for ((day, counter), total) in expected {
        let stored = state.days[day].totals.get(&counter).copied().unwrap_or(0.0);
        assert_eq!(stored, total, "{counter:?} of {day}, seed {seed}");
    }
}
