//! Cursor files, `<name>.cursor`: the progress of a destination, or of the database, in the records of a slot.
//! JSON: `{ "version": 2, "offsets": [<number>, …] }`, one record number per partition.
//!
//! A cursor file is replaced as a whole, so that a crash leaves the old one or the new one. It is not
//! synced: after the loss of a cursor, records are sent again that were already acknowledged.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files;

/// Version 1 had other fields; no release wrote it.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct CursorFile {
    version: u32,
    /// For each partition, the record up to which everything is acknowledged or given up.
    #[serde(default)]
    offsets: Vec<i64>,
}

/// The offsets of `N` partitions; zeros if there is no such file. A file that is damaged, of another
/// version or of another number of partitions is an error.
pub fn read_cursor<const N: usize>(slot: &Path, name: &str) -> io::Result<[i64; N]> {
    let text = match files::read(&path_of(slot, name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok([0; N]),
        text => text?,
    };
    let CursorFile { version, offsets } = serde_json::from_slice(&text)?;
    if version != VERSION {
        return Err(io::Error::other(format!("version {version} is not known")));
    }
    let count = offsets.len();
    let unexpected = |_| io::Error::other(format!("it has {count} offsets, not {N}"));
    offsets.try_into().map_err(unexpected)
}

pub fn write_cursor(slot: &Path, name: &str, offsets: &[i64]) -> io::Result<()> {
    let file = CursorFile {
        version: VERSION,
        offsets: offsets.to_vec(),
    };
    let content = serde_json::to_vec(&file)?;
    files::replace(&path_of(slot, name), false, |_| Ok(content))
}

pub fn remove_cursor(slot: &Path, name: &str) -> io::Result<()> {
    fs::remove_file(path_of(slot, name))
}

/// The names of all cursors of a slot.
pub fn cursors_in(slot: &Path) -> io::Result<Vec<String>> {
    files::entries(slot, |name| name.strip_suffix(".cursor").map(str::to_owned))
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
            write_cursor(slot, "raw", &cursor).expect("written");
            assert_eq!(read_cursor(slot, "raw").ok(), Some(cursor));
        }
        assert_eq!(read_cursor(slot, "other").ok(), Some([0; 4]));
        assert_eq!(cursors_in(slot).ok(), Some(vec!["raw".to_owned()]));
        let whole = fs::read(path_of(slot, "raw")).expect("a file");
        for cut in 0..whole.len() {
            fs::write(path_of(slot, "raw"), &whole[..cut]).expect("written");
            assert!(read_cursor::<4>(slot, "raw").is_err(), "cut at {cut}");
        }
        remove_cursor(slot, "raw").expect("removed");
        assert_eq!(read_cursor(slot, "raw").ok(), Some([0; 4]));
    }

    #[test]
    fn a_cursor_of_another_form_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let slot = folder.path();
        let read = |text: &str| {
            fs::write(path_of(slot, "raw"), text).expect("written");
            read_cursor::<2>(slot, "raw").map_err(|error| error.to_string())
        };
        assert_eq!(read(r#"{"version":2,"offsets":[9,8]}"#), Ok([9, 8]));
        for (other, reason) in [
            (r#"{"version":1,"settled":[9,9]}"#, "version 1 is not known"),
            (r#"{"version":1,"offsets":[9,9]}"#, "version 1 is not known"),
            (r#"{"version":3,"offsets":[9,9]}"#, "version 3 is not known"),
            (r#"{"version":2,"settled":[9,9]}"#, "0 offsets, not 2"),
            (r#"{"version":2,"offsets":[9]}"#, "1 offsets, not 2"),
            (r#"{"version":2,"offsets":[9,9,9]}"#, "3 offsets, not 2"),
        ] {
            let error = read(other).expect_err(other);
            assert!(error.contains(reason), "{other}: {error}");
        }
    }
}
