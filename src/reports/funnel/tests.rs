//! The algorithm beside a search through all chains, and beside a simpler one that is wrong.

use proptest::prelude::*;

use super::*;
use crate::util::proptest_config::config;

const DAY: Range<i64> = 0..1_000;
const WINDOW: i64 = 300;

/// Steps of one letter each.
fn steps(letters: &str) -> Steps {
    let events: Vec<String> = letters.chars().map(String::from).collect();
    Steps::new(&events, WINDOW)
}

/// Events of one user, in the order of their times; letters that are no step are left out.
fn events(steps: &Steps, of_user: &[(char, i64)]) -> Vec<StepEvent> {
    let event = |(letter, at_ms): &(char, i64)| {
        let name = steps
            .names
            .iter()
            .position(|name| *name == letter.to_string())?;
        Some(StepEvent {
            at_ms: *at_ms,
            user: 1,
            name: name as u8,
        })
    };
    of_user.iter().filter_map(event).collect()
}

/// The shortest time to each step that the user reached.
fn shortest(letters: &str, of_user: &[(char, i64)]) -> Vec<i64> {
    let steps = steps(letters);
    let mut cohorts = Cohorts::new(&steps, [DAY]);
    events(&steps, of_user)
        .into_iter()
        .for_each(|event| cohorts.add(event));
    let [outcome] = &cohorts.finish()[..] else {
        panic!("one cohort");
    };
    outcome.times_ms.iter().flatten().copied().collect()
}

/// The same by trying all sequences of different events.
fn searched(steps: &Steps, events: &[StepEvent]) -> Vec<i64> {
    let mut best: Vec<Option<i64>> = vec![None; steps.steps.len()];
    search(steps, events, &mut Vec::new(), &mut best);
    best.into_iter().map_while(|time| time).collect()
}

fn search(steps: &Steps, events: &[StepEvent], chain: &mut Vec<usize>, best: &mut [Option<i64>]) {
    let Some(step) = steps.steps.get(chain.len()) else {
        return;
    };
    for (at, event) in events.iter().enumerate() {
        let first = chain
            .first()
            .map_or(event.at_ms, |first| events[*first].at_ms);
        let last = chain.last().map_or(event.at_ms, |last| events[*last].at_ms);
        let fits = event.name == *step
            && !chain.contains(&at)
            && event.at_ms >= last
            && DAY.contains(&first)
            && event.at_ms - first <= steps.window_ms;
        if fits {
            let time = event.at_ms - first;
            let known = &mut best[chain.len()];
            *known = Some(known.map_or(time, |known| known.min(time)));
            chain.push(at);
            search(steps, events, chain, best);
            chain.pop();
        }
    }
}

/// How many steps the first entry comes through, each by the next event that fits: what is wrong.
fn greedy(steps: &Steps, events: &[StepEvent]) -> usize {
    let mut reached = 0;
    let mut first = None;
    for event in events {
        let fits = steps.steps.get(reached) == Some(&event.name);
        let begin = *first.get_or_insert(event.at_ms);
        if fits && event.at_ms - begin <= steps.window_ms && DAY.contains(&begin) {
            reached += 1;
        } else if reached == 0 {
            first = None;
        }
    }
    reached
}

#[test]
fn steps_are_reached_in_their_order_whatever_is_between() {
    assert_eq!(
        shortest("ABC", &[('A', 1), ('X', 2), ('B', 5), ('C', 9)]),
        [0, 4, 8]
    );
    assert_eq!(shortest("ABC", &[('B', 1), ('A', 2), ('C', 9)]), [0]);
    assert_eq!(shortest("ABC", &[('B', 1), ('C', 9)]), [] as [i64; 0]);
}

#[test]
fn events_of_one_millisecond_count_as_ordered_both_ways() {
    assert_eq!(shortest("AB", &[('A', 5), ('B', 5)]), [0, 0]);
    assert_eq!(shortest("AB", &[('B', 5), ('A', 5)]), [0, 0]);
    assert_eq!(shortest("ABC", &[('C', 5), ('B', 5), ('A', 5)]), [0, 0, 0]);
}

#[test]
fn a_step_that_is_repeated_needs_an_event_of_its_own() {
    assert_eq!(shortest("AAB", &[('A', 1), ('B', 5)]), [0]);
    assert_eq!(shortest("AAB", &[('A', 1), ('A', 3), ('B', 5)]), [0, 2, 4]);
    assert_eq!(shortest("AAB", &[('A', 3), ('B', 3)]), [0]);
    assert_eq!(shortest("AAB", &[('B', 3), ('A', 3), ('A', 3)]), [0, 0, 0]);
}

#[test]
fn the_window_is_met_or_missed_by_a_millisecond() {
    assert_eq!(shortest("AB", &[('A', 10), ('B', 310)]), [0, 300]);
    assert_eq!(shortest("AB", &[('A', 10), ('B', 311)]), [0]);
    // From the first step, not from the one before.
    assert_eq!(
        shortest("ABC", &[('A', 10), ('B', 200), ('C', 400)]),
        [0, 190]
    );
}

#[test]
fn a_chain_begins_on_the_day_and_may_end_after_it() {
    assert_eq!(shortest("AB", &[('A', 999), ('B', 1_299)]), [0, 300]);
    assert_eq!(
        shortest("AB", &[('A', 1_000), ('B', 1_001)]),
        [] as [i64; 0]
    );
    assert_eq!(shortest("AB", &[('A', -1), ('B', 1)]), [] as [i64; 0]);
    assert_eq!(shortest("AB", &[('A', -1), ('A', 0), ('B', 7)]), [0, 7]);
}

#[test]
fn a_user_who_enters_again_gets_another_chance() {
    let again = [('A', 0), ('A', 900), ('B', 1_100), ('C', 1_150)];
    assert_eq!(shortest("ABC", &again), [0, 200, 250]);
    let steps = steps("ABC");
    assert_eq!(greedy(&steps, &events(&steps, &again)), 1);
    // The first chain is the only one that reaches the last step, the second the fastest to the step before.
    let both = [('A', 0), ('B', 100), ('A', 150), ('B', 200), ('C', 310)];
    assert_eq!(shortest("ABC", &both), [0, 50, 160]);
}

#[test]
fn cohorts_and_users_are_apart() {
    let steps = steps("AB");
    let mut cohorts = Cohorts::new(&steps, [0..1_000, 1_000..2_000]);
    for (user, name, at_ms) in [
        (1, 0, 900),
        (2, 0, 950),
        (2, 1, 960),
        (3, 1, 970),
        (1, 0, 1_100),
        (1, 1, 1_150),
    ] {
        cohorts.add(StepEvent { at_ms, user, name });
    }
    cohorts.add_without_user(1_999);
    let outcomes = cohorts.finish();
    assert_eq!([outcomes[0].without_user, outcomes[1].without_user], [0, 1]);
    assert_eq!(outcomes[0].times_ms, [vec![0, 0], vec![10, 250]]);
    assert_eq!(outcomes[1].times_ms, [vec![0], vec![50]]);
}

#[test]
fn a_median_is_a_number_that_occurred() {
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[7]), Some(7));
    assert_eq!(median(&[1, 2, 9]), Some(2));
    assert_eq!(median(&[1, 2, 5, 9]), Some(2));
}

/// Times with many ties, around both ends of the day.
fn some_events() -> impl Strategy<Value = Vec<(char, i64)>> {
    let time = prop_oneof![0..4_i64, 0..40_i64, 90..110_i64].prop_map(|time| time * 10 - 20);
    prop::collection::vec((prop::sample::select(vec!['A', 'B', 'C']), time), 0..9)
}

fn some_steps() -> impl Strategy<Value = Vec<char>> {
    prop::collection::vec(prop::sample::select(vec!['A', 'B', 'C']), 1..6)
}

proptest! {
    #![proptest_config(config(5_000))]

    #[test]
    fn it_finds_what_a_search_through_all_chains_finds(
        letters in some_steps(),
        mut of_user in some_events(),
    ) {
        let letters: String = letters.into_iter().collect();
        of_user.sort_by_key(|(_, at_ms)| *at_ms);
        let steps = steps(&letters);
        let searched = searched(&steps, &events(&steps, &of_user));
        prop_assert_eq!(shortest(&letters, &of_user), searched);
    }
}
