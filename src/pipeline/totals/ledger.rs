//! The ledger: totals are added to the daily documents exactly once, without transactions.
//!
//! **Writers.** Each process has a writer id and numbers its records upwards; no number is used twice
//! under one id ([`Writer`]). Each of its queues is a writer of its own, with a part of these numbers, and
//! what follows holds for each by itself. A record gets its id, day, `_id` and amount once, when it is handed over, and
//! keeps them through every retry. All writes ask for `{w: 'majority', j: true}`, and book-keeping is read
//! with read concern `majority`: the protocol relies on nothing that a fail-over could take back.
//!
//! **The batch.** Totals are added in batches of records up to a number `last`, one batch at a time:
//!
//! * **A** Events and sessions are inserted under their own `_id`; a duplicate `_id` is one of ours,
//!   stored by an earlier attempt. A session is closed by an update that matches it while it is open, or
//!   while it is closed at this very moment: a match counts, whether it was the first or not. No session
//!   of a day is written before the day's baseline is known. A record counts in a batch only when it and
//!   all records before it are stored, so totals lag and never lead.
//! * **B** makes sure that the daily document exists.
//! * **C** adds, in one atomic update, the batch's amounts, and moves this writer's entry, `_a.w.<name>`,
//!   from the last record that is applied there to `last`. It matches only while the entry still holds
//!   the number that we expect, so a repeated, late or doubled request changes nothing.
//! * If C matched nothing or its reply was lost, the entry is read. It holds `last`: C was applied. It
//!   holds the number from before: C is sent again. It holds a lower one: a backup was restored, and the
//!   ledger goes on from there. It holds a number that we never sent, or one in between: another process
//!   writes under our id; this batch stays out of the totals and is reported, and the ledger goes on
//!   under a new id.
//! * **D** A read may lag behind, above all just after an election. So before any answer but "the number
//!   from before" is relied upon, a durable no-op that matches the entry proves that a majority holds it.
//!
//! A batch is kept until C or D has succeeded on all its days.
//!
//! **Users.** A login inserts a marker for the user's day and one for the month, if none is there; it says
//! which record of which writer made it. New in a batch are the users whose marker it made, so the number
//! is the same however often it is asked for ([`Users`]). It travels in the same C. Users are remembered
//! as known only after C, else a lost batch would leave one uncounted. A user whose marker the server
//! refuses is left out and reported, and tried again with the next login; the others are counted.
//!
//! **Recovered records.** Records that a process before us has left in its spool are added under its id.
//! That process may have sent some of them, in other batches, in a request that is still under way. So a
//! recovered batch knows the share of each of its records: where the entry holds a number inside the
//! batch, the rest is added; where it holds the last or a higher one, all of it is applied. An id that was
//! used before is first looked up on each day. While totals cannot be added, these shares wait on disk, and
//! only their sum in memory ([`Recovered`]).
//!
//! **Why not less.** An upsert with a guard applies a first write twice when two writers race. A guard
//! that only asks for a smaller number, sums that are set, and a day that is recounted go wrong when a
//! request arrives late or a batch is cut differently. The model test keeps each of these designs, and
//! must find its fault.

use std::io::ErrorKind;
use std::sync::Arc;

use super::batch::{DayPart, Progress, TotalsBatch};
use super::contribution::Contribution;
use super::entries::Entries;
use super::existing_days::ExistingDays;
use super::recovered::Recovered;
use super::rules::Rules;
use super::users::Users;
use super::warnings::Warnings;
use super::writer::Writer;
use crate::instance::context::Context;
use crate::pipeline::legacy::Baselines;
use crate::pipeline::task;
use crate::pipeline::watermarks::Queue;
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::store::{Added, AppliedSeq, Delta, Result, SeqAdvance, Store, StoreError};
use crate::util::failpoint::failpoint;

/// The writer of this process, and the number of its last applied record on each day.
#[derive(Clone)]
pub struct Ledger {
    /// The name under which it adds.
    writer: String,
    entries: Entries,
    existing_days: ExistingDays,
    users: Users,
}

/// How often C is sent before the batch is put off: once more than it takes where the daily document was
/// deleted or a backup restored.
const SENDS: u32 = 3;

/// A batch without its days.
struct Whole {
    first: i64,
    last: i64,
    /// Its contributions, if a process before us has left them.
    recovered: Option<Recovered>,
    /// A process before us has closed it.
    is_whole: bool,
}

impl Whole {
    /// Whether a process before us may have added it.
    fn is_recovered(&self) -> bool {
        self.recovered.is_some() || self.is_whole
    }

    /// Whether the entry holds a number inside of a batch that is added as a whole.
    fn is_cut_at(&self, applied_seq: Option<i64>) -> bool {
        self.is_whole && applied_seq >= Some(self.first) && applied_seq < Some(self.last)
    }
}

/// The fate of a batch on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Applied,
    /// The entry holds a number that only we should write: another process writes under our id, or this
    /// attempt was given up and later ones have gone on. The fate on the batch's other days is unknown
    /// then, too, above all under a new id.
    Overtaken,
}

impl Ledger {
    pub fn new(
        context: Context,
        rules: Rules,
        writer: &Writer,
        queue: Queue,
        baselines: &Arc<Baselines>,
        existing_days: &ExistingDays,
    ) -> Self {
        Self {
            writer: Writer::name(&writer.id, queue),
            entries: Entries::of(writer),
            existing_days: existing_days.clone(),
            users: Users::new(context, rules, Arc::clone(baselines)),
        }
    }

    pub fn change_writer(&mut self, writer: &Writer, queue: Queue) {
        self.writer = Writer::name(&writer.id, queue);
        self.entries = Entries::of(writer);
        self.users.forget();
    }

    /// Adds the batch to its days. After an error it is called again with the same batch.
    pub async fn write<S: Store>(
        &mut self,
        store: &S,
        batch: &mut TotalsBatch,
        warnings: &mut Warnings,
    ) -> Result<()> {
        let whole = Whole {
            first: batch.first,
            last: batch.last,
            recovered: batch.recovered.clone(),
            is_whole: batch.is_whole,
        };
        for ((day, counter), times) in std::mem::take(&mut batch.left_out) {
            let left_out = (day.as_str().to_owned(), counter.field(), times);
            warnings.left_out.push(left_out);
        }
        let mut fate = Fate::Applied;
        let open = |part: &DayPart| part.progress != Progress::Done;
        for (day, part) in batch.days.iter_mut().filter(|(_, part)| open(part)) {
            if fate == Fate::Applied {
                fate = self.write_day(store, day, part, &whole, warnings).await?;
            }
            match fate {
                Fate::Applied => {
                    let DayPart { users, refused, .. } = &mut *part;
                    users.retain(|user, _| !refused.contains_key(user.as_ref()));
                    self.users.know(day, users);
                    warnings.refused_users.extend(refused.values().cloned());
                }
                Fate::Overtaken => {
                    part.refused.clear();
                    let records = part.records;
                    warnings.uncertain.push((day.as_str().to_owned(), records));
                }
            }
            part.progress = Progress::Done;
        }
        Ok(())
    }

    async fn write_day<S: Store>(
        &mut self,
        store: &S,
        day: &Day,
        part: &mut DayPart,
        whole: &Whole,
        warnings: &mut Warnings,
    ) -> Result<Fate> {
        for _ in 0..SENDS {
            let is_uncertain =
                part.progress == Progress::Uncertain || !self.entries.of_day(day).is_known;
            if is_uncertain
                && let Some(fate) = self.find_out(store, day, part, whole, warnings).await?
            {
                return Ok(fate);
            }
            if self.holds_all_of(day, whole) {
                return Ok(Fate::Applied);
            }
            if !self.leave_out_applied(day, part, whole, warnings).await? {
                return Ok(Fate::Overtaken);
            }
            self.existing_days.ensure(store, day).await?;
            failpoint!("day:after");
            let delta = self.with_new_users(store, day, part, whole.last).await?;
            failpoint!("add:before");
            part.progress = Progress::Uncertain;
            let advance = self.advance(day, whole.last);
            let added = store.add(day, advance, &delta).await?;
            failpoint!("add:after");
            if let Added::Applied { left_out } = added {
                self.entries.move_to(day, Some(whole.last));
                let fields = left_out.iter().map(|counter| counter.field());
                let day = day.as_str();
                warnings
                    .left_out
                    .extend(fields.map(|field| (day.to_owned(), field, 1)));
                return Ok(Fate::Applied);
            }
            warnings.cas_conflicts += 1;
        }
        let problem = format!("the totals of {} change beneath us", day.as_str());
        Err(StoreError::transient(problem))
    }

    /// Whether a day holds a recovered batch, which it may although we did not add it.
    fn holds_all_of(&self, day: &Day, whole: &Whole) -> bool {
        whole.is_recovered() && self.entries.previous(day) >= Some(whole.last)
    }

    /// A request of the crashed process may have added the first records of a recovered batch. False if it
    /// cannot be told any more what is left.
    async fn leave_out_applied(
        &self,
        day: &Day,
        part: &mut DayPart,
        whole: &Whole,
        warnings: &mut Warnings,
    ) -> Result<bool> {
        let Some(recovered) = &whole.recovered else {
            return Ok(true);
        };
        let Some(previous) = self.entries.previous(day).filter(|seq| *seq >= whole.first) else {
            return Ok(true);
        };
        let (mut left, rest) = (DayPart::default(), self.users.rules().rest);
        let each = |some: &[Contribution]| drop(left.merge(rest(some, day, previous)));
        match recovered.each(self.users.threads(), each).await {
            Ok(()) => {
                *part = left;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                warnings.unreadable.push(error.to_string());
                Ok(false)
            }
            Err(error) => Err(StoreError::transient(format!("shares on disk: {error}"))),
        }
    }

    /// Finds out the fate of an uncertain C; `None` when it is to be sent again.
    async fn find_out<S: Store>(
        &mut self,
        store: &S,
        day: &Day,
        part: &mut DayPart,
        whole: &Whole,
        warnings: &mut Warnings,
    ) -> Result<Option<Fate>> {
        let entry = self.entries.of_day(day);
        let previous = entry.previous;
        let applied_seq = match store.applied_seq(day, &self.writer).await? {
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
        if !store.confirm(day, &self.writer, applied_seq).await? {
            // The read lagged behind, or a late request was applied since.
            let problem = format!("a majority does not yet agree on {}", day.as_str());
            return Err(StoreError::transient(problem));
        }
        let is_done = applied_seq == Some(whole.last)
            || whole.is_recovered() && applied_seq > Some(whole.last);
        if is_done {
            self.entries.move_to(day, applied_seq);
            return Ok(Some(Fate::Applied));
        }
        // The entry in another database says nothing of the entry in this one.
        let is_sure = entry.is_known && !entry.is_from_elsewhere;
        let is_before = applied_seq < Some(whole.first);
        let is_ahead = applied_seq > previous && !whole.is_recovered() && (is_sure || !is_before);
        if is_ahead || whole.is_cut_at(applied_seq) {
            return Ok(Some(Fate::Overtaken));
        }
        if is_sure && applied_seq < previous {
            self.users.begin_anew(store).await?;
            warnings.restored.push(day.as_str().to_owned());
        }
        self.entries.move_to(day, applied_seq);
        part.progress = Progress::Open;
        Ok(None)
    }

    /// The database is left while the result of a batch is unknown. The next may be the same database by
    /// another name, so the id and the entries stay, and the batch finds out what is applied there.
    pub fn move_to(&mut self, next: Ledger) {
        (self.users, self.existing_days) = (next.users, next.existing_days);
        self.entries.take_elsewhere();
    }

    pub fn forget_user(&self, user: &str) {
        self.users.forget_user(user);
    }

    /// The collection of markers and baselines is another one. Days get their baselines again, and users who
    /// are counted their markers, unless the totals that count them are gone as well.
    pub async fn restore_uniques<S: Store>(&self, store: &S) -> Result<()> {
        self.users.baselines().restore(store).await?;
        for day in self.users.days() {
            let applied = store.applied_seq(&day, &self.writer).await?;
            let previous = self.entries.previous(&day);
            if let (Some(previous), AppliedSeq::At(Some(applied))) = (previous, applied)
                && applied >= previous
            {
                // Asked after the entry was read: a ledger that adds to a day that was removed has forgotten
                // its users before.
                let users = self.users.known_on(&day);
                let source = (self.writer.as_str(), previous);
                self.users.restore(store, &day, &users, source).await?;
            }
        }
        Ok(())
    }

    /// The part's amounts, with the users who are new on the day and in the month. Notes who is refused.
    async fn with_new_users<S: Store>(
        &self,
        store: &S,
        day: &Day,
        part: &mut DayPart,
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
        part.refused = new.refused;
        Ok(delta)
    }

    fn advance(&self, day: &Day, last: i64) -> SeqAdvance<'_> {
        SeqAdvance {
            writer: &self.writer,
            previous: self.entries.previous(day),
            last,
        }
    }
}

/// The result of one attempt at a batch.
pub struct Attempted {
    pub ledger: Box<Ledger>,
    pub batch: TotalsBatch,
    pub warnings: Warnings,
    pub result: Result<()>,
}

/// One attempt at a batch; an error when it was given up. An attempt that was given up changes nothing
/// later: it works on copies, and its C matches only if no other did.
pub async fn attempt<S: Store>(
    store: Arc<S>,
    mut ledger: Box<Ledger>,
    mut batch: TotalsBatch,
) -> Result<Attempted> {
    task::attempt(async move {
        let mut warnings = Warnings::default();
        let result = ledger
            .write(store.as_ref(), &mut batch, &mut warnings)
            .await;
        Ok(Attempted {
            ledger,
            batch,
            warnings,
            result,
        })
    })
    .await
}
