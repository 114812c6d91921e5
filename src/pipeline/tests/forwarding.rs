//! The cursors of destinations and of the database, on a real disk.

use tempfile::TempDir;
use tokio::time::{Instant, timeout};

use super::*;
use crate::config::Config;
use crate::forward::Destinations;
use crate::instance::shared::Shared;
use crate::pipeline::forwarding::Forwarding;
use crate::record::target::Target;
use crate::spool::{Segments, SharedSegments, claim, read_cursor, write_cursor};

const TARGET: Target = Target(4);
const DATABASE: &str = "@mongodb";
const SECOND: Duration = Duration::from_secs(1);

/// A slot that another process left, whose records up to `written` were in the database.
fn left(written: i64) -> (TempDir, SharedSegments) {
    let folder = tempfile::tempdir().expect("a folder");
    let slot = claim(folder.path(), TARGET).expect("a slot");
    write_cursor(slot.path(), DATABASE, &[written]).expect("a cursor");
    let segments = Segments::new(slot, 1 << 30, 2_000);
    (folder, SharedSegments::new(segments))
}

fn forwarding(segments: &SharedSegments) -> Forwarding {
    let options = r#"{"destinations": [{"url": "http://127.0.0.1:1/"}]}"#;
    let (config, _) = Config::from_json(options, "{}").expect("valid options");
    let shared = Shared::new(config, Arc::new(TestHost::default()));
    let destinations = Destinations::new(&shared);
    Forwarding::start(&shared, &destinations, Some(segments))
}

/// Writes what is to be written of records up to `last`, as the worker does; whether there was anything.
async fn keep(forwarding: &mut Forwarding, last: i64, written: i64) -> bool {
    forwarding.poll(last, written, true, Instant::now());
    // The clock stands still during the write.
    let result = timeout(Duration::from_millis(1), forwarding.next()).await;
    let is_written = result.is_ok();
    if let Ok(result) = result {
        forwarding.handle(result, Instant::now());
    }
    is_written
}

#[tokio::test(start_paused = true)]
async fn the_cursor_of_the_database_never_goes_back() {
    let (_folder, segments) = left(7);
    let slot = segments.lock().slot().path().to_owned();
    let database = || read_cursor(&slot, DATABASE).expect("a cursor");
    let mut forwarding = forwarding(&segments);
    for (written, expected) in [(0, 7), (6, 7), (8, 8)] {
        tokio::time::sleep(SECOND).await;
        // Once for the destination, too, which is done with everything.
        keep(&mut forwarding, written + 1, written).await;
        assert_eq!(database(), [expected], "with {written} written");
    }
    assert_eq!(forwarding.written_before(), 7);
}

#[tokio::test(start_paused = true)]
async fn cursors_that_cannot_be_written_are_tried_again_after_a_rest() {
    let (folder, segments) = left(0);
    let mut forwarding = forwarding(&segments);
    tokio::fs::remove_dir_all(folder.path())
        .await
        .expect("removed");
    let mut tries = 0;
    let began = Instant::now();
    while began.elapsed() < 10 * SECOND {
        // As a process that ends asks, whatever wakes it.
        tries += u32::from(keep(&mut forwarding, 5, 5).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!((2..=11).contains(&tries), "{tries} tries in 10 s");
}
