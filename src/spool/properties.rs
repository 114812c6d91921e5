//! Properties of the reader, on any bytes that a disk may hold: it never panics, always ends, invents no
//! record, and finds every record that is whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tempfile::TempDir;

use super::files::segment_name;
use super::segment_format::{self, HEADER, Header};
use super::*;
use crate::record::target::Target;
use crate::util::proptest_config::config;

const TARGET: Target = Target(7);
/// Like real numbers, which begin with the time.
const FIRST: i64 = 1_900_000_000_000 << 20;

/// Damage of a file.
#[derive(Debug, Clone)]
enum Damage {
    Overwritten(Index, Vec<u8>),
    Zeroed(Index, usize),
    Cut(Index),
    Inserted(Index, Vec<u8>),
    Removed(Index, usize),
    /// A block that was written to another target as well.
    Copied(Index, Index, usize),
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let at = any::<Index>;
    let bytes = || vec(any::<u8>(), 1..60);
    let one = prop_oneof![
        4 => (at(), bytes()).prop_map(|(at, bytes)| Damage::Overwritten(at, bytes)),
        2 => (at(), 1..200_usize).prop_map(|(at, length)| Damage::Zeroed(at, length)),
        1 => at().prop_map(Damage::Cut),
        1 => (at(), bytes()).prop_map(|(at, bytes)| Damage::Inserted(at, bytes)),
        1 => (at(), 1..200_usize).prop_map(|(at, length)| Damage::Removed(at, length)),
        1 => (at(), at(), 1..200_usize).prop_map(|(a, b, length)| Damage::Copied(a, b, length)),
    ];
    vec(one, 0..4)
}

/// A file that knows the original position of each byte.
struct Disk {
    bytes: Vec<u8>,
    origins: Vec<Option<usize>>,
}

impl Disk {
    fn apply(&mut self, damage: &Damage) {
        let length = self.bytes.len();
        if length == HEADER {
            return;
        }
        let target = |index: &Index| HEADER + index.index(length - HEADER);
        let end = |at: usize, count: usize| (at + count).min(length);
        match damage {
            Damage::Overwritten(at, bytes) => self.overwrite(target(at), bytes),
            Damage::Zeroed(at, count) => {
                let at = target(at);
                self.overwrite(at, &vec![0; end(at, *count) - at]);
            }
            Damage::Copied(from, to, count) => {
                let from = target(from);
                let bytes = self.bytes[from..end(from, *count)].to_vec();
                self.overwrite(target(to), &bytes);
            }
            Damage::Cut(at) => self.replace(target(at)..length, &[]),
            Damage::Inserted(at, bytes) => self.replace(target(at)..target(at), bytes),
            Damage::Removed(at, count) => {
                let at = target(at);
                self.replace(at..end(at, *count), &[]);
            }
        }
    }

    /// A byte that keeps its value is not damaged.
    fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        for (offset, byte) in bytes.iter().enumerate() {
            let Some(old) = self.bytes.get_mut(at + offset) else {
                return;
            };
            if old != byte {
                *old = *byte;
                self.origins[at + offset] = None;
            }
        }
    }

    fn replace(&mut self, range: std::ops::Range<usize>, bytes: &[u8]) {
        self.origins
            .splice(range.clone(), bytes.iter().map(|_| None));
        self.bytes.splice(range, bytes.iter().copied());
    }

    /// Whether the bytes of this range are still there in one piece.
    fn holds(&self, range: std::ops::Range<usize>) -> bool {
        let start = self.origins.iter().position(|o| *o == Some(range.start));
        start.is_some_and(|start| {
            let origins = self.origins[start..].iter().take(range.len());
            origins.copied().eq(range.clone().map(Some))
        })
    }
}

fn in_a_slot(bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(segment_name(1)), bytes).expect("written");
    folder
}

/// All records that are found, batch by batch.
fn read_all(slot: &Path, budget: usize) -> Vec<(i64, Vec<u8>)> {
    let (mut at, until) = (Position::start_of(1), Position::start_of(2));
    let mut found: Vec<(i64, Vec<u8>)> = Vec::new();
    loop {
        let near = found.last().map(|(seq, _)| *seq);
        let batch = read(slot, at, until, near, budget, false).expect("readable");
        found.extend(batch.frames().map(|(seq, body)| (seq, body.to_vec())));
        match batch.next {
            Some(next) => {
                assert!(next > at, "it goes on");
                at = next;
            }
            None => return found,
        }
    }
}

fn segment_of(bodies: &[Vec<u8>]) -> (Vec<u8>, Vec<std::ops::Range<usize>>) {
    let header = Header {
        version: Version::First,
        writer: "0123456789".to_owned(),
        target: TARGET,
    };
    let mut bytes = header.to_bytes().to_vec();
    let mut ranges = Vec::new();
    for (number, content) in bodies.iter().enumerate() {
        let start = bytes.len();
        segment_format::append(&mut bytes, FIRST + number as i64, |body| {
            body.extend(content);
        });
        ranges.push(start..bytes.len());
    }
    (bytes, ranges)
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn a_damaged_segment_yields_its_whole_records_and_no_others(
        bodies in vec(vec(any::<u8>(), 1..150), 0..30),
        damages in damages(),
        budget in 1..4_000_usize,
    ) {
        let (bytes, ranges) = segment_of(&bodies);
        let origins = (0..bytes.len()).map(Some).collect();
        let mut disk = Disk { bytes, origins };
        for damage in &damages {
            disk.apply(damage);
        }
        let folder = in_a_slot(&disk.bytes);
        let found = read_all(folder.path(), budget);
        for (seq, body) in &found {
            prop_assert_eq!(Some(body), bodies.get((seq - FIRST) as usize), "record {}", seq);
        }
        let numbers: BTreeSet<i64> = found.iter().map(|(seq, _)| *seq).collect();
        for (number, range) in ranges.into_iter().enumerate() {
            let is_found = numbers.contains(&(FIRST + number as i64));
            prop_assert!(is_found || !disk.holds(range), "record {} is whole", number);
        }
    }

    #[test]
    fn arbitrary_bytes_yield_no_invented_record(
        bytes in vec(any::<u8>(), 0..3_000),
        is_headed in any::<bool>(),
        budget in 1..4_000_usize,
    ) {
        let (header, _) = segment_of(&[]);
        let content = if is_headed { [header, bytes].concat() } else { bytes };
        let folder = in_a_slot(&content);
        for (seq, body) in read_all(folder.path(), budget) {
            let mut again = Vec::new();
            segment_format::append(&mut again, seq, |to| to.extend(&body));
            let is_there = content.windows(again.len()).any(|window| window == again);
            prop_assert!(is_there, "record {} is nowhere", seq);
        }
    }

    #[test]
    fn a_slot_with_arbitrary_files_is_taken_or_left_alone(
        segments in vec(vec(any::<u8>(), 0..200), 0..3),
        writer in vec(any::<u8>(), 0..200),
    ) {
        let spool = tempfile::tempdir().expect("a folder");
        let slot = spool.path().join("0");
        fs::create_dir(&slot).expect("a slot");
        for (number, bytes) in segments.iter().enumerate() {
            fs::write(slot.join(segment_name(number as u64 + 1)), bytes).expect("written");
        }
        fs::write(slot.join("writer.json"), writer).expect("written");
        let mut segments = Segments::new(claim(spool.path(), TARGET).expect("a slot"), 1 << 20, 2_000);
        let first = segments.slot().first_seq();
        let mut frames = Vec::new();
        segment_format::append(&mut frames, first, |body| body.extend(b"a record"));
        segments.append(&frames, Version::First, first).expect("appended");
    }
}
