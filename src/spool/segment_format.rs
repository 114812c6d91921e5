//! The format of a segment; all numbers little endian.
//!
//! | header | type | meaning |
//! |---|---|---|
//! | 0 | 8 bytes | `GSOSPOOL` |
//! | 8 | u32 | version: 1, or 2 if there may be a record in it that needs that; see [`Version`] |
//! | 12 | 10 bytes | the writer id of the records |
//! | 22 | u16 | 0 |
//! | 24 | u64 | the [`Target`] they belong to |
//! | 32 | u32 | CRC-32C of bytes 0 to 31 |
//!
//! | frame | type | meaning |
//! |---|---|---|
//! | 0 | u32 | length of the body in bytes, never 0: a tail of zeros is no frame |
//! | 4 | u32 | CRC-32C of the length, the number and the body |
//! | 8 | i64 | the record's number, higher than that of every frame before it |
//! | 16 | … | body |

use crate::record::target::Target;
use crate::util::bytes::{array_at, i64_at, u32_at};

pub const HEADER: usize = 36;
const MAGIC: &[u8; 8] = b"GSOSPOOL";
const WRITER: usize = 10;
const FRAME_HEADER: usize = 16;
/// Bound of a body: 15 MiB of data, and four times that of text for a webhook.
const LONGEST: usize = 128 << 20;

/// The version that a record needs. A release that does not know it leaves the record, and those behind it, to
/// one that does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Version {
    #[default]
    First = 1,
    /// It may name a counter of the host's own, or have a dedupe key or a price.
    Second = 2,
    /// Of totals that name share files; no segment needs it.
    Third = 3,
}

impl Version {
    fn read(number: u32) -> Option<Version> {
        let mut known = [Version::First, Version::Second].into_iter();
        known.find(|version| *version as u32 == number)
    }
}

/// The header of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub version: Version,
    pub writer: String,
    pub target: Target,
}

/// The reason why a header cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Its process died while it created the file.
    Unfinished,
    Damaged,
    /// A version that this release does not know.
    OtherVersion,
}

impl Header {
    pub fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&(self.version as u32).to_le_bytes());
        for (byte, letter) in bytes[12..].iter_mut().zip(self.writer.bytes().take(WRITER)) {
            *byte = letter;
        }
        bytes[24..32].copy_from_slice(&self.target.0.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..32]);
        bytes[32..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub fn read(bytes: &[u8]) -> Result<Header, Unreadable> {
        let Some(bytes) = bytes
            .get(..HEADER)
            .filter(|bytes| bytes.iter().any(|b| *b != 0))
        else {
            return Err(Unreadable::Unfinished);
        };
        if &bytes[..8] != MAGIC {
            return Err(Unreadable::Damaged);
        }
        let Some(version) = u32_at(bytes, 8).and_then(Version::read) else {
            return Err(Unreadable::OtherVersion);
        };
        let writer = std::str::from_utf8(&bytes[12..12 + WRITER]);
        match (writer, array_at(bytes, 24)) {
            (Ok(writer), Some(target))
                if u32_at(bytes, 32) == Some(crc32c::crc32c(&bytes[..32])) =>
            {
                Ok(Header {
                    version,
                    writer: writer.to_owned(),
                    target: Target(u64::from_le_bytes(target)),
                })
            }
            _ => Err(Unreadable::Damaged),
        }
    }
}

/// Appends a frame; `write` appends its body.
pub fn append(frames: &mut Vec<u8>, seq: i64, write: impl FnOnce(&mut Vec<u8>)) {
    let start = frames.len();
    frames.extend([0; 8]);
    frames.extend(seq.to_le_bytes());
    write(frames);
    let length = (frames.len() - start - FRAME_HEADER) as u32;
    frames[start..start + 4].copy_from_slice(&length.to_le_bytes());
    let crc = checksum(&frames[start..]);
    frames[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

fn checksum(frame: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&frame[..4]), &frame[8..])
}

/// The bytes where a frame should begin.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A frame with the record of this number; the length is that of the frame.
    Frame {
        seq: i64,
        length: usize,
    },
    /// The frame would take so many bytes, which is more than there are.
    Truncated(usize),
    Invalid,
}

pub fn parse(bytes: &[u8]) -> Parsed {
    let (Some(length), Some(crc), Some(seq)) =
        (u32_at(bytes, 0), u32_at(bytes, 4), i64_at(bytes, 8))
    else {
        return Parsed::Truncated(FRAME_HEADER);
    };
    let length = length as usize;
    if length == 0 || length > LONGEST {
        return Parsed::Invalid;
    }
    let length = FRAME_HEADER + length;
    match bytes.get(..length) {
        None => Parsed::Truncated(length),
        Some(frame) if checksum(frame) == crc => Parsed::Frame { seq, length },
        Some(_) => Parsed::Invalid,
    }
}

/// Whether there is a frame among damaged bytes; `near` is the number of a record close by. A number far
/// from it spares the checksum of the many bytes that a random length may claim.
pub fn is_frame(bytes: &[u8], near: Option<i64>) -> bool {
    const CLOSE: u64 = 1 << 44;
    let is_close = |seq: i64| near.is_none_or(|near| near.abs_diff(seq) < CLOSE);
    i64_at(bytes, 8).is_some_and(is_close) && matches!(parse(bytes), Parsed::Frame { .. })
}

/// The body of a parsed frame.
pub fn body(frame: &[u8]) -> &[u8] {
    frame.get(FRAME_HEADER..).unwrap_or_default()
}
