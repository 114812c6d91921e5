//! Ownership of slots, and the ids under which its records are written.

use std::fs;

use super::*;

const OTHER_TARGET: Target = Target(8);

#[test]
fn a_slot_belongs_to_one_process_and_its_writer_passes_to_the_next() {
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
    let successor = spool.open();
    assert_eq!(
        (successor.slot().writer(), successor.slot().path()),
        (&*writer, &*path)
    );
    assert!(!successor.slot().is_new_writer());
    assert!(successor.slot().first_seq() > first);
    assert_eq!(all_of(&successor), [first]);
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
fn numbers_are_not_reused_when_the_clock_goes_back() {
    let spool = Spool::new();
    let mut segments = spool.open();
    let ahead = segments.slot().first_seq() + (1 << 50);
    write(&mut segments, ahead);
    drop(segments);
    assert!(spool.open().slot().first_seq() > ahead);
}

#[test]
fn records_of_another_target_are_left_alone() {
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
fn a_copied_slot_is_recovered_under_its_writer_id_and_new_records_get_another() {
    let spool = Spool::with_records(3);
    let copied = Spool::new();
    copy(&spool.slot(0), &copied.slot(0));
    let original = spool.open();
    let other = copied.open();
    assert_eq!(other.slot().path(), copied.slot(1));
    assert_ne!(other.slot().writer(), original.slot().writer());
    let abandoned = claim_abandoned(copied.path(), TARGET, 0)
        .expect("looked")
        .expect("a slot");
    assert_eq!(abandoned.writer(), original.slot().writer());
    let mut recovered = Segments::new(abandoned, MUCH, SMALL);
    assert_eq!(all_of(&recovered), all_of(&original));
    release_all(&mut recovered, i64::MAX);
    recovered.slot().retire().expect("left");
    drop((recovered, other));
    let again = copied.open();
    assert_eq!(again.slot().path(), copied.slot(0));
    assert_ne!(again.slot().writer(), original.slot().writer());
}

#[test]
fn a_restored_slot_keeps_its_records_and_loses_its_writer_id() {
    let spool = Spool::with_records(3);
    let kept = Spool::new();
    copy(&spool.slot(0), &kept.slot(0));
    let writer = spool.open().slot().writer().to_owned();
    fs::remove_dir_all(spool.slot(0)).expect("removed");
    // A new file may get the number of the one that was removed.
    fs::write(spool.path().join("takes the number"), "").expect("written");
    copy(&kept.slot(0), &spool.slot(0));
    let abandoned = claim_abandoned(spool.path(), TARGET, 0)
        .expect("looked")
        .expect("a slot");
    assert_eq!(abandoned.writer(), writer);
    assert_eq!(all_of(&Segments::new(abandoned, MUCH, SMALL)).len(), 3);
}

#[test]
fn records_of_two_writers_in_one_slot_are_recovered_one_after_the_other() {
    let (spool, other) = (Spool::with_records(2), Spool::with_records(1));
    let another = other.open().slot().writer().to_owned();
    // As an earlier release has left them.
    fs::copy(segment(&other, 1), segment(&spool, 9)).expect("copied");
    let mut seen = Vec::new();
    while let Some(slot) = claim_abandoned(spool.path(), TARGET, 0).expect("looked") {
        let mut segments = Segments::new(slot, MUCH, SMALL);
        seen.push((segments.slot().writer().to_owned(), all_of(&segments).len()));
        release_all(&mut segments, i64::MAX);
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!((seen[0].1, &seen[1]), (2, &(another, 1)));
}

#[test]
fn queues_go_on_under_other_ids_in_a_slot_and_in_its_copies() {
    let spool = Spool::with_records(2);
    let mut segments = spool.open();
    let first = segments.slot().first_seq();
    let next = |after| NextWriter {
        writer: "another000".to_owned(),
        after,
    };
    // One of them is of a queue that this release does not have.
    for (queue, after) in [("e", first), ("z", 3)] {
        let changed = [(queue.to_owned(), next(after))].into();
        segments.change_writers(&changed).expect("changed");
    }
    write(&mut segments, first + (1 << 40));
    let writer = segments.slot().writer().to_owned();
    drop(segments);
    let copied = Spool::new();
    copy(&spool.slot(0), &copied.slot(0));
    let mut successor = spool.open();
    let abandoned = claim_abandoned(copied.path(), TARGET, 0)
        .expect("looked")
        .expect("a slot");
    for slot in [successor.slot(), &abandoned] {
        assert_eq!(slot.writer(), writer);
        assert_eq!(slot.next_writer("e"), Some(&next(first)));
        assert_eq!(slot.next_writer("z"), Some(&next(3)));
        assert_eq!(slot.next_writer("i"), None);
    }
    assert_eq!(all_of(&successor).len(), 3);
    release_all(&mut successor, i64::MAX);
    drop(successor);
    assert_eq!(spool.open().slot().next_writer("e"), Some(&next(first)));
    let mut recovered = Segments::new(abandoned, MUCH, SMALL);
    release_all(&mut recovered, i64::MAX);
    recovered.slot().retire().expect("left");
    drop(recovered);
    let again = copied.open();
    assert_eq!(again.slot().next_writer("e"), None, "with an id of its own");
}

#[test]
fn a_slot_whose_lock_file_was_replaced_is_lost() {
    let spool = Spool::new();
    let segments = spool.open();
    segments.slot().verify().expect("its own");
    let lock = spool.slot(0).join("owner.lock");
    fs::rename(&lock, spool.slot(0).join("earlier.lock")).expect("renamed");
    assert!(segments.slot().verify().is_err());
    fs::write(&lock, "").expect("written");
    assert!(segments.slot().verify().is_err());
}

#[test]
fn a_folder_that_was_removed_is_created_again() {
    let spool = Spool::new();
    let mut segments = spool.open();
    let first = segments.slot().first_seq();
    write(&mut segments, first);
    fs::remove_dir_all(spool.slot(0)).expect("removed");
    segments.roll();
    write(&mut segments, first + 1);
    drop(segments);
    let successor = spool.open();
    assert_eq!(all_of(&successor).len(), 1);
}

// Windows lets nobody move a folder with an open file.
#[cfg(unix)]
#[test]
fn totals_are_not_kept_in_a_folder_that_another_process_has_made_in_place_of_ours() {
    let spool = Spool::new();
    let ours = spool.open();
    let keep = |slot: &Slot, n: i32| {
        let kept = KeptTotals {
            totals: bson::doc! { "n": n },
            version: Version::First,
            shares: Vec::new(),
            files: Vec::new(),
        };
        slot.keep_totals(Some(kept))()
    };
    keep(ours.slot(), 1).expect("kept");
    let aside = spool.path().join("aside");
    fs::rename(spool.slot(0), &aside).expect("moved");
    let theirs = spool.open();
    assert_eq!(theirs.slot().path(), spool.slot(0));
    keep(theirs.slot(), 2).expect("kept");
    assert!(keep(ours.slot(), 3).is_err());
    assert!(ours.slot().keep_totals(None)().is_err());
    drop(theirs);
    let successor = claim_abandoned(spool.path(), TARGET, 0).expect("looked");
    let mut successor = successor.expect("a slot");
    assert_eq!(successor.take_totals(), Some(bson::doc! { "n": 2 }));
}

#[test]
fn share_files_are_kept_while_totals_name_them() {
    let spool = Spool::new();
    let mut ours = spool.open();
    let seq = ours.slot().first_seq();
    write(&mut ours, seq);
    let [first, second] = [(); 2].map(|()| shares_file::new_path(ours.slot().path()));
    for path in [&first, &second] {
        let kept = KeptTotals {
            totals: bson::doc! {},
            version: Version::Second,
            shares: vec![(path.clone(), b"shares".to_vec())],
            files: vec![path.clone()],
        };
        ours.slot().keep_totals(Some(kept))().expect("kept");
        assert_eq!(shares_file::read(path).expect("readable"), b"shares");
    }
    assert!(!first.exists(), "no totals name it");
    drop(ours);
    let ours = spool.open();
    assert!(second.exists());
    ours.slot().keep_totals(None)().expect("removed");
    assert!(!second.exists());
    shares_file::write(&first, Vec::new()).expect("written");
    drop(ours);
    let _ours = spool.open();
    assert!(!first.exists(), "a crash has left it");
}

#[test]
fn share_files_do_not_pile_up_while_totals_cannot_be_kept() {
    let spool = Spool::new();
    let ours = spool.open();
    let [first, second] = [(); 2].map(|()| shares_file::new_path(ours.slot().path()));
    let keep = |totals, path: &PathBuf| {
        let kept = KeptTotals {
            totals,
            version: Version::Second,
            shares: vec![(path.clone(), b"shares".to_vec())],
            files: vec![path.clone()],
        };
        ours.slot().keep_totals(Some(kept))()
    };
    // Nobody can remove it as a file.
    fs::create_dir(spool.slot(0).join("folder.shares")).expect("a folder");
    keep(bson::doc! {}, &first).expect("kept");
    let impossible = bson::doc! { "\0": 1 };
    keep(impossible, &second).expect_err("no document");
    assert!(first.exists() && !second.exists());
}

#[test]
#[cfg(unix)]
fn links_are_no_slots_and_files_are_readable_by_their_owner_only() {
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

#[cfg(unix)]
#[test]
fn no_link_in_a_slot_is_followed() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let link = |slot: &Path, name: &str| {
        let (victim, link) = (elsewhere.path().join(name), slot.join(name));
        fs::write(&victim, "precious").expect("written");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(victim, link).expect("a link");
    };
    for name in ["owner.lock", "00000001.seg", "00000002.seg"] {
        let spool = Spool::with_records(2);
        link(&spool.slot(0), name);
        assert_eq!(spool.open().slot().path(), spool.slot(1), "{name}");
    }
    let spool = Spool::with_records(2);
    for name in ["writer.json.next", "raw.cursor", "raw.cursor.next"] {
        link(&spool.slot(0), name);
    }
    let mut segments = spool.open();
    let first = segments.slot().first_seq();
    write(&mut segments, first);
    let slot = segments.slot().path();
    assert_eq!(slot, spool.slot(0));
    assert!(read_cursor::<1>(slot, "raw").is_err());
    write_cursor(slot, "raw", &[1]).expect("written");
    assert_eq!(read_cursor(slot, "raw").ok(), Some([1]));
    let victims = fs::read_dir(elsewhere.path()).expect("read");
    for victim in victims.map(|victim| victim.expect("there").path()) {
        let text = fs::read_to_string(&victim).expect("read");
        assert_eq!(text, "precious", "{}", victim.display());
    }
}

// By no program: between its start and its first instruction it would hold the locks of all other tests.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_in_place_of_a_file_holds_nothing_up() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let spool = Spool::with_records(1);
    let pipe = spool.slot(0).join("raw.cursor");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    assert!(read_cursor::<1>(&spool.slot(0), "raw").is_err());
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_may_write_to_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let spool = Spool::with_records(2);
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
    };
    for mode in [0o777, 0o1777, 0o770, 0o702] {
        allow(&spool.slot(0), mode);
        assert_eq!(spool.open().slot().path(), spool.slot(1), "slot {mode:o}");
        allow(&spool.slot(0), 0o700);
        allow(spool.path(), mode);
        let error = claim(spool.path(), TARGET).err().expect("refused");
        assert!(error.to_string().contains("chmod go-w"), "{error}");
        assert!(claim_abandoned(spool.path(), TARGET, 0).is_err());
        allow(spool.path(), 0o755);
    }
    assert_eq!(spool.open().slot().path(), spool.slot(0));
}
