//! Choice of a slot, for the records of this process or to recover an abandoned one.

use std::io;
use std::path::Path;

use super::files;
use super::slot::Slot;
use crate::record::target::Target;

/// Slots of one spool. A process that finds as many locked has gone wrong.
const MOST_SLOTS: u64 = 10_000;

/// Takes a slot for the records of this process: one that was left with records, else an empty one,
/// else a new one.
pub fn claim(spool: &Path, target: Target) -> io::Result<Slot> {
    files::create_folder(spool)?;
    files::check_owner(spool)?;
    let mut empty = None;
    for number in files::slots_in(spool)? {
        match free(spool, number, target).filter(Slot::takes_records) {
            Some(slot) if slot.is_empty() => drop(empty.get_or_insert(slot)),
            Some(slot) => return Ok(slot),
            None => {}
        }
    }
    empty.map_or_else(|| new_slot(spool, target), Ok)
}

/// Takes an abandoned slot, to write its records and nothing else: the one with the next number `after`
/// the given one, from the first again behind the last.
pub fn claim_abandoned(spool: &Path, target: Target, after: u64) -> io::Result<Option<Slot>> {
    files::check_owner(spool)?;
    let mut numbers = files::slots_in(spool)?;
    let next = numbers.partition_point(|number| *number <= after);
    numbers.rotate_left(next);
    let mut free = numbers
        .into_iter()
        .filter_map(|number| free(spool, number, target));
    Ok(free.find(|slot| !slot.is_empty()))
}

/// A slot that no process has. One that cannot be read, or is another user's, is as good as taken.
fn free(spool: &Path, number: u64, target: Target) -> Option<Slot> {
    Slot::open(spool.join(number.to_string()), target).ok()?
}

fn new_slot(spool: &Path, target: Target) -> io::Result<Slot> {
    for number in 0..MOST_SLOTS {
        let path = spool.join(number.to_string());
        if files::create_folder(&path)?
            // Another process that looks for a slot may be quicker.
            && let Some(slot) = Slot::open(path, target)?
        {
            return Ok(slot);
        }
    }
    Err(io::Error::other(format!(
        "all {MOST_SLOTS} slots are taken: remove those that no process needs"
    )))
}
