//! Segments: append, read back past damage, delete.

use std::fs;

use super::*;
use crate::spool::files::segments_in;
use crate::spool::segment_format::HEADER;
use crate::util::proptest_config::size;

#[test]
fn the_next_process_reads_back_the_records_in_order() {
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
fn a_segment_cut_at_any_byte_loses_the_records_behind_the_cut_and_nothing_else() {
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
fn a_flipped_bit_loses_one_record_at_most_and_is_counted_as_damage() {
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
        // The length of the last frame looks as if a crash had truncated it.
        let is_last = bit / 8 >= whole.len() - 110;
        assert!(bytes > 0 || is_last, "bit {bit} was not noticed");
    }
}

#[test]
fn a_segment_with_a_damaged_header_is_renamed() {
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
        let is_renamed = names
            .iter()
            .any(|name| name.to_string_lossy().ends_with(".seg.damaged"));
        assert_eq!(is_renamed, !is_version, "bit {bit}: {names:?}");
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
fn segments_of_done_records_are_deleted_and_others_are_not() {
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
fn a_full_spool_refuses_records_until_segments_are_deleted() {
    let spool = Spool::new();
    let mut segments = Segments::new(claim(spool.path(), TARGET).expect("a slot"), 3_000, SMALL);
    let first = segments.slot().first_seq();
    let mut frames = Vec::new();
    segment_format::append(&mut frames, first, |body| body.extend(body_of(first)));
    let mut taken = 0;
    while segments
        .append(&frames, Version::First, first + taken)
        .is_ok()
    {
        taken += 1;
    }
    assert!(segments.status().bytes <= 3_000);
    assert!(
        segments
            .append(&frames, Version::First, first + taken)
            .is_err()
    );
    release_all(&mut segments, first + taken);
    assert!(
        segments
            .append(&frames, Version::First, first + taken)
            .is_ok()
    );
}

#[test]
fn records_that_need_the_second_version_begin_a_segment_that_the_first_does_not_read() {
    let spool = Spool::new();
    let mut segments = spool.open();
    let first = segments.slot().first_seq();
    let versions = [Version::First, Version::Second, Version::First];
    for (seq, version) in (first..).zip(versions) {
        let mut frames = Vec::new();
        segment_format::append(&mut frames, seq, |body| body.extend(body_of(seq)));
        segments.append(&frames, version, seq).expect("appended");
    }
    drop(segments);
    let number = |number| fs::read(spool.slot(0).join(segment_name(number))).expect("a segment")[8];
    assert_eq!([number(1), number(2)], [1, 2]);
    assert_eq!(segments_in(&spool.slot(0)).expect("a slot"), [1, 2]);
    let found = spool.open();
    let (seqs, damaged) = read_all(
        found.slot().path(),
        Position::start_of(1),
        found.end(),
        10_000,
    );
    assert_eq!((seqs, damaged), ((first..first + 3).collect(), 0));
}
