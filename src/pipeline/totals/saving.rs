//! Saving: totals that cannot be added for long are kept on disk, so that their records need not stay there; and a
//! process after this one adds them.

use tokio::time::Instant;

use super::Totals;
use super::account::Account;
use super::saved::{SavedQueue, SavedTotals};
use crate::pipeline::messages;
use crate::pipeline::watermarks::{QUEUES, Queue, Stage, Watermarks};
use crate::spool::{KeptTotals, Segments, shares_file};

impl Totals {
    /// Takes the totals that a process before this one has saved.
    pub fn load(&mut self, segments: &mut Segments) {
        segments.slot().path().clone_into(&mut self.folder);
        let saved = segments.take_totals().map(SavedTotals::read);
        let is_unreadable = saved.as_ref().is_some_and(Result::is_err);
        if is_unreadable || segments.slot().are_totals_damaged() {
            let log = &self.shared.log;
            log.warn(messages::saved_totals_lost(segments.slot().path()));
        }
        let Some(Ok(saved)) = saved else {
            return;
        };
        self.savings.has_file = true;
        for (account, queue) in self.accounts.iter_mut().zip(saved.queues) {
            self.savings.up_to.push(queue.up_to);
            let mut batches = queue.batches(&self.folder);
            // The others were added, or left out, under the id before.
            batches.retain(|batch| batch.last > account.writer.after);
            for batch in &batches {
                self.shared.health.accept(batch.records);
                self.shared.memory.occupy(batch.bytes());
                self.shared
                    .note_spool(|spool| spool.recovered += batch.records);
            }
            account.load(batches);
        }
    }

    /// Every record of a queue up to this one is in the totals, or saved on disk.
    pub fn saved_up_to(&self, queue: Queue) -> i64 {
        let up_to = self.savings.up_to.get(queue as usize);
        up_to.copied().unwrap_or(0)
    }

    /// Every record of a queue up to this one is done or saved, as a process before this one has kept it on disk.
    pub fn done_before(&self, queue: Queue) -> i64 {
        self.saved_up_to(queue)
            .max(self.accounts[queue as usize].writer.after)
    }

    /// Whether saved totals are on disk.
    pub fn are_saved(&self) -> bool {
        self.savings.has_file
    }

    /// What the disk should keep now, if that is something else than before: totals that cannot be added for
    /// long, so that their records need not stay there; and nothing, once they are added.
    pub fn save(&mut self, marks: &Watermarks, now: Instant) -> Option<Option<KeptTotals>> {
        for queue in Queue::ALL {
            if self.first_uncommitted(queue).is_none() {
                self.savings.progressed_at[queue as usize] = now;
            }
        }
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if is_due(self.save_due(marks)) {
            let written = Queue::ALL.map(|queue| marks.get(Stage::Written(queue)));
            self.savings.begin(written.to_vec(), now);
            let less = self.accounts.iter_mut().map(Account::close).sum();
            self.shared.memory.release(less);
            // Sums and names always make a document.
            let kept = self.to_keep(written).ok();
            if kept.is_none() {
                self.saved(false);
            }
            return kept.map(Some);
        }
        if is_due(self.removal_due()) {
            self.savings.begin(Vec::new(), now);
            return Some(None);
        }
        None
    }

    /// Everything that is closed; records are written up to these.
    fn to_keep(&self, written: [i64; QUEUES]) -> bson::error::Result<KeptTotals> {
        let batches = self.accounts.iter().flat_map(Account::batches);
        let (mut shares, mut files) = (Vec::new(), Vec::new());
        for recovered in batches.filter_map(|batch| batch.recovered.as_ref()) {
            shares.extend(recovered.begin_saving(|| shares_file::new_path(&self.folder))?);
            files.extend(recovered.files());
        }
        let accounts = self.accounts.iter().zip(written);
        let queues = accounts
            .map(|(account, up_to)| SavedQueue::new(up_to, &account.batches().collect::<Vec<_>>()))
            .collect();
        let totals = SavedTotals { queues };
        Ok(KeptTotals {
            version: totals.version(),
            totals: totals.to_document()?,
            shares,
            files,
        })
    }

    /// When totals that wait are to be saved.
    fn save_due(&self, marks: &Watermarks) -> Option<Instant> {
        let is_more = |queue: &Queue| {
            let written = marks.get(Stage::Written(*queue));
            self.first_uncommitted(*queue).is_some() && written > self.saved_up_to(*queue)
        };
        let queues = Queue::ALL.into_iter().filter(is_more);
        let due = |queue| {
            let unsaved_bytes = self.accounts[queue as usize].unsaved_bytes();
            let are_too_many = unsaved_bytes >= self.shared.memory.unsaved_bytes;
            self.savings.due_at(queue, are_too_many)
        };
        queues.filter_map(due).min()
    }

    /// When the file is to be removed: everything that it holds is added.
    fn removal_due(&self) -> Option<Instant> {
        let is_added = |queue| {
            let first = self.first_uncommitted(queue);
            first.is_none_or(|seq| seq > self.saved_up_to(queue))
        };
        let is_done = Queue::ALL.into_iter().all(is_added);
        self.savings.removal_at().filter(|_| is_done)
    }

    /// The disk has taken what it should keep, or has not.
    pub fn saved(&mut self, is_done: bool) {
        self.savings.end(is_done);
        let batches = self.accounts.iter().flat_map(Account::batches);
        let recovered = batches.filter_map(|batch| batch.recovered.as_ref());
        let less = recovered.map(|one| one.end_saving(is_done)).sum();
        self.shared.memory.release(less);
    }

    /// When totals are to be saved, or their file is to be removed.
    pub fn save_at(&self, marks: &Watermarks) -> Option<Instant> {
        let dues = [self.save_due(marks), self.removal_due()];
        dues.into_iter().flatten().min()
    }
}
