//! The writer of totals: the id under which a process adds to the daily documents, and the number of its
//! first record. No number is used twice under one id. Each queue adds under a name of its own, `<id>.e`,
//! `<id>.i`, `<id>.o` and `<id>.k` for events, logins, logouts and events with a dedupe key, so that none
//! waits for another.

use crate::instance::context::Context;
use crate::pipeline::watermarks::Queue;
use crate::record::sequence::first_seq;
use crate::spool::Slot;

#[derive(Debug, Clone)]
pub struct Writer {
    pub id: String,
    /// Nobody has used the id before.
    pub is_new: bool,
    /// Whoever takes over the slot takes over the id.
    is_of_slot: bool,
    /// The number of the first record of this process; records before it are recovered ones.
    pub first: i64,
}

impl Writer {
    /// A writer without a slot: nobody will go on under its id.
    pub fn fresh(context: &Context) -> Self {
        Self {
            id: context.random.id(),
            is_new: true,
            is_of_slot: false,
            first: first_seq(context.clock.now_ms()) + 1,
        }
    }

    /// The writer of a claim, under which others may add the same.
    pub fn of_claim(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            is_new: false,
            is_of_slot: false,
            first: 0,
        }
    }

    pub fn of_slot(slot: &Slot) -> Self {
        Self {
            id: slot.writer().to_owned(),
            is_new: slot.is_new_writer(),
            is_of_slot: true,
            first: slot.first_seq(),
        }
    }

    /// The name under which a queue adds. It is a path in the daily document.
    pub fn name(id: &str, queue: Queue) -> String {
        let letter = match queue {
            Queue::Events => 'e',
            Queue::Logins => 'i',
            Queue::Logouts => 'o',
            Queue::Keyed => 'k',
        };
        format!("{id}.{letter}")
    }

    /// The writer after another process was found to write under the id.
    pub fn renamed(&self, context: &Context) -> Self {
        Self {
            id: context.random.id(),
            is_new: true,
            ..self.clone()
        }
    }

    /// The writer in another database. The id of a slot stays, and has to be looked up there first.
    pub fn in_next_database(&self, context: &Context) -> Self {
        match self.is_of_slot {
            true => Self {
                is_new: false,
                ..self.clone()
            },
            false => Self::fresh(context),
        }
    }
}
