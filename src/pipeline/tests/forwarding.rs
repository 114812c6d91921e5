//! The cursors of destinations and of the database, on a real disk.

use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::forward::Destinations;
use crate::pipeline::forwarding::Forwarding;
use crate::record::target::Target;
use crate::spool::{Segments, Slot, claim, read_cursor, write_cursor};

const TARGET: Target = Target(4);
const DATABASE: &str = "@mongodb";
const SECOND: Duration = Duration::from_secs(1);

/// A slot that another process left, whose records up to `written` were in the database.
fn left(written: i64) -> (TempDir, Segments) {
    let folder = tempfile::tempdir().expect("a folder");
    let slot = claim(folder.path(), TARGET).expect("a slot");
    write_cursor(slot.path(), DATABASE, &[written]).expect("a cursor");
    (folder, Segments::new(slot, 1 << 30, 2_000))
}

fn forwarding(segments: &Segments) -> Forwarding {
    let options = r#"{"destinations": [{"url": "http://127.0.0.1:1/"}]}"#;
    let (config, _) = Config::from_json(options, "{}").expect("valid options");
    let shared = Shared::new(config, Arc::new(TestHost::default()));
    let destinations = Destinations::new(&shared);
    Forwarding::start(&shared, &destinations, Some(segments))
}

/// Writes what is to be written of records up to `last`, as the worker does; whether there was anything.
fn keep(forwarding: &mut Forwarding, slot: &Slot, (last, written): (i64, i64)) -> bool {
    let offsets = forwarding.changed_offsets(last, written, Instant::now(), true);
    let Some(offsets) = offsets else {
        return false;
    };
    forwarding.offsets_written(&offsets.write(slot));
    true
}

#[tokio::test(start_paused = true)]
async fn the_cursor_of_the_database_never_goes_back() {
    let (_folder, segments) = left(7);
    let slot = segments.slot();
    let database = || read_cursor(slot.path(), DATABASE).expect("a cursor");
    let mut forwarding = forwarding(&segments);
    for (written, expected) in [(0, 7), (6, 7), (8, 8)] {
        tokio::time::sleep(SECOND).await;
        // Once for the destination, too, which is done with everything.
        keep(&mut forwarding, slot, (written + 1, written));
        assert_eq!(database(), [expected], "with {written} written");
    }
    assert!(forwarding.was_written(7) && !forwarding.was_written(8));
}

#[tokio::test(start_paused = true)]
async fn cursors_that_cannot_be_written_are_tried_again_after_a_rest() {
    let (folder, segments) = left(0);
    let slot = segments.slot();
    let mut forwarding = forwarding(&segments);
    tokio::fs::remove_dir_all(folder.path())
        .await
        .expect("removed");
    let mut tries = 0;
    let began = Instant::now();
    while began.elapsed() < 10 * SECOND {
        // As a process that ends asks, whatever wakes it.
        tries += u32::from(keep(&mut forwarding, slot, (5, 5)));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!((2..=11).contains(&tries), "{tries} tries in 10 s");
}
