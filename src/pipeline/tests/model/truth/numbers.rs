//! The numbers of records with a slot: under which id whose numbers begin where, and from which number on a queue
//! has another id.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::NUMBERS;
use super::record::Record;

const WRITER_FILE: &str = "writer.json";
const CHANGED: &str = "changed";

/// Where the numbers of each process begin, in units of [`NUMBERS`].
type Bases = HashMap<usize, i64>;

/// Slots are named by the id that they began with.
#[derive(Default)]
pub struct Numbers {
    bases: HashMap<String, Bases>,
    folders: HashMap<PathBuf, String>,
    /// Names that queues took later: of which slot, and the number before the first that is added under each.
    names: HashMap<String, (String, i64)>,
    /// Up to which number each queue of a slot was added at most.
    sent: HashMap<(String, String), i64>,
    /// The name under which each queue of a slot was added last.
    used: HashMap<(String, String), String>,
}

/// Numbers under an id.
pub struct Range<'a> {
    bases: &'a Bases,
    after: Option<i64>,
    last: i64,
}

impl Range<'_> {
    pub fn holds(&self, record: &Record) -> bool {
        let base = self.bases.get(&record.process);
        let seq = base.map(|base| base * NUMBERS + record.number);
        seq > self.after && seq.is_some_and(|seq| seq <= self.last)
    }
}

impl Numbers {
    /// A process with a slot numbers its records from here on, under the id of the slot.
    pub fn note(&mut self, process: usize, folder: &Path, writer: &str, first: i64) {
        let bases = self.bases.entry(writer.to_owned()).or_default();
        bases.insert(process, first / NUMBERS);
        self.folders.insert(folder.to_owned(), writer.to_owned());
    }

    /// What `process` adds under a name; `None` without a slot.
    pub fn range(
        &mut self,
        process: usize,
        name: &str,
        previous: Option<i64>,
        last: i64,
    ) -> Option<Range<'_>> {
        let (id, queue) = name.split_once('.')?;
        let (slot, after) = match self.bases.contains_key(id) {
            true => (id.to_owned(), None),
            false => {
                let (slot, after) = self.later_name(process, name, id, queue)?;
                (slot, Some(after))
            }
        };
        let of_queue = (slot.clone(), queue.to_owned());
        self.used.insert(of_queue.clone(), name.to_owned());
        let sent = self.sent.entry(of_queue).or_insert(last);
        *sent = last.max(*sent);
        Some(Range {
            bases: self.bases.get(&slot)?,
            after: previous.max(after),
            last,
        })
    }

    fn later_name(
        &mut self,
        process: usize,
        name: &str,
        id: &str,
        queue: &str,
    ) -> Option<(String, i64)> {
        if let Some(known) = self.names.get(name) {
            return Some(known.clone());
        }
        let mut folders = self.folders.iter();
        let on_disk =
            folders.find_map(|(folder, slot)| Some((slot.clone(), changed(folder, id, queue)?)));
        let found = on_disk.or_else(|| {
            // It is not on disk.
            let slot = self.slot_of(process)?.0.clone();
            let after = self.sent.get(&(slot.clone(), queue.to_owned()));
            let after = after.copied().unwrap_or(0);
            Some((slot, after))
        })?;
        self.names.insert(name.to_owned(), found.clone());
        Some(found)
    }

    fn slot_of(&self, process: usize) -> Option<(&String, i64)> {
        let mut slots = self.bases.iter();
        slots.find_map(|(slot, bases)| Some((slot, *bases.get(&process)?)))
    }

    /// The name under which a queue of the slot of a process was added last, and where the numbers of the process
    /// begin.
    pub fn name_of(&self, process: usize, queue: &str) -> Option<(String, i64)> {
        let (slot, base) = self.slot_of(process)?;
        let used = self.used.get(&(slot.clone(), queue.to_owned()));
        let name = used.cloned().unwrap_or_else(|| format!("{slot}.{queue}"));
        Some((name, base * NUMBERS))
    }
}

/// The number after which a queue of a slot has this id.
fn changed(slot: &Path, id: &str, queue: &str) -> Option<i64> {
    let queue = &writer_file(slot)?[CHANGED][queue];
    (queue["writer"].as_str()? == id).then(|| queue["after"].as_i64())?
}

fn writer_file(slot: &Path) -> Option<Value> {
    let text = fs::read(slot.join(WRITER_FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}
