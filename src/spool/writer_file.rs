//! Writer file, `writer.json`: the id under which the records of a slot are numbered, and where it is valid:
//! on which machine, since which boot, as which file. A copied or restored file is not valid.
//!
//! Where another process wrote under the id, queues have gone on under other ids. The file says from which record
//! on, so that whoever finds the records adds each under the id under which it may have been added already. An
//! earlier release does not read this.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files;

const VERSION: u32 = 1;
const NAME: &str = "writer.json";

/// Queues that go on under another id, by their letters.
pub type Changed = BTreeMap<String, NextWriter>;

/// The id of a queue for its records with numbers above `after`. All before are added, or left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextWriter {
    pub writer: String,
    pub after: i64,
}

#[derive(Serialize, Deserialize)]
pub struct WriterFile {
    version: u32,
    pub writer: String,
    /// Numbers up to this one may have been used.
    pub bound: i64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changed: Changed,
    #[serde(flatten)]
    validity: Validity,
}

/// The machine, boot and file for which an id is valid.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Validity {
    machine: String,
    boot: String,
    device: u64,
    inode: u64,
}

impl WriterFile {
    /// `None` for a file that cannot be read; each segment also names its writer.
    pub fn read(slot: &Path) -> Option<WriterFile> {
        let text = files::read(&slot.join(NAME)).ok()?;
        let file: WriterFile = serde_json::from_slice(&text).ok()?;
        (file.version == VERSION).then_some(file)
    }

    /// Replaces the file. Its content names the file itself, so it is made when the new file exists.
    pub fn write(slot: &Path, writer: &str, bound: i64, changed: &Changed) -> io::Result<()> {
        files::replace(&slot.join(NAME), true, |next| {
            let validity = Validity::of(next).ok_or_else(|| io::Error::other("no such file"))?;
            let content = WriterFile {
                version: VERSION,
                writer: writer.to_owned(),
                bound,
                changed: changed.clone(),
                validity,
            };
            Ok(serde_json::to_vec(&content)?)
        })
    }

    /// Whether the file is the one that was written here; a copied or restored one is not.
    pub fn is_valid(&self, slot: &Path) -> bool {
        Validity::of(&slot.join(NAME)).as_ref() == Some(&self.validity)
    }

    pub fn remove(slot: &Path) -> io::Result<()> {
        files::unless_missing(fs::remove_file(slot.join(NAME)))
    }
}

impl Validity {
    fn of(file: &Path) -> Option<Validity> {
        let (device, inode) = files::identity(&files::open(file).ok()?).ok()?;
        Some(Validity {
            machine: system_id("/etc/machine-id"),
            boot: system_id("/proc/sys/kernel/random/boot_id"),
            device,
            inode,
        })
    }
}

/// The content of a system file; empty where the system has none.
fn system_id(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| String::new(), |text| text.trim().to_owned())
}
