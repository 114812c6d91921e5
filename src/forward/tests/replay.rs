//! Replay of events from disk, and offsets.

use super::*;

/// `count` events of users that share a partition, from number `first` on.
fn replay(world: &World, first: i64, count: i64) {
    for seq in first..first + count {
        let event = event(seq, "ann", &format!(r#"{{"n":{seq}}}"#));
        world.destination.replay(&event, Instant::now());
    }
}

#[tokio::test(start_paused = true)]
async fn replayed_events_are_sent_before_new_ones() {
    let mut world = World::new(RAW, |_| answer(200));
    world.destination.begin_replay([0; 4]);
    world.seq = 10;
    world.enqueue("ann", r#"{"n":11}"#);
    replay(&world, 1, 3);
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(world.requests().len(), 0, "more may come back");
    assert_eq!(world.destination.offsets(11), None);
    assert_eq!(world.destination.queued(), 4);
    world.destination.end_replay();
    assert_eq!(world.when_empty().await.counts.sent, 4);
    assert_eq!(world.requests().concat_numbers(), [1, 2, 3, 11]);
    assert_eq!(world.destination.offsets(12), Some([12; 4]));
}

#[tokio::test(start_paused = true)]
async fn each_partition_replays_the_events_after_its_offset() {
    let world = World::new(RAW, |_| answer(200));
    let partition = (event(1, "ann", "{}").user_hash() % 4) as usize;
    let mut offsets = [100; 4];
    offsets[partition] = 2;
    world.destination.begin_replay(offsets);
    replay(&world, 1, 4);
    world.destination.end_replay();
    assert_eq!(world.when_empty().await.counts.sent, 2);
    assert_eq!(world.requests().concat_numbers(), [3, 4]);

    // A destination that had four partitions before, and has one now.
    let world = World::new(SEGMENT, |_| answer(200));
    world.destination.begin_replay(offsets);
    replay(&world, 1, 4);
    world.destination.end_replay();
    assert_eq!(world.when_empty().await.counts.sent, 2);
}

#[tokio::test(start_paused = true)]
async fn an_offset_stays_behind_the_oldest_event_of_its_partition() {
    let mut world = World::new(RAW, |_| answer(503));
    let partition = (event(1, "ann", "{}").user_hash() % 4) as usize;
    world.enqueue_numbers(3);
    tokio::time::sleep(SECOND).await;
    let mut expected = [7; 4];
    expected[partition] = 0;
    assert_eq!(world.destination.offsets(7), Some(expected));
}

#[tokio::test(start_paused = true)]
async fn offsets_are_persisted_once_the_disk_has_them() {
    let mut world = World::new(RAW, |_| answer(200));
    assert!(world.destination.is_persisted(), "no offsets are");
    world.destination.set_persisted([0; 4]);
    assert!(world.destination.is_persisted());
    world.enqueue_numbers(3);
    world.when_empty().await;
    assert!(!world.destination.is_persisted());
    world.destination.set_persisted([2; 4]);
    assert!(!world.destination.is_persisted());
    world.destination.set_persisted([3; 4]);
    assert!(world.destination.is_persisted());
}

#[tokio::test(start_paused = true)]
async fn replayed_events_keep_the_bounds() {
    let world = World::new(&format!(r#"{RAW}, "maxAgeMs": 60000"#), |_| answer(200));
    world.destination.begin_replay([0; 4]);
    let late = Arc::new(ForwardedEvent {
        accepted: Instant::now() - 61 * SECOND,
        ..Arc::into_inner(event(1, "ann", "{}")).expect("the only one")
    });
    for _ in 0..3 {
        world.destination.replay(&late, Instant::now());
    }
    assert_eq!(world.destination.report().counts.expired, 3);
    assert_eq!(world.logged("events waited longer"), 0);
    world.destination.end_replay();
    assert_eq!(world.logged("3 events waited longer than maxAgeMs"), 1);

    let small = format!(r#"{RAW}, "maxQueueBytes": 65536"#);
    let world = World::new(&small, |_| answer(200));
    world.destination.begin_replay([0; 4]);
    replay(&world, 1, 1_000);
    let dropped = world.destination.report().counts.dropped["queue_full"];
    assert!(dropped > 0 && dropped < 1_000, "{dropped}");
    world.destination.end_replay();
    assert_eq!(world.when_empty().await.counts.sent, 1_000 - dropped);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_replayed_after_close() {
    let world = World::new(RAW, |_| answer(200));
    world.destination.begin_replay([0; 4]);
    replay(&world, 1, 1);
    world.destination.close();
    replay(&world, 2, 1);
    assert_eq!(world.when_empty().await.counts.sent, 1);

    let world = World::new(RAW, |_| answer(503));
    world.destination.begin_replay([0; 4]);
    replay(&world, 1, 5);
    world.destination.discard();
    replay(&world, 6, 5);
    world.destination.end_replay();
    world.destination.close();
    assert_eq!(world.when_empty().await.counts.sent, 0);
}
