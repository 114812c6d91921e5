//! Totals file, `totals.bson`: the shares of written records that are not in the totals yet. With it the
//! segments of these records can be deleted, however long no total can be written.
//!
//! A file that needs a later version has bits of its target inverted: an earlier release, which would put aside
//! what it cannot read, or leave out what it does not know, then leaves the slot as one of another database.
//!
//! The file is replaced as a whole and synced, so that a crash leaves the old one or the new one. Only the
//! pipeline knows what is in `totals`.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use bson::Document;
use serde::{Deserialize, Serialize};

use super::files;
use super::segment_format::Version;
use crate::record::target::Target;

const VERSION: i32 = 1;
const NAME: &str = "totals.bson";
/// The bits that are inverted where the totals need [`Version::Second`], and [`Version::Third`].
const SECOND: i64 = !0;
const THIRD: i64 = 0x5555_5555_5555_5555;

#[derive(Serialize, Deserialize)]
pub struct TotalsFile {
    version: i32,
    /// The bits of the target, some of them inverted if the totals need a later [`Version`].
    target: i64,
    /// The writer id under which the totals are added.
    pub writer: String,
    pub totals: Document,
}

/// What a slot is to keep of totals that wait.
pub struct KeptTotals {
    pub totals: Document,
    /// The version that they need.
    pub version: Version,
    /// Share files to write before.
    pub shares: Vec<(PathBuf, Vec<u8>)>,
    /// All share files that the totals name.
    pub files: Vec<PathBuf>,
}

impl TotalsFile {
    pub fn new(writer: String, target: Target, totals: Document, version: Version) -> Self {
        let target = target.0.cast_signed();
        Self {
            version: VERSION,
            target: match version {
                Version::First => target,
                Version::Second => target ^ SECOND,
                Version::Third => target ^ THIRD,
            },
            writer,
            totals,
        }
    }

    pub fn is_for(&self, target: Target) -> bool {
        let inverted = target.0.cast_signed() ^ self.target;
        [0, SECOND, THIRD].contains(&inverted)
    }

    /// `None` when there is none. One that cannot be read is renamed, and an error once.
    pub fn read(slot: &Path) -> io::Result<Option<TotalsFile>> {
        let bytes = match files::read(&path_of(slot)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        match bson::deserialize_from_slice::<TotalsFile>(&bytes) {
            Ok(file) if file.version == VERSION => Ok(Some(file)),
            _ => {
                fs::rename(path_of(slot), slot.join("totals.bson.damaged"))?;
                Err(io::Error::other("totals.bson cannot be read"))
            }
        }
    }

    pub fn write(&self, slot: &Path) -> io::Result<()> {
        let content = bson::serialize_to_vec(self).map_err(io::Error::other)?;
        files::replace(&path_of(slot), true, |_| Ok(content))
    }

    /// Whether the slot may have it, although to write it has failed.
    pub fn may_be_in(&self, slot: &Path) -> bool {
        let content = bson::serialize_to_vec(self).ok();
        match files::read(&path_of(slot)) {
            Ok(found) => content.is_some_and(|content| content == found),
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }
}

pub fn remove(slot: &Path) -> io::Result<()> {
    files::unless_missing(fs::remove_file(path_of(slot)))?;
    files::sync_folder(slot)
}

fn path_of(slot: &Path) -> PathBuf {
    slot.join(NAME)
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn a_file_is_read_as_it_was_written_and_a_part_of_it_is_kept_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let slot = folder.path();
        assert!(TotalsFile::read(slot).expect("readable").is_none());
        let totals = doc! { "sum": 0.1 + 0.2, "large": 9_007_199_254_740_992.0 };
        let of =
            |version| TotalsFile::new("w".to_owned(), Target(u64::MAX), totals.clone(), version);
        let file = of(Version::First);
        file.write(slot).expect("written");
        let read = TotalsFile::read(slot).expect("readable").expect("a file");
        assert_eq!((read.writer.as_str(), &read.totals), ("w", &totals));
        assert!(file.may_be_in(slot) && !of(Version::Second).may_be_in(slot));
        assert!(read.is_for(Target(u64::MAX)) && !read.is_for(Target(1)));
        let later = [Version::Second, Version::Third].map(of);
        assert!(later.iter().all(|one| one.is_for(Target(u64::MAX))));
        // A release that knows the first only, or the second too, takes neither, or not the third.
        let targets = [&file, &later[0], &later[1]].map(|one| one.target);
        assert_eq!(targets, [-1, 0, -1 ^ THIRD]);
        let whole = fs::read(path_of(slot)).expect("bytes");
        fs::write(path_of(slot), &whole[..whole.len() / 2]).expect("written");
        assert!(TotalsFile::read(slot).is_err());
        assert!(TotalsFile::read(slot).expect("readable").is_none());
        assert!(slot.join("totals.bson.damaged").exists());
        file.write(slot).expect("written");
        remove(slot).expect("removed");
        assert!(TotalsFile::read(slot).expect("readable").is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_neither_read_nor_written_through() {
        let folder = tempfile::tempdir().expect("a folder");
        let [slot, other] = ["slot", "other"].map(|name| folder.path().join(name));
        let file =
            |writer: &str| TotalsFile::new(writer.to_owned(), Target(1), doc! {}, Version::First);
        for folder in [&slot, &other] {
            fs::create_dir(folder).expect("a folder");
        }
        file("other").write(&other).expect("written");
        std::os::unix::fs::symlink(path_of(&other), path_of(&slot)).expect("a link");
        assert!(TotalsFile::read(&slot).is_err());
        file("own").write(&slot).expect("written");
        for (folder, writer) in [(&slot, "own"), (&other, "other")] {
            let read = TotalsFile::read(folder).expect("readable").expect("a file");
            assert_eq!(read.writer, writer);
        }
    }
}
