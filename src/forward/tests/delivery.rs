//! Delivery: when events are sent, and in what order.

use super::*;

#[tokio::test(start_paused = true)]
async fn events_are_retried_in_their_order_until_they_are_taken() {
    let mut failures = 3;
    let mut world = World::new(RAW, move |_| {
        failures -= 1;
        match failures {
            2 => Err("reset".to_owned()),
            0 | 1 => answer(503),
            _ => answer(200),
        }
    });
    world.enqueue_numbers(3);
    let report = world.when_empty().await;
    assert_eq!((report.counts.sent, report.counts.retried), (3, 3));
    let seen = world.requests().concat_numbers();
    assert_eq!(seen, [1, 1, 1, 1, 2, 3]);
    let error = report.counts.last_error.expect("an error");
    assert_eq!(error.message, "it answered 503");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_respected() {
    let mut answers = vec![answer(200), asking(503, "garbage"), asking(429, "90")];
    let mut world = World::new(RAW, move |_| answers.pop().expect("an answer"));
    world.enqueue_numbers(1);
    world.when_empty().await;
    let times: Vec<Duration> = world.requests().into_iter().map(|(at, _)| at).collect();
    assert!(times[1] - times[0] >= 90 * SECOND, "{times:?}");
    assert!(times[1] - times[0] < 92 * SECOND, "{times:?}");
    assert!(times[2] - times[1] <= 2 * SECOND, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_bounded() {
    for (fields, bound) in [(RAW, 3_600), (SEGMENT, 300)] {
        let mut answers = vec![answer(200), asking(503, "99999999999999999999999")];
        let mut world = World::new(fields, move |_| answers.pop().expect("an answer"));
        world.enqueue_numbers(1);
        world.when_empty().await;
        let times: Vec<Duration> = world.requests().into_iter().map(|(at, _)| at).collect();
        let wait = times[1] - times[0];
        assert!(
            wait >= bound * SECOND && wait < (bound + 2) * SECOND,
            "{times:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn four_partitions_probe_a_dead_service_with_one_request_per_back_off() {
    let mut world = World::new(RAW, |_| answer(500));
    for user in 0..40 {
        world.enqueue(&format!("u{user}"), r#"{"n":1}"#);
    }
    tokio::time::sleep(3_600 * SECOND).await;
    let report = world.destination.report();
    assert_eq!((report.queued, report.circuit), (40, CircuitState::Open));
    assert!(
        report
            .oldest_waiting
            .is_some_and(|age| age >= 3_599 * SECOND)
    );
    let requests = world.requests();
    // Of the open circuit: mean waits of some 150 s.
    assert!(
        requests.len() < 120,
        "{} requests in an hour",
        requests.len()
    );
    let late = requests.iter().filter(|(at, _)| *at > 60 * SECOND);
    let times: Vec<Duration> = late.map(|(at, _)| *at).collect();
    let together = times
        .windows(2)
        .filter(|pair| pair[1] - pair[0] < SECOND / 10);
    assert_eq!(together.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn all_events_are_sent_after_an_outage() {
    let back = Instant::now() + 1_800 * SECOND;
    let mut world = World::new(RAW, move |_| match Instant::now() < back {
        true => Err("refused".to_owned()),
        false => answer(204),
    });
    for user in 0..40 {
        world.enqueue(&format!("u{user}"), r#"{"n":1}"#);
    }
    let report = world.when_empty().await;
    assert_eq!(
        (report.counts.sent, report.circuit),
        (40, CircuitState::Closed)
    );
    assert!(Instant::now() < back + 301 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn events_that_wait_too_long_expire_and_are_counted() {
    let mut world = World::new(&format!(r#"{RAW}, "maxAgeMs": 60000"#), |_| answer(500));
    world.enqueue_numbers(3);
    tokio::time::sleep(30 * SECOND).await;
    world.enqueue_numbers(2);
    tokio::time::sleep(31 * SECOND).await;
    assert_eq!(world.destination.report().counts.expired, 3);
    let report = world.when_empty().await;
    assert_eq!(report.counts.expired, 5);
    let took = world.played.began.elapsed();
    assert!(took < 91 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_in_bytes_and_drops_the_newest() {
    let mut world = World::new(&format!(r#"{RAW}, "maxQueueBytes": 65536"#), |_| {
        answer(500)
    });
    let data = format!(r#"{{"n":1,"text":"{}"}}"#, "x".repeat(10_000));
    for _ in 0..10 {
        world.enqueue("ann", &data);
    }
    assert_eq!(world.logged("its queue is full (maxQueueBytes)"), 1);
    let report = world.destination.report();
    assert!(report.queued_bytes <= 65_536);
    assert_eq!(report.queued, 6);
    assert_eq!(report.counts.dropped.get("queue_full"), Some(&4));
}

#[tokio::test(start_paused = true)]
async fn events_wait_a_second_for_others_unless_somebody_waits_for_them() {
    let mut world = World::new(SEGMENT, |_| answer(200));
    world.enqueue_numbers(2);
    tokio::time::sleep(SECOND / 2).await;
    world.enqueue_numbers(2);
    world.when_empty().await;
    world.enqueue_numbers(2);
    world.destination.expedite(true);
    tokio::time::sleep(SECOND / 10).await;
    let sizes = world.requests();
    let sizes = sizes.iter().map(|(_, body)| numbers(body).len());
    assert_eq!(sizes.collect::<Vec<_>>(), [4, 2]);
}

#[tokio::test(start_paused = true)]
async fn expedite_ends_a_long_back_off() {
    let alive = Arc::new(Mutex::new(false));
    let seen = Arc::clone(&alive);
    let mut world = World::new(RAW, move |_| match *seen.lock().expect("a lock") {
        true => answer(200),
        false => answer(500),
    });
    world.enqueue_numbers(1);
    tokio::time::sleep(3_600 * SECOND).await;
    *alive.lock().expect("a lock") = true;
    world.destination.expedite(true);
    tokio::time::sleep(SECOND / 10).await;
    assert_eq!(world.destination.report().counts.sent, 1);
}

#[tokio::test(start_paused = true)]
async fn users_are_spread_over_four_partitions_and_stay_in_theirs() {
    let mut world = World::new(RAW, |_| answer(200));
    for user in 0..20 {
        world.enqueue(&format!("u{user}"), r#"{"n":1}"#);
    }
    let partitions: std::collections::BTreeSet<u64> = (0..20)
        .map(|user| event(1, &format!("u{user}"), "{}").user_hash() % 4)
        .collect();
    assert_eq!(partitions.len(), 4);
    assert_eq!(
        event(1, "u", "{}").user_hash(),
        event(2, "u", "[]").user_hash()
    );
    assert_eq!(world.when_empty().await.counts.sent, 20);
}

#[tokio::test(start_paused = true)]
async fn a_users_events_are_under_way_one_at_a_time() {
    let mut world = World::new(RAW, |_| answer(200));
    world.enqueue_numbers(20);
    world.when_empty().await;
    let times: Vec<Duration> = world.requests().into_iter().map(|(at, _)| at).collect();
    let apart = times.windows(2).filter(|pair| pair[1] > pair[0]);
    assert_eq!(
        apart.count(),
        19,
        "each begins after the one before has ended"
    );
}

#[tokio::test(start_paused = true)]
async fn the_lists_of_names_choose_what_is_forwarded() {
    for (lists, sent) in [
        (r#", "allow": ["quest.done"]"#, 1),
        (r#", "allow": ["other"]"#, 0),
        (r#", "deny": ["quest.done"]"#, 0),
        (r#", "deny": ["other"]"#, 1),
        (r#", "allow": ["quest.done"], "deny": ["quest.done"]"#, 0),
        (r#", "allow": []"#, 0),
    ] {
        let mut world = World::new(&format!("{RAW}{lists}"), |_| answer(200));
        world.enqueue_numbers(1);
        let report = world.when_empty().await;
        assert_eq!(report.counts.sent, sent, "{lists}");
        let named = Arc::new(ForwardedEvent {
            name: None,
            ..Arc::into_inner(event(9, "u", "{}")).expect("the only one")
        });
        world.destination.enqueue(&named);
        let report = world.when_empty().await;
        let is_sent = u64::from(!lists.contains("allow"));
        assert_eq!(report.counts.sent, sent + is_sent, "{lists}");
    }
}

#[tokio::test(start_paused = true)]
async fn logins_and_logouts_are_sent_where_they_are_wanted_whatever_the_lists_say() {
    for (fields, sent) in [
        (RAW.to_owned(), 0),
        (
            format!(r#"{RAW}, "sessions": true, "allow": [], "deny": ["session.end"]"#),
            2,
        ),
        (GAME.to_owned(), 2),
        (format!(r#"{GAME}, "sessions": false"#), 0),
    ] {
        let world = World::new(&fields, |_| answer(200));
        let kinds = [Kind::SessionStart, Kind::SessionEnd { duration_s: 9 }];
        for (seq, kind) in (1..).zip(kinds) {
            world.destination.enqueue(&Arc::new(of_session(seq, kind)));
        }
        let report = world.when_empty().await;
        assert_eq!(report.counts.sent, sent, "{fields}");
    }
}

#[tokio::test(start_paused = true)]
async fn queued_events_are_sent_after_close() {
    let mut world = World::new(RAW, |_| answer(200));
    world.enqueue_numbers(4);
    world.destination.close();
    assert_eq!(world.when_empty().await.counts.sent, 4);
}

#[tokio::test(start_paused = true)]
async fn a_report_says_how_long_events_take_and_why_one_was_refused() {
    let mut statuses = [503, 204, 422].into_iter();
    let mut world = World::new(RAW, move |_| answer(statuses.next().unwrap_or(204)));
    assert_eq!(world.destination.report().lag, None);
    world.enqueue("ann", "{}");
    let report = world.when_empty().await;
    let lag = report.lag.expect("a lag");
    assert!(lag >= SECOND / 5 && lag < 2 * SECOND, "{lag:?}");
    assert!(report.counts.last_error.is_some() && report.counts.last_refusal.is_none());
    world.enqueue("ann", "{}");
    let counts = world.when_empty().await.counts;
    assert_eq!(counts.refused, 1);
    let refusal = counts.last_refusal.expect("a refusal");
    assert!(refusal.message.contains("422"), "{}", refusal.message);
}
