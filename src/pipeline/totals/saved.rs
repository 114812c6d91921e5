//! Saved totals: the content of the totals file. It holds every batch that is closed: a batch in it is added
//! as it is there, or not at all, by this process and by those after it; but one of recovered contributions, of
//! which a part may have been added before.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use bson::Document;
use serde::{Deserialize, Serialize};

use super::batch::{DayPart, TotalsBatch};
use super::recovered::Recovered;
use super::shares::Share;
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::spool::Version;

/// In the order of the queues.
#[derive(Serialize, Deserialize)]
pub struct SavedTotals {
    pub queues: Vec<SavedQueue>,
}

#[derive(Serialize, Deserialize)]
pub struct SavedQueue {
    /// Every record up to this one is in the totals, or in one of the batches.
    pub up_to: i64,
    batches: Vec<SavedBatch>,
}

#[derive(Serialize, Deserialize)]
struct SavedBatch {
    first: i64,
    last: i64,
    days: Vec<SavedDay>,
    /// The share files with its contributions one by one, if an earlier process had left them.
    files: Option<Vec<String>>,
    /// The contributions themselves, where a release before share files has saved it.
    #[serde(default, skip_serializing)]
    recovered: Option<Vec<Share>>,
}

#[derive(Serialize, Deserialize)]
struct SavedDay {
    day: String,
    records: i64,
    amounts: BTreeMap<String, f64>,
    session_seconds: f64,
    sessions_closed: f64,
    users: Vec<(String, i64)>,
}

impl SavedTotals {
    pub fn to_document(&self) -> bson::error::Result<Document> {
        bson::serialize_to_document(self)
    }

    /// The version that they need.
    pub fn version(&self) -> Version {
        let batches = self.queues.iter().flat_map(|queue| &queue.batches);
        batches.map(SavedBatch::version).max().unwrap_or_default()
    }

    pub fn read(document: Document) -> bson::error::Result<Self> {
        bson::deserialize_from_document(document)
    }
}

impl SavedQueue {
    pub fn new(up_to: i64, batches: &[&TotalsBatch]) -> Self {
        Self {
            up_to,
            batches: batches.iter().map(|batch| SavedBatch::of(batch)).collect(),
        }
    }

    /// The batches, as ones that a process before us has closed, with their files in this folder.
    pub fn batches(self, folder: &Path) -> VecDeque<TotalsBatch> {
        let batches = self.batches.into_iter();
        batches.map(|batch| batch.batch(folder)).collect()
    }
}

impl SavedBatch {
    fn of(batch: &TotalsBatch) -> Self {
        let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.to_owned());
        let files = batch.recovered.as_ref().map(Recovered::files);
        Self {
            first: batch.first,
            last: batch.last,
            days: batch.days.iter().map(SavedDay::of).collect(),
            files: files.map(|files| files.iter().filter_map(name).collect()),
            recovered: None,
        }
    }

    fn version(&self) -> Version {
        match self.files {
            Some(_) => Version::Third,
            None if self.has_own_counters() => Version::Second,
            None => Version::First,
        }
    }

    fn has_own_counters(&self) -> bool {
        let is_own = |field: &String| matches!(Counter::named(field), Some(Counter::Own(_)));
        let mut fields = self.days.iter().flat_map(|day| day.amounts.keys());
        fields.any(is_own)
    }

    fn batch(self, folder: &Path) -> TotalsBatch {
        if let Some(shares) = self.recovered {
            let mut batch = TotalsBatch::new(Some(Recovered::default()));
            for contribution in shares.into_iter().filter_map(Share::read) {
                batch.add(contribution);
            }
            return batch;
        }
        let days = self.days.into_iter().filter_map(SavedDay::read);
        let mut batch = TotalsBatch::whole(self.first, self.last, days.collect());
        if let Some(files) = self.files {
            let files = files.iter().map(|name| folder.join(name));
            batch.recovered = Some(Recovered::in_files(files.collect()));
            batch.is_whole = false;
        }
        batch
    }
}

impl SavedDay {
    fn of((day, part): (&Day, &DayPart)) -> Self {
        let amounts = part.delta.amounts();
        let users = part.users.iter();
        Self {
            day: day.as_str().to_owned(),
            records: part.records as i64,
            amounts: amounts
                .map(|(counter, amount)| (counter.field().to_owned(), amount))
                .collect(),
            session_seconds: part.delta.session_seconds,
            sessions_closed: part.delta.sessions_closed,
            users: users.map(|(user, seq)| (user.to_string(), *seq)).collect(),
        }
    }

    fn read(self) -> Option<(Day, DayPart)> {
        let mut part = DayPart {
            records: self.records as u64,
            ..DayPart::default()
        };
        for (field, amount) in self.amounts {
            part.delta.add(Counter::named(&field)?, amount);
        }
        part.delta.session_seconds = self.session_seconds;
        part.delta.sessions_closed = self.sessions_closed;
        let users = self.users.into_iter();
        part.users = users.map(|(user, seq)| (user.into(), seq)).collect();
        Some((Day::named(&self.day)?, part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::totals::Pending;
    use crate::pipeline::totals::contribution::{Amount, Contribution};

    #[test]
    fn batches_are_read_as_they_were_saved() {
        let day = Day::of(0);
        let one = |seq, amount| Contribution {
            seq,
            day: day.clone(),
            amount,
        };
        let all = [
            one(3, Amount::Counted(Counter::CreditsEarned, 0.1 + 0.2)),
            one(5, Amount::Login("ann".into())),
            one(
                8,
                Amount::Closed {
                    seconds: 61.0,
                    counted: 40.0,
                },
            ),
        ];
        let folder = Path::new("slot");
        for is_recovered in [false, true] {
            let mut pending = Pending::new();
            for contribution in &all {
                pending.add(contribution.clone(), is_recovered);
            }
            let batch = pending.take_batch();
            let recovered = batch.recovered.iter();
            for one in recovered {
                let path = || folder.join("1.shares");
                one.begin_saving(path).expect("documents").expect("a file");
                one.end_saving(true);
            }
            let queue = SavedQueue::new(9, &[&batch]);
            let saved = SavedTotals {
                queues: vec![queue],
            };
            let version = match is_recovered {
                true => Version::Third,
                false => Version::First,
            };
            assert_eq!(saved.version(), version);
            let document = saved.to_document().expect("a document");
            let saved = SavedTotals::read(document).expect("readable");
            let queue = saved.queues.into_iter().next().expect("a queue");
            assert_eq!(queue.up_to, 9);
            let read = queue.batches(folder).pop_front().expect("a batch");
            assert_eq!((read.first, read.last, read.records), (3, 8, 3));
            assert_eq!(
                (read.is_whole, read.bytes()),
                (!is_recovered, batch.bytes())
            );
            let [files, expected] =
                [&read, &batch].map(|batch| batch.recovered.as_ref().map(Recovered::files));
            assert_eq!(files, expected);
            assert_eq!(read.days[&day].delta, batch.days[&day].delta);
            assert_eq!(read.days[&day].users, batch.days[&day].users);
        }
    }
}
