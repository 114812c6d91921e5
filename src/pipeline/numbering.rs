//! Who this process is to the totals.

use super::intake;
#[cfg(test)]
use super::tests::hooks;
use crate::spool::Slot;
use crate::util::random_id::random_id;

/// Under which id this process adds to totals, and how it numbers its records.
#[derive(Debug, Clone)]
pub struct Numbering {
    pub writer: String,
    /// Nobody has used the id before.
    pub is_new: bool,
    /// Whoever takes over the slot takes over the id.
    is_of_slot: bool,
    /// The number of the first record of this process; lower ones are of those before it.
    pub first: i64,
}

impl Numbering {
    /// Of a process that leaves nothing behind.
    pub fn fresh() -> Self {
        Self {
            writer: new_writer(),
            is_new: true,
            is_of_slot: false,
            first: intake::first_seq() + 1,
        }
    }

    /// At another place. The id of a slot stays, and is asked for there first.
    pub fn next(&self) -> Self {
        match self.is_of_slot {
            true => Self {
                is_new: false,
                ..self.clone()
            },
            false => Self::fresh(),
        }
    }

    pub fn of(slot: &Slot) -> Self {
        Self {
            writer: slot.writer().to_owned(),
            is_new: slot.is_new_writer(),
            is_of_slot: true,
            first: slot.first_seq(),
        }
    }
}

pub fn new_writer() -> String {
    #[cfg(test)]
    if let Some(writer) = hooks::writer() {
        return writer;
    }
    random_id()
}
