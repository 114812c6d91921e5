//! How far each destination of events, and the database, has come with the records of a slot:
//! `<name>.cursor`, as JSON
//! `{ "version": 1, "settled": [<number>, …] }`, a number for each lane of the destination.
//!
//! Each time it is made anew and put in the place of the one before, so that a death leaves one of the
//! two. It is not synced: who has lost it sends again what may have been taken already.

use std::fs;
use std::io::{self, ErrorKind, Write};
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

/// Before everything, when there is none; an error when there is one that cannot be read.
pub fn read_cursor(slot: &Path, name: &str) -> io::Result<Cursor> {
    let text = match fs::read(path_of(slot, name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Cursor::default()),
        text => text?,
    };
    let file: CursorFile = serde_json::from_slice(&text)?;
    match file.version {
        VERSION => Ok(file.settled),
        other => Err(io::Error::other(format!("version {other} is not known"))),
    }
}

pub fn write_cursor(slot: &Path, name: &str, settled: Cursor) -> io::Result<()> {
    let path = path_of(slot, name);
    let next = path.with_extension("cursor.next");
    let file = CursorFile {
        version: VERSION,
        settled,
    };
    private_file(&next, true)?.write_all(&serde_json::to_vec(&file)?)?;
    fs::rename(next, path)
}

pub fn remove_cursor(slot: &Path, name: &str) -> io::Result<()> {
    fs::remove_file(path_of(slot, name))
}

/// The names of all cursors of a slot.
pub fn cursors_in(slot: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(slot)? {
        let file = entry?.file_name();
        let name = file.to_str().and_then(|name| name.strip_suffix(".cursor"));
        names.extend(name.map(str::to_owned));
    }
    Ok(names)
}

fn path_of(slot: &Path, name: &str) -> PathBuf {
    slot.join(format!("{name}.cursor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_never_in_part() {
        let folder = tempfile::tempdir().expect("a folder");
        let slot = folder.path();
        assert_eq!(read_cursor(slot, "raw").ok(), Some([0; 4]));
        for cursor in [[1, 2, 3, i64::MAX], [5; 4]] {
            write_cursor(slot, "raw", cursor).expect("written");
            assert_eq!(read_cursor(slot, "raw").ok(), Some(cursor));
        }
        assert_eq!(read_cursor(slot, "other").ok(), Some([0; 4]));
        assert_eq!(cursors_in(slot).ok(), Some(vec!["raw".to_owned()]));
        let whole = fs::read(path_of(slot, "raw")).expect("a file");
        for cut in 0..whole.len() {
            fs::write(path_of(slot, "raw"), &whole[..cut]).expect("written");
            assert!(read_cursor(slot, "raw").is_err(), "cut at {cut}");
        }
        let later = br#"{"version":2,"settled":[9,9,9,9]}"#;
        fs::write(path_of(slot, "raw"), later).expect("written");
        assert!(read_cursor(slot, "raw").is_err());
        remove_cursor(slot, "raw").expect("removed");
        assert_eq!(read_cursor(slot, "raw").ok(), Some([0; 4]));
    }
}
