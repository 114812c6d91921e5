//! How far each destination of events has come with the records of a slot: `<name>.cursor`, as JSON
//! `{ "version": 1, "settled": [<number>, …] }`, a number for each lane of the destination.
//!
//! Each time it is made anew and put in the place of the one before, so that a death leaves one of the
//! two. It is not synced: who has lost it sends again what may have been taken already.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::slot::private_file;

const VERSION: u32 = 1;

/// For each lane, the record up to which its events are through: taken by the receiver, or given up.
pub type Cursor = [i64; 4];

#[derive(Serialize, Deserialize)]
struct CursorFile {
    version: u32,
    settled: Cursor,
}

/// Before everything, when there is none that can be read.
pub fn read_cursor(slot: &Path, destination: &str) -> Cursor {
    let read = || {
        let text = fs::read(path_of(slot, destination)).ok()?;
        let file: CursorFile = serde_json::from_slice(&text).ok()?;
        (file.version == VERSION).then_some(file.settled)
    };
    read().unwrap_or_default()
}

pub fn write_cursor(slot: &Path, destination: &str, settled: Cursor) -> io::Result<()> {
    let path = path_of(slot, destination);
    let next = path.with_extension("cursor.next");
    let file = CursorFile {
        version: VERSION,
        settled,
    };
    private_file(&next, true)?.write_all(&serde_json::to_vec(&file)?)?;
    fs::rename(next, path)
}

fn path_of(slot: &Path, destination: &str) -> PathBuf {
    slot.join(format!("{destination}.cursor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_begins_anew_without_a_whole_file() {
        let slot = tempfile::tempdir().expect("a folder");
        assert_eq!(read_cursor(slot.path(), "raw"), [0; 4]);
        for cursor in [[1, 2, 3, i64::MAX], [5; 4]] {
            write_cursor(slot.path(), "raw", cursor).expect("written");
            assert_eq!(read_cursor(slot.path(), "raw"), cursor);
        }
        assert_eq!(read_cursor(slot.path(), "other"), [0; 4]);
        let whole = fs::read(path_of(slot.path(), "raw")).expect("a file");
        for cut in 0..whole.len() {
            fs::write(path_of(slot.path(), "raw"), &whole[..cut]).expect("written");
            assert_eq!(read_cursor(slot.path(), "raw"), [0; 4], "cut at {cut}");
        }
        let later = br#"{"version":2,"settled":[9,9,9,9]}"#;
        fs::write(path_of(slot.path(), "raw"), later).expect("written");
        assert_eq!(read_cursor(slot.path(), "raw"), [0; 4]);
    }
}
