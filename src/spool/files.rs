//! Files of a slot. Only their owner may read them, since records hold user ids.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path)?;
    restrict(path)
}

pub fn restrict(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Opens a file for writing; creates it if it is missing.
pub fn open(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().write(true).create(true).truncate(false)).open(path)
}

/// Creates a file to append to; an error if it exists.
pub fn create_new(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().append(true).create_new(true)).open(path)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Replaces a file: writes another beside it, then renames that one, so that a crash leaves one of the
/// two. `content` is called with the path of the new file, which exists and is empty.
pub fn replace(
    path: &Path,
    is_synced: bool,
    content: impl FnOnce(&Path) -> io::Result<Vec<u8>>,
) -> io::Result<()> {
    let mut next = path.as_os_str().to_owned();
    next.push(".next");
    let next = Path::new(&next);
    let mut file =
        private(OpenOptions::new().write(true).create(true).truncate(true)).open(next)?;
    file.write_all(&content(next)?)?;
    if is_synced {
        file.sync_all()?;
    }
    drop(file);
    fs::rename(next, path)?;
    match path.parent() {
        Some(folder) if is_synced => sync_folder(folder),
        _ => Ok(()),
    }
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
    let free = (1..).map(named).find(|name| !name.exists());
    free.map_or(Ok(()), |name| fs::rename(path, name))
}

/// Whether the path still leads to the open file.
pub fn is_same(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        #[cfg(unix)]
        (Ok(one), Ok(other)) => {
            use std::os::unix::fs::MetadataExt;
            (one.dev(), one.ino()) == (other.dev(), other.ino())
        }
        (_, other) => other.is_ok(),
    }
}

/// Whether an open file was removed. Windows does not remove open files.
pub fn is_removed(file: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// The name of a segment's file.
pub fn segment_name(segment: u64) -> String {
    format!("{segment:08}.seg")
}

/// The numbers of the segments in a slot, in order.
pub fn segments_in(slot: &Path) -> io::Result<Vec<u64>> {
    numbered(slot, |name| name.strip_suffix(".seg")?.parse().ok())
}

/// The numbers of the slots in a spool, in order.
pub fn slots_in(spool: &Path) -> io::Result<Vec<u64>> {
    numbered(spool, |name| name.parse().ok())
}

fn numbered(folder: &Path, number: impl Fn(&str) -> Option<u64>) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        numbers.extend(entry?.file_name().to_str().and_then(&number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}
