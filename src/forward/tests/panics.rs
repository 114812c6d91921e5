//! A panic wherever a sender waits costs the attempt that meets it, and nothing else.

use super::*;
use crate::util::failpoint::testing::Fuse;

const USERS: [&str; 2] = ["ann", "bob"];
const EVENTS: i64 = 6;

/// Sends events to a service that fails at first; each user's arrive in their order.
async fn deliver(fields: &str) {
    let mut failures = 1;
    let mut world = World::new(fields, move |_| {
        failures -= 1;
        answer(if failures >= 0 { 503 } else { 200 })
    });
    for number in 0..EVENTS {
        let user = USERS[number as usize % USERS.len()];
        world.enqueue(user, &format!(r#"{{"n":{number}}}"#));
        if number == EVENTS / 2 {
            // Until the senders wait for more.
            world.when_empty().await;
        }
    }
    let counts = world.when_empty().await.counts;
    assert_eq!(counts.sent, EVENTS as u64);
    for user in 0..USERS.len() as i64 {
        let is_theirs = |number: &i64| number % USERS.len() as i64 == user;
        let mut seen = Vec::new();
        for number in world.requests().concat_numbers() {
            // What was under way is sent again.
            if is_theirs(&number) && !seen.contains(&number) {
                seen.push(number);
            }
        }
        let all: Vec<i64> = (0..EVENTS).filter(is_theirs).collect();
        assert_eq!(seen, all, "{fields}");
    }
    world.destination.close();
    tokio::time::sleep(10 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_wherever_a_sender_waits_loses_no_event_and_keeps_their_order() {
    for fields in [RAW, SEGMENT] {
        let mut at = 0;
        loop {
            let fuse = Fuse::new(at);
            fuse.arm("sender");
            deliver(fields).await;
            if !fuse.has_blown() {
                break;
            }
            at += 1;
        }
        // How many there are depends on the random back-off.
        assert!(at >= EVENTS as u64, "only {at} waits: this tested nothing");
    }
}
