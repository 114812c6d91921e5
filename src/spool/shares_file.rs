//! Share files, `<id>.shares`: the shares of records one by one of which `totals.bson` holds the sum. They are
//! read only when a part of them turns out to be added.
//!
//! A file is written and synced before `totals.bson` names it, never changed, and removed when `totals.bson`
//! names it no more. Only the pipeline knows what is in it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files;
use crate::util::random::random_id;

const END: &str = ".shares";

/// A path that no other file has.
pub fn new_path(slot: &Path) -> PathBuf {
    slot.join(format!("{}{END}", random_id()))
}

pub fn write(path: &Path, content: Vec<u8>) -> io::Result<()> {
    files::replace(path, true, |_| Ok(content))
}

pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    files::read(path)
}

/// Removes all but these.
pub fn remove_others(slot: &Path, kept: &[PathBuf]) -> io::Result<()> {
    let all = files::entries(slot, |name| name.ends_with(END).then(|| slot.join(name)))?;
    let kept: HashSet<_> = kept.iter().collect();
    for path in all.iter().filter(|path| !kept.contains(path)) {
        files::unless_missing(fs::remove_file(path))?;
    }
    Ok(())
}
