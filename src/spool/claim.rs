//! Choice of a slot, for the records of this process or to recover an abandoned one.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::contents::Contents;
use super::files;
use super::slot::{Locked, Slot};
use crate::record::target::Target;

/// Slots of one spool. A process that finds as many locked has gone wrong.
const MOST_SLOTS: u32 = 10_000;

/// Takes a slot for the records of this process: one that was left with records, else an empty one,
/// else a new one.
pub fn claim(spool: &Path, target: Target) -> io::Result<Slot> {
    files::create_folder(spool)?;
    let mut empty = None;
    for number in files::slots_in(spool)? {
        let Some((folder, contents)) = free(spool, number, target) else {
            continue;
        };
        if contents.is_complete && contents.segments.is_empty() {
            empty.get_or_insert((folder, contents));
        } else if contents.is_complete && contents.is_valid {
            return Ok(Slot::new(folder, target, contents));
        }
    }
    match empty {
        Some((folder, contents)) => Ok(Slot::new(folder, target, contents)),
        None => new_slot(spool, target),
    }
}

/// Takes an abandoned slot, to write its records and nothing else: the one with the next number `after`
/// the given one, from the first again behind the last.
pub fn claim_abandoned(spool: &Path, target: Target, after: u64) -> io::Result<Option<Slot>> {
    let mut numbers = files::slots_in(spool)?;
    let next = numbers.partition_point(|number| *number <= after);
    numbers.rotate_left(next);
    let mut free = numbers
        .into_iter()
        .filter_map(|number| free(spool, number, target));
    let abandoned = free.find(|(_, contents)| !contents.segments.is_empty());
    Ok(abandoned.map(|(folder, contents)| Slot::new(folder, target, contents)))
}

/// A slot that no process has. One that cannot be read, or is another user's, is as good as taken.
fn free(spool: &Path, number: u64, target: Target) -> Option<(Locked, Contents)> {
    let folder = Locked::lock(spool.join(number.to_string())).ok()??;
    let contents = folder.contents(target).ok()?;
    Some((folder, contents))
}

fn new_slot(spool: &Path, target: Target) -> io::Result<Slot> {
    for number in 0..MOST_SLOTS {
        let path = spool.join(number.to_string());
        match fs::create_dir(&path) {
            Ok(()) => {
                files::restrict(&path)?;
                // Another process that looks for a slot may be quicker.
                if let Some(folder) = Locked::lock(path)? {
                    let contents = folder.contents(target)?;
                    return Ok(Slot::new(folder, target, contents));
                }
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!(
        "all {MOST_SLOTS} slots are taken: remove those that no process needs"
    )))
}
