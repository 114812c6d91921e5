//! Events that come back from disk, and how far a destination has come.

use super::*;

/// `count` events of users that share a lane, from number `first` on.
fn replay(world: &World, first: i64, count: i64) {
    for seq in first..first + count {
        let event = event(seq, "ann", &format!(r#"{{"n":{seq}}}"#));
        world.receiver.replay(&event, Instant::now());
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_is_sent_before_what_is_new() {
    let mut world = World::new(RAW, |_| answer(200));
    world.receiver.begin_replay([0; 4]);
    world.seq = 10;
    world.push("ann", r#"{"n":11}"#);
    replay(&world, 1, 3);
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(world.requests().len(), 0, "more may come back");
    assert_eq!(world.receiver.offsets(11), None);
    assert_eq!(world.receiver.queued(), 4);
    world.receiver.end_replay();
    assert_eq!(world.settled().await.counts.sent, 4);
    assert_eq!(world.requests().concat_numbers(), [1, 2, 3, 11]);
    assert_eq!(world.receiver.offsets(12), Some([12; 4]));
}

#[tokio::test(start_paused = true)]
async fn each_lane_gets_back_what_it_had_not_settled() {
    let world = World::new(RAW, |_| answer(200));
    let lane = event(1, "ann", "{}").user_hash() % 4;
    let mut cursor = [100; 4];
    cursor[lane] = 2;
    world.receiver.begin_replay(cursor);
    replay(&world, 1, 4);
    world.receiver.end_replay();
    assert_eq!(world.settled().await.counts.sent, 2);
    assert_eq!(world.requests().concat_numbers(), [3, 4]);

    // Of a destination that had four lanes before, and has one now.
    let world = World::new(SEGMENT, |_| answer(200));
    world.receiver.begin_replay(cursor);
    replay(&world, 1, 4);
    world.receiver.end_replay();
    assert_eq!(world.settled().await.counts.sent, 2);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_stays_behind_the_oldest_event_of_its_lane() {
    let mut world = World::new(RAW, |_| answer(503));
    let lane = event(1, "ann", "{}").user_hash() % 4;
    world.push_numbers(3);
    tokio::time::sleep(SECOND).await;
    let mut expected = [7; 4];
    expected[lane] = 0;
    assert_eq!(world.receiver.offsets(7), Some(expected));
}

#[tokio::test(start_paused = true)]
async fn what_is_through_is_kept_once_the_disk_says_so() {
    let mut world = World::new(RAW, |_| answer(200));
    assert!(world.receiver.is_persisted(), "nothing is kept anywhere");
    world.receiver.set_persisted([0; 4]);
    assert!(world.receiver.is_persisted());
    world.push_numbers(3);
    world.settled().await;
    assert!(!world.receiver.is_persisted());
    world.receiver.set_persisted([2; 4]);
    assert!(!world.receiver.is_persisted());
    world.receiver.set_persisted([3; 4]);
    assert!(world.receiver.is_persisted());
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_keeps_the_bounds() {
    let world = World::new(&format!(r#"{RAW}, "maxAgeMs": 60000"#), |_| answer(200));
    world.receiver.begin_replay([0; 4]);
    let late = Arc::new(Event {
        accepted: Instant::now() - 61 * SECOND,
        ..Arc::into_inner(event(1, "ann", "{}")).expect("the only one")
    });
    for _ in 0..3 {
        assert_eq!(world.receiver.replay(&late, Instant::now()), None);
    }
    assert_eq!(world.receiver.report().counts.expired, 3);
    assert_eq!(world.receiver.end_replay(), Some(Remark::Expired(3)));
    assert_eq!(world.receiver.end_replay(), None);

    let small = format!(r#"{RAW}, "maxQueueBytes": 65536"#);
    let world = World::new(&small, |_| answer(200));
    world.receiver.begin_replay([0; 4]);
    replay(&world, 1, 1_000);
    let dropped = world.receiver.report().counts.dropped["queue_full"];
    assert!(dropped > 0 && dropped < 1_000, "{dropped}");
    world.receiver.end_replay();
    assert_eq!(world.settled().await.counts.sent, 1_000 - dropped);
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_back_once_the_host_is_gone() {
    let world = World::new(RAW, |_| answer(200));
    world.receiver.begin_replay([0; 4]);
    replay(&world, 1, 1);
    world.receiver.close();
    replay(&world, 2, 1);
    assert_eq!(world.settled().await.counts.sent, 1);

    let world = World::new(RAW, |_| answer(503));
    world.receiver.begin_replay([0; 4]);
    replay(&world, 1, 5);
    world.receiver.discard();
    replay(&world, 6, 5);
    world.receiver.end_replay();
    world.receiver.close();
    assert_eq!(world.settled().await.counts.sent, 0);
}
