//! Responses, and the outcome for the events of the request.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_too_large_is_halved_until_it_fits() {
    let mut world = World::new(SEGMENT, |body| match numbers(body).len() {
        0..=30 => answer(200),
        _ => answer(413),
    });
    world.enqueue_numbers(100);
    let report = world.when_empty().await;
    assert_eq!((report.counts.sent, report.counts.refused), (100, 0));
    let taken = world
        .requests()
        .into_iter()
        .filter(|(_, body)| numbers(body).len() <= 30);
    let taken: Vec<i64> = taken.flat_map(|(_, body)| numbers(&body)).collect();
    assert_eq!(taken, (1..=100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn events_that_a_service_refuses_are_found_by_halving() {
    let bad = [17, 18, 700, 1_000];
    let is_bad = move |body: &str| numbers(body).iter().any(|n| bad.contains(n));
    let mut world = World::new(SEGMENT, move |body| match is_bad(body) {
        true => answer(400),
        false => answer(200),
    });
    world.enqueue_numbers(1_000);
    let report = world.when_empty().await;
    assert_eq!((report.counts.sent, report.counts.refused), (996, 4));
    let requests = world.requests();
    let taken = requests.iter().filter(|(_, body)| !is_bad(body));
    let taken: Vec<i64> = taken.flat_map(|(_, body)| numbers(body)).collect();
    let expected = (1..=1_000).filter(|n| !bad.contains(n));
    assert_eq!(taken, expected.collect::<Vec<_>>());
    assert!(requests.len() < 150, "{} requests", requests.len());
}

#[tokio::test(start_paused = true)]
async fn after_a_partial_success_the_named_events_are_refused_and_nothing_is_sent_again() {
    let mut world = World::new(MIXPANEL, |_| {
        answer(400).map(|answer| Response {
            body: br#"{"failed_records":[{"index":1,"field":"token","message":"hunter2 is bad"}]}"#
                .to_vec(),
            ..answer
        })
    });
    world.enqueue_numbers(5);
    let report = world.when_empty().await;
    assert_eq!((report.counts.sent, report.counts.refused), (4, 1));
    assert_eq!(world.requests().len(), 1);
    let error = report.counts.last_error.expect("an error");
    assert_eq!(error.message, "token: … is bad");
}

#[tokio::test(start_paused = true)]
async fn events_that_a_refusal_lists_are_refused_and_the_others_are_sent_again_in_order() {
    let mut world = World::new(AMPLITUDE, |body| {
        let listed = body.contains(r#""n":2}"#);
        // Positions in the body. In the queue, an event that fits no request stands before these.
        let body = br#"{"error":"bad","events_with_invalid_fields":{"n":[1,3]}}"#;
        answer(if listed { 400 } else { 200 }).map(|answer| Response {
            body: body.to_vec(),
            ..answer
        })
    });
    world.enqueue("ann", "not json");
    world.enqueue_numbers(4);
    let report = world.when_empty().await;
    assert_eq!((report.counts.sent, report.counts.refused), (2, 3));
    assert_eq!(report.counts.retried, 2);
    assert_eq!(world.requests().concat_numbers(), [1, 2, 3, 4, 1, 3]);
    assert_eq!(report.circuit, CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_sent_too_much_is_left_alone_and_gets_less() {
    let mut world = World::new(AMPLITUDE, |body| match numbers(body).len() {
        0..=250 => answer(200),
        _ => answer(429).map(|answer| Response {
            body: br#"{"throttled_users":{"ann":1200}}"#.to_vec(),
            ..answer
        }),
    });
    world.enqueue_numbers(1_000);
    assert_eq!(world.when_empty().await.counts.sent, 1_000);
    let requests = world.requests();
    let waits: Vec<Duration> = requests.windows(2).map(|two| two[1].0 - two[0].0).collect();
    assert!(
        waits[0] >= 30 * SECOND && waits[1] >= 30 * SECOND,
        "{waits:?}"
    );
    assert!(waits[2] < 2 * SECOND, "{waits:?}");
    let sizes: Vec<usize> = requests
        .iter()
        .map(|(_, body)| numbers(body).len())
        .collect();
    assert_eq!(sizes[..3], [1_000, 500, 250]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fits_no_request_is_refused_and_the_others_are_sent() {
    let mut world = World::new(SEGMENT, |_| answer(200));
    world.enqueue("ann", r#"{"n":1}"#);
    world.enqueue(
        "ann",
        &format!(r#"{{"n":2,"text":"{}"}}"#, "x".repeat(32_000)),
    );
    world.enqueue("ann", r#"{"n":3}"#);
    let report = world.when_empty().await;
    assert_eq!((report.counts.sent, report.counts.refused), (2, 1));
    assert_eq!(world.requests().concat_numbers(), [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_body_keeps_its_bound_although_events_grow_when_they_are_encoded() {
    let mut world = World::new(SEGMENT, |_| answer(200));
    let text = "x".repeat(60);
    for n in 1..=5_000 {
        world.enqueue("ann", &format!(r#"{{"n":{n},"text":"{text}"}}"#));
    }
    assert_eq!(world.when_empty().await.counts.sent, 5_000);
    let requests = world.requests();
    let sizes: Vec<usize> = requests.iter().map(|(_, body)| body.len()).collect();
    assert!(sizes.iter().all(|size| *size <= 500_000), "{sizes:?}");
    assert!(sizes.len() <= 4, "{sizes:?}");
    assert_eq!(requests.concat_numbers(), (1..=5_000).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_disabled_destination_sends_nothing_more() {
    let mut world = World::new(RAW, |_| answer(410));
    world.enqueue_numbers(3);
    let report = world.when_empty().await;
    world.enqueue_numbers(1);
    tokio::time::sleep(3_600 * SECOND).await;
    assert_eq!(world.requests().len(), 1);
    assert_eq!(report.circuit, CircuitState::Disabled);
    let dropped = world.destination.report().counts.dropped;
    assert_eq!(dropped.into_iter().collect::<Vec<_>>(), [("disabled", 4)]);
}

#[tokio::test(start_paused = true)]
async fn a_configuration_error_is_retried_for_minutes_before_an_event_is_refused() {
    let mut world = World::new(RAW, |_| answer(401));
    world.enqueue_numbers(1);
    let report = world.when_empty().await;
    assert_eq!((report.counts.refused, report.counts.retried), (1, 9));
    let took = world.played.began.elapsed();
    assert!(took > 9 * 120 * SECOND && took < 3_600 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn events_of_throttled_users_go_on_after_the_others_in_their_order() {
    let hashed = format!(r#"{AMPLITUDE}, "hashUserId": {{"secret": "sixteen bytes or more"}}"#);
    for fields in [AMPLITUDE, &hashed] {
        let mut world = World::new(fields, |body| match too_many(&users_in(body)) {
            None => answer(200),
            Some(user) => answer(429).map(|answer| Response {
                body: format!(r#"{{"throttled_users":{{"{user}":3}}}}"#).into_bytes(),
                ..answer
            }),
        });
        for n in 1..=6 {
            world.enqueue("ann", &format!(r#"{{"n":{n}}}"#));
        }
        world.enqueue("bob", r#"{"n":101}"#);
        world.enqueue("eve", r#"{"n":102}"#);
        tokio::time::sleep(5 * SECOND).await;
        world.enqueue("ann", r#"{"n":7}"#);
        world.enqueue("bob", r#"{"n":103}"#);
        tokio::time::sleep(5 * SECOND).await;
        let sent = |requests: Vec<(Duration, String)>| -> Vec<Vec<i64>> {
            let taken = |(_, body): &(Duration, String)| too_many(&users_in(body)).is_none();
            let bodies = requests.into_iter().filter(taken);
            bodies.map(|(_, body)| numbers(&body)).collect()
        };
        assert_eq!(sent(world.requests()), [vec![101, 102], vec![103]]);
        let report = world.destination.report();
        assert_eq!((report.queued, report.circuit), (7, CircuitState::Closed));
        let counts = world.when_empty().await.counts;
        assert_eq!((counts.sent, counts.refused), (10, 0));
        let last: Vec<i64> = sent(world.requests()).split_off(2).concat();
        assert_eq!(last, [1, 2, 3, 4, 5, 6, 7]);
        let (second, third) = (world.requests()[3].0, world.requests()[4].0);
        assert!(second >= 30 * SECOND && third >= second + 30 * SECOND);
        assert!(world.requests().len() < 15, "{}", world.requests().len());
        // Nobody is throttled any more.
        world.enqueue("ann", r#"{"n":8}"#);
        let before = world.played.began.elapsed();
        world.when_empty().await;
        assert!(world.requests().last().expect("one").0 <= before + 2 * SECOND);
    }
}

/// Amplitude's name of each user in a request.
fn users_in(body: &str) -> Vec<&str> {
    let names = body.split(r#""user_id":""#).skip(1);
    names.filter_map(|rest| rest.split('"').next()).collect()
}

/// The user who has more than two of these.
fn too_many<'a>(users: &[&'a str]) -> Option<&'a str> {
    let count = |user: &&str| users.iter().filter(|one| *one == user).count();
    users.iter().copied().find(|user| count(user) > 2)
}
