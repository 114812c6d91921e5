//! The writer of totals: the id under which a process adds to the daily documents, and the number of its
//! first record. No number is used twice under one id. Each queue adds under a name of its own, `<id>.e`,
//! `<id>.i`, `<id>.o` and `<id>.k` for events, logins, logouts and events with a dedupe key, so that none
//! waits for another. All have the same id, until one has to go on under another.

use crate::instance::context::Context;
use crate::pipeline::watermarks::{QUEUES, Queue};
use crate::record::sequence::first_seq;
use crate::spool::{NextWriter, Slot};

#[derive(Debug, Clone)]
pub struct Writer {
    pub id: String,
    /// Nobody has used the id before.
    pub is_new: bool,
    /// Whoever takes over the slot takes over the id.
    pub is_of_slot: bool,
    /// The number of the first record of this process; records before it are recovered ones.
    pub first: i64,
    /// Records up to this one belong to an id that the queue had before: they are added, or left out.
    pub after: i64,
}

/// The names under which the queues add, in the order of [`Queue::ALL`].
pub type Names = [String; QUEUES];

impl Writer {
    /// A writer without a slot: nobody will go on under its id.
    pub fn fresh(context: &Context) -> Self {
        Self {
            id: context.random.id(),
            is_new: true,
            is_of_slot: false,
            first: first_seq(context.clock.now_ms()) + 1,
            after: 0,
        }
    }

    /// The writer of a claim, under which others may add the same.
    pub fn of_claim(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            is_new: false,
            is_of_slot: false,
            first: 0,
            after: 0,
        }
    }

    /// Those of all queues, in the order of [`Queue::ALL`].
    pub fn of_queues(context: &Context, slot: Option<&Slot>) -> [Self; QUEUES] {
        match slot {
            Some(slot) => Queue::ALL.map(|queue| Self::of_slot(slot, queue)),
            None => {
                let fresh = Self::fresh(context);
                Queue::ALL.map(|_| fresh.clone())
            }
        }
    }

    fn of_slot(slot: &Slot, queue: Queue) -> Self {
        let next = slot.next_writer(Self::letter(queue));
        Self {
            id: next.map_or(slot.writer(), |next| &next.writer).to_owned(),
            is_new: slot.is_new_writer(),
            is_of_slot: true,
            first: slot.first_seq(),
            after: next.map_or(0, |next| next.after),
        }
    }

    /// The name under which a queue adds. It is a path in the daily document.
    pub fn name(id: &str, queue: Queue) -> String {
        format!("{id}.{}", Self::letter(queue))
    }

    /// The end of the names of a queue.
    pub fn letter(queue: Queue) -> &'static str {
        match queue {
            Queue::Events => "e",
            Queue::Logins => "i",
            Queue::Logouts => "o",
            Queue::Keyed => "k",
        }
    }

    /// The writer after another process was found to add under the id.
    pub fn followed_by(&self, next: NextWriter) -> Self {
        Self {
            id: next.writer,
            is_new: true,
            after: next.after,
            ..self.clone()
        }
    }

    /// The writer in another database, where it is `fresh` without a slot. The id of a slot stays, and has to be
    /// looked up there first.
    pub fn in_next_database(&self, fresh: &Self) -> Self {
        match self.is_of_slot {
            true => Self {
                is_new: false,
                ..self.clone()
            },
            false => fresh.clone(),
        }
    }
}
