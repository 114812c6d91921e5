//! How what is written gets into the totals exactly once, without transactions.
//!
//! **Who writes.** Each process has a writer id and numbers its records upwards; no number is used twice
//! under one id ([`Numbering`]). An id, a day, `_id` and amount are given to a record once, when it is
//! handed over, and stay through every retry. All writes ask for `{w: 'majority', j: true}`, and
//! book-keeping is read with read concern `majority`: what a fail-over could take back is not believed.
//!
//! **The group.** Totals are added in groups of records up to a number `last`, one group at a time:
//!
//! * **A** Events and sessions are inserted under their own `_id`; a duplicate `_id` is one of ours,
//!   stored by an earlier attempt. A session is closed by an update that matches it open, or closed at
//!   this very moment: matched counts, whether it was the first time or not (`super::sessions`). No
//!   session of a day is written before it is known what the day held before (`baseline`). A record counts
//!   in a group only when it and all before it are stored, so totals lag and never lead.
//! * **B** makes sure the daily document exists.
//! * **C** adds, in one atomic update, the group's amounts and moves this writer's entry, `_a.w.<id>`,
//!   from the last record it applied there to `last`. It matches only while the entry still stands where
//!   we believe it to, so a repeated, late or doubled request changes nothing.
//! * If C matched nothing or its answer was lost, the entry is read. At `last`: applied. Where it was
//!   before: send C again. Behind that: a backup was put back; go on from there. Ahead of anything we
//!   sent, or in between: somebody else writes under our id; this group stays out of the totals, is
//!   reported, and we go on under a new id.
//! * **D** a read may lag behind, just after an election above all. So before anything but "where it was
//!   before" is believed, a durable no-op that matches the entry proves that a majority holds it.
//!
//! Nothing of a group is forgotten before C or D of all its days.
//!
//! **Users.** Who logs in gets a marker for the day and one for the month, inserted if none is there; it
//! says which writer's which record made it. New in a group are those whose marker it made, so the
//! number is the same however often it is asked for ([`Users`]). It travels in the same C. Users are
//! remembered as known only after it, else a lost group would leave one uncounted.
//!
//! **What others left.** Records that a process before us left in its spool are added under its id, and
//! it may have sent some of them, grouped otherwise, in a request that is still under way. So of such a
//! group it is known what each record adds: where the entry stands in the middle of the group, the rest
//! is added; where it stands at the end or behind it, everything is. An id that was used before is
//! asked for first on each day where it stands.
//!
//! **Why not less.** An upsert with a guard applies a first write twice when two writers race; a guard
//! that only asks for a smaller number, sums that are set, or a day that is recounted go wrong when a
//! request arrives late or a group is cut anew. The model test keeps each of these designs, and must
//! find what is wrong in it.

use std::collections::HashMap;
use std::sync::Arc;

use super::numbering::{Numbering, new_writer};
use super::sessions::Baselines;
#[cfg(test)]
use super::tests::hooks;
use super::totals::{Contribution, DayPart, Group, Progress};
use super::users::Users;
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::store::{Added, AppliedSeq, Delta, Result, SeqAdvance, Store, StoreError};
use crate::util::failpoint::failpoint;

/// This process as a writer of totals: who it is and where it stands.
#[derive(Clone)]
pub struct Ledger {
    numbering: Numbering,
    days: HashMap<Day, DayEntry>,
    users: Users,
}

#[derive(Debug, Clone, Copy)]
struct DayEntry {
    exists: bool,
    /// The last record of ours that the day holds.
    previous: Option<i64>,
    /// False until it was asked for, where others may have written under the id.
    is_known: bool,
    /// Known from another place, which this one may have nothing of.
    is_from_elsewhere: bool,
}

/// How often C is sent before the group is put off. Once more than it takes where the daily document
/// was deleted or a backup put back.
const SENDS: u32 = 3;

/// What is known of a group beside its parts.
struct Whole {
    first: i64,
    last: i64,
    left: Option<Vec<Contribution>>,
}

impl Whole {
    /// By a process before us.
    fn is_left(&self) -> bool {
        self.left.is_some()
    }

    /// What the records after this one add to a day.
    fn rest_of(&self, day: &Day, applied_seq: i64) -> DayPart {
        let mut rest = DayPart::default();
        let all = self.left.iter().flatten();
        for one in all.filter(|one| one.day == *day && one.seq > applied_seq) {
            rest.add(one);
        }
        rest
    }
}

/// What became of a group on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Applied,
    /// The day stands where nobody but us should bring it: somebody else writes under our id, or this
    /// attempt was given up and later ones have gone on. What was applied on the group's other days
    /// cannot be told any more either, least of all under a new id.
    Overtaken,
}

/// Remarks on a group that was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Counters that did not take their amount, by day: not a number, or beyond 2^53.
    pub left_out: Vec<(String, &'static str)>,
    /// Days that stood further back than this writer had brought them.
    pub restored: Vec<String>,
    /// Days whose share of the group stays out of the totals, and how many records that is.
    pub uncertain: Vec<(String, u64)>,
    /// How often C matched nothing.
    pub misses: u64,
}

impl Ledger {
    pub fn new(numbering: Numbering, baselines: Arc<Baselines>) -> Self {
        Self {
            numbering,
            days: HashMap::new(),
            users: Users::new(baselines),
        }
    }

    pub fn writer(&self) -> &str {
        &self.numbering.writer
    }

    /// Adds the group to its days. After an error it is called again with the same group.
    pub async fn write<S: Store>(
        &mut self,
        store: &S,
        group: &mut Group,
        remarks: &mut Remarks,
    ) -> Result<()> {
        let whole = Whole {
            first: group.first,
            last: group.last,
            left: group.left_by_others.take(),
        };
        let outcome = self.write_days(store, group, &whole, remarks).await;
        group.left_by_others = whole.left;
        outcome
    }

    async fn write_days<S: Store>(
        &mut self,
        store: &S,
        group: &mut Group,
        whole: &Whole,
        remarks: &mut Remarks,
    ) -> Result<()> {
        for (day, counter) in std::mem::take(&mut group.left_out) {
            remarks
                .left_out
                .push((day.as_str().to_owned(), counter.field()));
        }
        let mut fate = Fate::Applied;
        let open = |part: &DayPart| part.progress != Progress::Done;
        for (day, part) in group.days.iter_mut().filter(|(_, part)| open(part)) {
            if fate == Fate::Applied {
                fate = self.write_day(store, day, part, whole, remarks).await?;
            }
            match fate {
                Fate::Applied => self.users.know(day, &part.users),
                Fate::Overtaken => {
                    let records = part.records;
                    remarks.uncertain.push((day.as_str().to_owned(), records));
                }
            }
            part.progress = Progress::Done;
        }
        if fate == Fate::Overtaken {
            self.change_writer();
        }
        Ok(())
    }

    async fn write_day<S: Store>(
        &mut self,
        store: &S,
        day: &Day,
        part: &mut DayPart,
        whole: &Whole,
        remarks: &mut Remarks,
    ) -> Result<Fate> {
        for _ in 0..SENDS {
            let is_uncertain = part.progress == Progress::Uncertain || !self.entry(day).is_known;
            if is_uncertain
                && let Some(fate) = self.settle(store, day, part, whole, remarks).await?
            {
                return Ok(fate);
            }
            if self.holds_all_of(day, whole) {
                return Ok(Fate::Applied);
            }
            self.leave_out_what_is_added(day, part, whole);
            if !self.entry(day).exists {
                store.ensure_day(day).await?;
                self.entry(day).exists = true;
            }
            failpoint!("day:after");
            let delta = self.with_new_users(store, day, part, whole.last).await?;
            failpoint!("add:before");
            part.progress = Progress::Uncertain;
            let advance = self.advance(day, whole.last);
            let added = store.add(day, advance, &delta).await?;
            failpoint!("add:after");
            if let Added::Applied { left_out } = added {
                self.moved_to(day, Some(whole.last));
                let fields = left_out.iter().map(|counter| counter.field());
                remarks
                    .left_out
                    .extend(fields.map(|field| (day.as_str().to_owned(), field)));
                return Ok(Fate::Applied);
            }
            remarks.misses += 1;
        }
        let problem = format!("the totals of {} change beneath us", day.as_str());
        Err(StoreError::transient(problem))
    }

    /// Whether a day holds a group that was left, which it may although we did not add it.
    fn holds_all_of(&mut self, day: &Day, whole: &Whole) -> bool {
        whole.is_left() && self.entry(day).previous >= Some(whole.last)
    }

    /// A request of the dead may have added the first records of a group that was left.
    fn leave_out_what_is_added(&mut self, day: &Day, part: &mut DayPart, whole: &Whole) {
        let previous = self.entry(day).previous;
        let Some(previous) = previous.filter(|seq| whole.is_left() && *seq >= whole.first) else {
            return;
        };
        #[cfg(test)]
        {
            hooks::note(hooks::Sight::RestAdded);
            if hooks::has(hooks::Flaw::LeftGroupSentWhole) {
                return;
            }
        }
        *part = whole.rest_of(day, previous);
    }

    /// Finds out what became of an uncertain C; `None` when it is to be sent again.
    async fn settle<S: Store>(
        &mut self,
        store: &S,
        day: &Day,
        part: &mut DayPart,
        whole: &Whole,
        remarks: &mut Remarks,
    ) -> Result<Option<Fate>> {
        let entry = *self.entry(day);
        let previous = entry.previous;
        let applied_seq = match store.applied_seq(day, self.writer()).await? {
            AppliedSeq::NoDocument => {
                store.ensure_day(day).await?;
                None
            }
            AppliedSeq::At(applied_seq) => applied_seq,
        };
        if applied_seq == previous && entry.is_known {
            part.progress = Progress::Open;
            return Ok(None);
        }
        if !store.confirm(day, self.writer(), applied_seq).await? {
            // The read lagged behind, or a late request was applied since.
            let problem = format!("a majority does not yet agree on {}", day.as_str());
            return Err(StoreError::transient(problem));
        }
        let is_done =
            applied_seq == Some(whole.last) || whole.is_left() && applied_seq > Some(whole.last);
        if is_done {
            self.moved_to(day, applied_seq);
            return Ok(Some(Fate::Applied));
        }
        // Where we stood in another place says nothing of where we left this one before.
        let is_sure = entry.is_known && !entry.is_from_elsewhere;
        let is_before = applied_seq < Some(whole.first);
        if applied_seq > previous && !whole.is_left() && (is_sure || !is_before) {
            return Ok(Some(Fate::Overtaken));
        }
        if is_sure && applied_seq < previous {
            remarks.restored.push(day.as_str().to_owned());
        }
        self.moved_to(day, applied_seq);
        part.progress = Progress::Open;
        Ok(None)
    }

    fn moved_to(&mut self, day: &Day, applied_seq: Option<i64>) {
        *self.entry(day) = DayEntry {
            exists: true,
            previous: applied_seq,
            is_known: true,
            is_from_elsewhere: false,
        };
    }

    fn entry(&mut self, day: &Day) -> &mut DayEntry {
        let is_known = self.numbering.is_new;
        self.days.entry(day.clone()).or_insert(DayEntry {
            exists: false,
            previous: None,
            is_known,
            is_from_elsewhere: false,
        })
    }

    /// The host has gone elsewhere while a group's outcome was unknown. That may be the same database
    /// by another name, so the id and the entries stay, and the group finds out where it stands.
    pub fn relocate(&mut self, baselines: Arc<Baselines>) {
        self.users = Users::new(baselines);
        let entries = self.days.values_mut();
        entries.for_each(|entry| entry.is_from_elsewhere = true);
    }

    fn change_writer(&mut self) {
        self.numbering.writer = new_writer();
        self.numbering.is_new = true;
        self.days.clear();
        self.users.forget();
    }

    /// The part's amounts, with the users who are new on the day and in the month.
    async fn with_new_users<S: Store>(
        &self,
        store: &S,
        day: &Day,
        part: &DayPart,
        last: i64,
    ) -> Result<Delta> {
        let advance = self.advance(day, last);
        let new = self
            .users
            .new_ones(store, day, &part.users, advance)
            .await?;
        let mut delta = part.delta.clone();
        if new.of_day > 0 {
            delta.add(Counter::Dau, new.of_day as f64);
        }
        delta.mau += new.of_month as f64;
        Ok(delta)
    }

    fn advance(&self, day: &Day, last: i64) -> SeqAdvance<'_> {
        SeqAdvance {
            writer: self.writer(),
            previous: self.days.get(day).and_then(|entry| entry.previous),
            last,
        }
    }
}

/// How far an attempt at a group has come.
pub struct Attempted {
    pub ledger: Box<Ledger>,
    pub group: Group,
    pub remarks: Remarks,
    pub outcome: Result<()>,
}

/// One attempt at a group; an error when it was given up. What such an attempt does later changes
/// nothing: it stands on copies, and its C matches only if no other did.
pub async fn attempt<S: Store>(
    store: Arc<S>,
    mut ledger: Box<Ledger>,
    mut group: Group,
) -> Result<Attempted> {
    super::attempt::attempt(async move {
        let mut remarks = Remarks::default();
        let outcome = ledger.write(store.as_ref(), &mut group, &mut remarks).await;
        Ok(Attempted {
            ledger,
            group,
            remarks,
            outcome,
        })
    })
    .await
}
