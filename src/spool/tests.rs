//! Segments cut, damaged, copied and put back.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::files::{segment_name, segments_in};
use super::segment_format::{self, HEADER};
use super::*;
use crate::record::target::Target;
use crate::util::proptest_config::size;

const TARGET: Target = Target(7);
const OTHER_TARGET: Target = Target(8);
const MUCH: u64 = 1 << 30;
/// The size of a segment, so that there are several.
const SMALL: u64 = 2_000;

struct Spool {
    folder: TempDir,
}

impl Spool {
    fn new() -> Spool {
        Spool {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn slot(&self, number: u64) -> PathBuf {
        self.path().join(number.to_string())
    }

    fn open(&self) -> Segments {
        Segments::new(claim(self.path(), TARGET).expect("a slot"), MUCH, SMALL)
    }

    /// Appends so many records, one at a time, and dies.
    fn with_records(count: i64) -> Spool {
        let spool = Spool::new();
        let mut segments = spool.open();
        let first = segments.slot().first_seq();
        for number in 0..count {
            write(&mut segments, first + number);
        }
        spool
    }
}

fn body_of(seq: i64) -> Vec<u8> {
    format!("record {seq} ").repeat(1 + seq as usize % 3).into()
}

fn write(segments: &mut Segments, seq: i64) {
    let mut frames = Vec::new();
    segment_format::append(&mut frames, seq, |body| body.extend(body_of(seq)));
    segments.append(&frames, seq).expect("appended");
}

/// Everything that can be read, and how many bytes could not.
fn read_all(slot: &Path, from: Position, until: Position, budget: usize) -> (Vec<i64>, u64) {
    let (mut seqs, mut damaged, mut next) = (Vec::new(), 0, Some(from));
    while let Some(from) = next {
        let piece = read(slot, from, until, seqs.last().copied(), budget).expect("readable");
        for (seq, body) in piece.frames() {
            assert_eq!(body, body_of(seq), "a record is as it was written");
            seqs.push(seq);
        }
        damaged += piece.damaged;
        assert!(piece.next.is_none_or(|next| next > from), "it goes on");
        next = piece.next;
    }
    (seqs, damaged)
}

fn all_of(segments: &Segments) -> Vec<i64> {
    let Some(from) = segments.beginning() else {
        return Vec::new();
    };
    let (seqs, damaged) = read_all(segments.slot().path(), from, segments.end(), 300);
    assert_eq!(damaged, 0);
    seqs
}

/// One segment goes at a time.
fn release_all(segments: &mut Segments, done: i64) {
    let mut before = None;
    while before != Some(segments.status().bytes) {
        before = Some(segments.status().bytes);
        segments.release(done, true).expect("released");
    }
}

fn segment(spool: &Spool, number: u64) -> PathBuf {
    spool.slot(0).join(segment_name(number))
}

#[test]
fn what_was_appended_is_read_back_in_order_by_the_next_process() {
    let spool = Spool::with_records(200);
    let mut segments = spool.open();
    assert!(segments_in(&spool.slot(0)).expect("segments").len() > 4);
    let seqs = all_of(&segments);
    assert_eq!(seqs.len(), 200);
    assert!(seqs.is_sorted());
    let first = segments.slot().first_seq();
    assert!(first > seqs[199]);
    write(&mut segments, first);
    assert_eq!(all_of(&segments).last(), Some(&first));
}

#[test]
fn a_segment_cut_at_any_byte_loses_what_lay_behind_the_cut_and_nothing_else() {
    let spool = Spool::with_records(20);
    let whole = fs::read(segment(&spool, 1)).expect("a segment");
    let mut ends = vec![HEADER];
    while let segment_format::Parsed::Frame { length, .. } =
        segment_format::parse(&whole[ends[ends.len() - 1]..])
    {
        ends.push(ends[ends.len() - 1] + length);
    }
    assert_eq!(ends.len(), 21);
    for cut in 0..=whole.len() {
        fs::write(segment(&spool, 1), &whole[..cut]).expect("cut");
        let segments = spool.open();
        let expected = ends
            .iter()
            .filter(|end| **end <= cut)
            .count()
            .saturating_sub(1);
        assert_eq!(all_of(&segments).len(), expected, "cut at {cut}");
        if cut < HEADER {
            fs::write(segment(&spool, 1), &whole).expect("as it was");
        }
    }
}

#[test]
fn a_flipped_bit_costs_one_record_at_most_and_is_noticed() {
    let spool = Spool::with_records(12);
    let whole = fs::read(segment(&spool, 1)).expect("a segment");
    // No divisor of 8, so that every bit of a byte has its turn.
    let stride = size(5, 1) as usize;
    for bit in (HEADER * 8..whole.len() * 8).step_by(stride) {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(segment(&spool, 1), &damaged).expect("damaged");
        let segments = spool.open();
        let from = segments.beginning().expect("a segment");
        let (seqs, bytes) = read_all(segments.slot().path(), from, segments.end(), 1 << 20);
        assert_eq!(seqs.len(), 11, "bit {bit}");
        // The length of the last frame looks as if a death had cut it.
        let is_last = bit / 8 >= whole.len() - 110;
        assert!(bytes > 0 || is_last, "bit {bit} was not noticed");
    }
}

#[test]
fn a_flipped_bit_in_a_header_sets_the_segment_aside() {
    for bit in 0..HEADER * 8 {
        let spool = Spool::with_records(1);
        let mut bytes = fs::read(segment(&spool, 1)).expect("a segment");
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(segment(&spool, 1), &bytes).expect("damaged");
        let is_version = (8..12).contains(&(bit / 8));
        let segments = spool.open();
        assert_eq!(all_of(&segments).len(), 0);
        let kept = fs::read_dir(spool.slot(0)).expect("a slot");
        let names: Vec<_> = kept
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        let aside = names
            .iter()
            .any(|name| name.to_string_lossy().ends_with(".seg.damaged"));
        assert_eq!(aside, !is_version, "bit {bit}: {names:?}");
        assert_eq!(
            segment(&spool, 1).exists(),
            is_version,
            "of a later release: left alone"
        );
    }
}

#[test]
fn a_tail_of_zeros_is_no_record_and_no_damage() {
    for zeros in [1, 15, 16, 17, 4_096] {
        let spool = Spool::with_records(5);
        let mut bytes = fs::read(segment(&spool, 1)).expect("a segment");
        bytes.resize(bytes.len() + zeros, 0);
        fs::write(segment(&spool, 1), &bytes).expect("longer");
        assert_eq!(all_of(&spool.open()).len(), 5);
    }
}

#[test]
fn records_behind_damage_are_read_in_every_segment() {
    let spool = Spool::with_records(200);
    for number in 1..=4 {
        let mut bytes = fs::read(segment(&spool, number)).expect("a segment");
        bytes[HEADER + 100..HEADER + 400].fill(0xff);
        fs::write(segment(&spool, number), &bytes).expect("damaged");
    }
    let mut segments = spool.open();
    let from = segments.beginning().expect("a segment");
    let (seqs, damaged) = read_all(segments.slot().path(), from, segments.end(), 500);
    assert!(damaged >= 4 * 300, "{damaged}");
    assert!((150..200).contains(&seqs.len()), "{} records", seqs.len());
    segments.mark_damaged(2);
    release_all(&mut segments, i64::MAX);
    assert_eq!(segments.status().bytes, 0);
    assert!(spool.slot(0).join("00000002.seg.damaged").exists());
    assert!(!segment(&spool, 1).exists());
}

#[test]
fn what_is_done_with_is_unlinked_and_the_rest_is_not() {
    let spool = Spool::with_records(200);
    let mut segments = spool.open();
    let seqs = all_of(&segments);
    let before = segments.status();
    release_all(&mut segments, seqs[100]);
    let left = all_of(&segments);
    assert!(left[0] <= seqs[101] && left[0] > seqs[0]);
    assert!(segments.status().bytes < before.bytes);
    let last = segments.slot().first_seq() - 1;
    release_all(&mut segments, last);
    assert_eq!(segments.status().bytes, 0);
}

#[test]
fn a_full_spool_takes_nothing_and_goes_on_when_there_is_room() {
    let spool = Spool::new();
    let mut segments = Segments::new(claim(spool.path(), TARGET).expect("a slot"), 3_000, SMALL);
    let first = segments.slot().first_seq();
    let mut frames = Vec::new();
    segment_format::append(&mut frames, first, |body| body.extend(body_of(first)));
    let mut taken = 0;
    while segments.append(&frames, first + taken).is_ok() {
        taken += 1;
    }
    assert!(segments.status().bytes <= 3_000);
    assert!(segments.append(&frames, first + taken).is_err());
    release_all(&mut segments, first + taken);
    assert!(segments.append(&frames, first + taken).is_ok());
}

#[test]
fn a_slot_is_one_processs_and_its_writer_is_the_next_ones() {
    let spool = Spool::new();
    let mut one = spool.open();
    let two = spool.open();
    assert_ne!(one.slot().path(), two.slot().path());
    assert_ne!(one.slot().writer(), two.slot().writer());
    let first = one.slot().first_seq();
    write(&mut one, first);
    let (writer, path) = (one.slot().writer().to_owned(), one.slot().path().to_owned());
    assert!(
        claim_abandoned(spool.path(), TARGET, 0)
            .expect("looked")
            .is_none(),
        "its owner lives"
    );
    drop(one);
    let heir = spool.open();
    assert_eq!(
        (heir.slot().writer(), heir.slot().path()),
        (&*writer, &*path)
    );
    assert!(!heir.slot().is_new_writer());
    assert!(heir.slot().first_seq() > first);
    assert_eq!(all_of(&heir), [first]);
}

#[test]
fn ids_do_not_multiply_with_restarts() {
    let spool = Spool::new();
    let mut writers = std::collections::BTreeSet::new();
    for round in 0..20 {
        let mut segments = spool.open();
        let first = segments.slot().first_seq();
        write(&mut segments, first);
        if round % 2 == 0 {
            release_all(&mut segments, i64::MAX);
        }
        writers.insert(segments.slot().writer().to_owned());
    }
    assert_eq!(writers.len(), 1);
}

#[test]
fn numbers_are_never_used_again_also_when_the_clock_goes_back() {
    let spool = Spool::new();
    let mut segments = spool.open();
    let ahead = segments.slot().first_seq() + (1 << 50);
    write(&mut segments, ahead);
    drop(segments);
    assert!(spool.open().slot().first_seq() > ahead);
}

#[test]
fn records_of_another_place_are_left_alone() {
    let spool = Spool::with_records(3);
    let other = claim(spool.path(), OTHER_TARGET).expect("a slot");
    assert_eq!(other.path(), spool.slot(1));
    assert!(other.found().is_empty());
    assert!(
        claim_abandoned(spool.path(), OTHER_TARGET, 0)
            .expect("looked")
            .is_none()
    );
    assert!(
        claim_abandoned(spool.path(), TARGET, 0)
            .expect("looked")
            .is_some()
    );
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a slot") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

#[test]
fn the_copy_of_a_slot_is_drained_under_its_id_and_no_new_record_gets_it() {
    let spool = Spool::with_records(3);
    let copied = Spool::new();
    copy(&spool.slot(0), &copied.slot(0));
    let original = spool.open();
    let other = copied.open();
    assert_eq!(other.slot().path(), copied.slot(1));
    assert_ne!(other.slot().writer(), original.slot().writer());
    let orphan = claim_abandoned(copied.path(), TARGET, 0)
        .expect("looked")
        .expect("a slot");
    assert_eq!(orphan.writer(), original.slot().writer());
    let mut drained = Segments::new(orphan, MUCH, SMALL);
    assert_eq!(all_of(&drained), all_of(&original));
    release_all(&mut drained, i64::MAX);
    drained.slot().retire().expect("left");
    drop((drained, other));
    let again = copied.open();
    assert_eq!(again.slot().path(), copied.slot(0));
    assert_ne!(again.slot().writer(), original.slot().writer());
}

#[test]
fn a_slot_that_was_put_back_as_it_was_keeps_its_records_and_loses_its_id() {
    let spool = Spool::with_records(3);
    let kept = Spool::new();
    copy(&spool.slot(0), &kept.slot(0));
    let writer = spool.open().slot().writer().to_owned();
    fs::remove_dir_all(spool.slot(0)).expect("removed");
    // A new file may get the number of the one that was removed.
    fs::write(spool.path().join("keeps it"), "").expect("written");
    copy(&kept.slot(0), &spool.slot(0));
    let orphan = claim_abandoned(spool.path(), TARGET, 0)
        .expect("looked")
        .expect("a slot");
    assert_eq!(orphan.writer(), writer);
    assert_eq!(all_of(&Segments::new(orphan, MUCH, SMALL)).len(), 3);
}

#[test]
fn records_of_two_writers_in_one_slot_are_drained_one_after_the_other() {
    let spool = Spool::with_records(2);
    let mut segments = spool.open();
    let first = segments.slot().first_seq();
    segments.rename_writer("another000").expect("renamed");
    write(&mut segments, first);
    drop(segments);
    let mut seen = Vec::new();
    while let Some(slot) = claim_abandoned(spool.path(), TARGET, 0).expect("looked") {
        let mut segments = Segments::new(slot, MUCH, SMALL);
        seen.push((segments.slot().writer().to_owned(), all_of(&segments).len()));
        release_all(&mut segments, i64::MAX);
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!((seen[0].1, &seen[1]), (2, &("another000".to_owned(), 1)));
}

#[test]
fn a_folder_that_was_removed_is_made_anew() {
    let spool = Spool::new();
    let mut segments = spool.open();
    let first = segments.slot().first_seq();
    write(&mut segments, first);
    fs::remove_dir_all(spool.slot(0)).expect("removed");
    segments.roll();
    write(&mut segments, first + 1);
    drop(segments);
    let heir = spool.open();
    assert_eq!(all_of(&heir).len(), 1);
}

#[test]
#[cfg(unix)]
fn links_are_no_slots_and_others_may_not_read() {
    use std::os::unix::fs::PermissionsExt;
    let (spool, other) = (Spool::new(), Spool::with_records(2));
    std::os::unix::fs::symlink(other.slot(0), spool.slot(0)).expect("a link");
    let mut segments = spool.open();
    assert_eq!(segments.slot().path(), spool.slot(1));
    let first = segments.slot().first_seq();
    write(&mut segments, first);
    for (path, mode) in [
        (spool.slot(1), 0o700),
        (spool.slot(1).join(segment_name(1)), 0o600),
        (spool.slot(1).join("owner.lock"), 0o600),
        (spool.slot(1).join("writer.json"), 0o600),
    ] {
        let permissions = fs::metadata(path).expect("there").permissions();
        assert_eq!(permissions.mode() & 0o777, mode);
    }
}
