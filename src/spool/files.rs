//! Files of a slot. Only their owner may read them, since records hold user ids.
//!
//! Somebody else who may write to a folder could put links there. So such a folder is not used, no link is
//! followed, and a file that is written under a name of its own is a new one. On Windows links are not followed
//! either; who may write to a folder is not checked there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use crate::util::random::random_id;

/// The end of the name of a file that is to replace another.
const NEXT: &str = ".next";

/// Creates a folder, and those above it; false if it is there already.
pub fn create_folder(path: &Path) -> io::Result<bool> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut folder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    match folder.create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        created => created.map(|()| true),
    }
}

/// Fails for a folder that others may write to.
pub fn check_owner(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        const ROOT: u32 = 0;
        const WRITE_BY_OTHERS: u32 = 0o022;
        let metadata = fs::metadata(folder)?;
        let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
        if owner != user && owner != ROOT {
            return Err(io::Error::other(format!(
                "it belongs to user {owner}, and this process runs as user {user}: choose a folder of that user"
            )));
        }
        if metadata.mode() & WRITE_BY_OTHERS != 0 {
            return Err(io::Error::other(
                "other users may write to it: choose a folder below it, or take their right (chmod go-w)",
            ));
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Opens a file for reading.
pub fn open(path: &Path) -> io::Result<File> {
    open_as(OpenOptions::new().read(true), path)
}

pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a file to sync it, for which Windows wants a right to write.
pub fn open_to_sync(path: &Path) -> io::Result<File> {
    open_as(OpenOptions::new().append(true), path)
}

/// Opens a file for writing; creates it if it is missing.
pub fn open_or_create(path: &Path) -> io::Result<File> {
    open_as(OpenOptions::new().write(true).create(true), path)
}

/// Creates a file to append to; an error if it exists.
pub fn create_new(path: &Path) -> io::Result<File> {
    open_as(OpenOptions::new().append(true).create_new(true), path)
}

/// Nothing but a file, and no link to one.
fn open_as(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A named pipe would wait for its other end.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits() as i32);
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        options.custom_flags(OPEN_REPARSE_POINT);
    }
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other(format!("{} is no file", path.display()))),
    }
}

/// Replaces a file: writes another beside it, then renames that one, so that a crash leaves one of the
/// two. `content` is called with the path of the new file, which exists and is empty.
pub fn replace(
    path: &Path,
    is_synced: bool,
    content: impl FnOnce(&Path) -> io::Result<Vec<u8>>,
) -> io::Result<()> {
    let mut next = path.as_os_str().to_owned();
    next.push(format!(".{}{NEXT}", random_id()));
    let next = Path::new(&next);
    let mut file = create_new(next)?;
    let write = || {
        file.write_all(&content(next)?)?;
        if is_synced {
            file.sync_all()?;
        }
        drop(file);
        fs::rename(next, path)
    };
    if let Err(error) = write() {
        drop(fs::remove_file(next));
        return Err(error);
    }
    match path.parent() {
        Some(folder) if is_synced => sync_folder(folder),
        _ => Ok(()),
    }
}

/// Removes what crashes have left of [`replace`].
pub fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for name in entries(folder, |name| name.ends_with(NEXT).then(|| name.to_owned()))? {
        unless_missing(fs::remove_file(folder.join(name)))?;
    }
    Ok(())
}

/// Waits until the disk has the names of the files in it. Windows has no such call.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Renames a damaged file to a free name that no reader looks for: `<name>.damaged`, then `-2`, ….
pub fn keep_damaged(path: &Path) -> io::Result<()> {
    let named = |number: u32| match number {
        1 => path.with_extension("seg.damaged"),
        number => path.with_extension(format!("seg.damaged-{number}")),
    };
    let free = (1..)
        .map(named)
        .find(|name| fs::symlink_metadata(name).is_err());
    free.map_or(Ok(()), |name| fs::rename(path, name))
}

/// The outcome of a removal; a file that is missing counts as removed.
pub fn unless_missing(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The identity of a file, which a copy does not have: device and inode, or volume and index on Windows.
pub fn identity(file: &File) -> io::Result<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let file = file.metadata()?;
        Ok((file.dev(), file.ino()))
    }
    #[cfg(windows)]
    {
        let file = winapi_util::file::information(file)?;
        Ok((file.volume_serial_number(), file.file_index()))
    }
}

/// Whether the path still leads to the open file.
pub fn is_same(file: &File, path: &Path) -> bool {
    let found = open(path).and_then(|found| identity(&found));
    found.is_ok_and(|found| identity(file).is_ok_and(|open| open == found))
}

/// The name of a segment's file.
pub fn segment_name(segment: u64) -> String {
    format!("{segment:08}.seg")
}

/// The numbers of the segments in a slot, in order.
pub fn segments_in(slot: &Path) -> io::Result<Vec<u64>> {
    entries(slot, |name| name.strip_suffix(".seg")?.parse().ok())
}

/// The numbers of the slots in a spool, in order.
pub fn slots_in(spool: &Path) -> io::Result<Vec<u64>> {
    entries(spool, |name| name.parse().ok())
}

/// The names in a folder that `read` takes, as values in order.
pub fn entries<T: Ord>(folder: &Path, read: impl Fn(&str) -> Option<T>) -> io::Result<Vec<T>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        all.extend(entry?.file_name().to_str().and_then(&read));
    }
    all.sort_unstable();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder, and a file in it that is open.
    fn with_file() -> (tempfile::TempDir, std::path::PathBuf, File) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let mut file = create_new(&path).expect("created");
        file.write_all(b"content").expect("written");
        (folder, path, file)
    }

    #[test]
    fn a_file_is_no_more_what_its_path_leads_to_when_it_was_replaced() {
        let (folder, path, file) = with_file();
        let elsewhere = folder.path().join("elsewhere");
        assert!(is_same(&file, &path));
        fs::rename(&path, &elsewhere).expect("renamed");
        assert!(!is_same(&file, &path), "nothing is there");
        fs::copy(&elsewhere, &path).expect("copied");
        assert!(!is_same(&file, &path), "a copy is there");
        assert!(is_same(&file, &elsewhere));
    }

    #[test]
    fn a_copy_with_the_times_of_a_file_is_another() {
        let (folder, path, file) = with_file();
        let copied = folder.path().join("copied");
        fs::copy(&path, &copied).expect("copied");
        let times = file.metadata().expect("times");
        let same = fs::FileTimes::new().set_modified(times.modified().expect("a time"));
        #[cfg(windows)]
        let same =
            std::os::windows::fs::FileTimesExt::set_created(same, times.created().expect("a time"));
        let copied = open_or_create(&copied).expect("open");
        copied.set_times(same).expect("set");
        let of = |file| identity(file).expect("an identity");
        assert_ne!(of(&copied), of(&file));
        assert_eq!(of(&open(&path).expect("open")), of(&file));
    }

    #[test]
    fn a_file_that_is_found_can_be_synced() {
        let (_folder, path, file) = with_file();
        drop(file);
        let found = open_to_sync(&path).expect("open");
        found.sync_data().expect("synced");
        assert_eq!(read(&path).expect("read"), b"content");
    }

    #[test]
    fn a_folder_is_not_opened_as_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(open(folder.path()).is_err());
        assert!(open_to_sync(folder.path()).is_err());
        sync_folder(folder.path()).expect("synced");
    }
}
