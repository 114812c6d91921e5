//! What was really tracked: every record that a process accepted, and what the database held before.

mod numbers;
mod old;
mod record;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bson::oid::ObjectId;
use bson::{RawDocumentBuf, rawdoc};

use super::options::{config, own_counter};
use super::scenario::{Call, CallKind, Scenario};
use super::server::{Daily, State};
use crate::instance::incarnation::Incarnation;
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::record::frame::testing::{frame, priced};
use crate::record::purchase::Price;
use crate::store::Delta;
use numbers::Numbers;
use old::old_state;
use record::place_of;
pub use record::{KEYED, KEYED_EVENT, Record, What, digit, is_purchase};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// 2026-11-02: the next day is of the same month.
const IN_NOVEMBER_MS: i64 = 1_793_577_600_000;
/// 2027-02-28: the next day is not.
const END_OF_FEBRUARY_MS: i64 = 1_803_772_800_000;
/// A process numbers its records from a multiple of this.
const NUMBERS: i64 = 1 << 20;
const SESSION_EVENT: [u8; 2] = [2, 3];

#[derive(Debug, Default)]
struct Process {
    last_number: i64,
    /// Who is logged in: with which record, when.
    active: HashMap<String, (i32, i64, String)>,
    /// The last record of each group whose totals it has sent, by queue.
    groups: HashMap<String, BTreeSet<i64>>,
    /// Its present one is the last.
    incarnations: Vec<Incarnation>,
    /// Records that were not settled when it died.
    left: Option<u64>,
    /// Of so many of its records it has said that their totals are missing.
    uncertain: u64,
}

pub struct Truth {
    pub initial: State,
    pub days: [Day; 2],
    pub records: Vec<Record>,
    processes: Vec<Process>,
    /// Records whose totals were lost when a backup was put back.
    pub restored: BTreeSet<i32>,
    pub is_restored: bool,
    /// The sessions that were open when their process was claimed.
    pub left: BTreeSet<ObjectId>,
    pub numbers: Numbers,
    /// Another process has added under the id of one.
    pub is_clashed: bool,
    eve_ms: i64,
}

impl Truth {
    pub fn new(scenario: &Scenario) -> Truth {
        let eve_ms = match scenario.month_ends {
            true => END_OF_FEBRUARY_MS,
            false => IN_NOVEMBER_MS,
        };
        Truth {
            initial: old_state(scenario, eve_ms),
            days: [Day::of(eve_ms), Day::of(eve_ms + DAY_MS)],
            records: Vec::new(),
            processes: Vec::new(),
            restored: BTreeSet::new(),
            is_restored: false,
            left: BTreeSet::new(),
            numbers: Numbers::default(),
            is_clashed: false,
            eve_ms,
        }
    }

    /// Whether a month ends between the two days.
    pub fn month_ends(&self) -> bool {
        self.days[0].month() != self.days[1].month()
    }

    /// The last moment of a day of the run, as the host's clock shows it.
    pub fn evening_ms(&self, day: usize) -> i64 {
        self.eve_ms + day as i64 * DAY_MS + 23 * HOUR_MS
    }

    pub fn new_process(&mut self) -> usize {
        self.processes.push(Process::default());
        self.processes.len() - 1
    }

    /// Whether it is a new one.
    pub fn note_incarnation(&mut self, process: usize, incarnation: Incarnation) -> bool {
        let known = &mut self.processes[process].incarnations;
        let is_new = known.last() != Some(&incarnation);
        known.extend(is_new.then_some(incarnation));
        is_new
    }

    /// The present incarnation of the process with this number, round and round.
    pub fn incarnation(&self, process: usize) -> Option<Incarnation> {
        let process = self.processes.get(process % self.processes.len())?;
        process.incarnations.last().copied()
    }

    pub fn bury(&mut self, process: usize, left: u64) {
        self.processes[process].left = Some(left);
    }

    pub fn is_dead(&self, process: usize) -> bool {
        self.processes[process].left.is_some()
    }

    /// The moment of the record so many before the newest, by a host's clock, or just after it.
    pub fn recently_ms(&self, back: usize, morrow: bool) -> i64 {
        let id = (self.records.len() - self.records.len().min(back)) as i64;
        let after = if back.is_multiple_of(2) { 5_000 } else { 0 };
        self.eve_ms + i64::from(morrow) * DAY_MS + 8 * HOUR_MS + id * 10_000 + after
    }

    /// The logins whose players are connected to processes that live.
    pub fn connected(&self) -> BTreeSet<i32> {
        let living = self.processes.iter().filter(|one| one.left.is_none());
        let active = living.flat_map(|process| process.active.values());
        active.map(|(login, ..)| *login).collect()
    }

    /// It has said of so many records that their totals are missing; it may only after a backup was put back,
    /// and where another has added under its id.
    pub fn note_uncertain(&mut self, process: usize, records: u64) {
        self.processes[process].uncertain = records;
    }

    /// Whether the totals of a record may be missing although its process lives.
    pub fn is_excused(&self, record: &Record) -> bool {
        self.restored.contains(&record.id)
            || self.is_restored && self.processes[record.process].uncertain > 0
    }

    /// The processes that died, with what each had not settled.
    pub fn dead(&self) -> impl Iterator<Item = (usize, u64)> {
        let processes = self.processes.iter().enumerate();
        processes.filter_map(|(process, facts)| Some((process, facts.left?)))
    }

    /// Of how many records of which process the totals may be missing.
    pub fn untotalled(&self) -> BTreeMap<usize, u64> {
        let processes = self.processes.iter().enumerate();
        let missing = processes.map(|(process, facts)| match (self.is_clashed, facts.left) {
            (false, left) => (process, left.unwrap_or(0)),
            (true, None) => (process, facts.uncertain),
            // Nobody knows of how many it had said so.
            (true, Some(_)) => (process, u64::MAX),
        });
        missing.collect()
    }

    /// The records under the id of a slot on a day, with numbers after `previous` up to `last`, which `process`
    /// adds.
    pub fn numbered(
        &mut self,
        process: usize,
        writer: &str,
        day: &str,
        previous: Option<i64>,
        last: i64,
    ) -> Option<BTreeSet<i32>> {
        let (_, queue) = writer.split_once('.')?;
        let range = self.numbers.range(process, writer, previous, last)?;
        let is_meant = |record: &&Record| {
            let is_of_queue = record.day == day && record.queue() == queue;
            is_of_queue && range.holds(record)
        };
        let records = self.records.iter().filter(is_meant);
        Some(records.map(|record| record.id).collect())
    }

    /// The records of a queue of a process on a day that a group up to `last` holds: those after its group
    /// before.
    pub fn group(&mut self, process: usize, writer: &str, day: &str, last: i64) -> BTreeSet<i32> {
        let last = last % NUMBERS;
        let (_, queue) = writer.split_once('.').expect("a queue");
        let groups = &mut self.processes[process].groups;
        let groups = groups.entry(queue.to_owned()).or_default();
        groups.insert(last);
        let before = groups.range(..last).next_back().copied().unwrap_or(0);
        let records = self.records.iter().filter(|record| {
            record.process == process
                && record.day == day
                && record.queue() == queue
                && (before + 1..=last).contains(&record.number)
        });
        records.map(|record| record.id).collect()
    }

    /// The number that a record has in the entries of its writer, given a later one.
    pub fn seq(&self, id: i32, later: i64) -> i64 {
        later - later % NUMBERS + self.record(id).number
    }

    /// What these records add, but for distinct users.
    pub fn delta(&self, ids: &BTreeSet<i32>) -> Delta {
        let mut daily = Daily::default();
        let mut delta = Delta::default();
        for id in ids {
            daily.add(&self.record(*id).delta());
        }
        for (counter, total) in daily.totals {
            delta.add(counter, total);
        }
        delta.session_seconds = daily.sums.session_seconds;
        delta.sessions_closed = daily.sums.sessions_closed;
        delta
    }

    pub fn record(&self, id: i32) -> &Record {
        &self.records[id as usize - 1]
    }

    /// Takes down a call, and returns its frame.
    pub fn track(&mut self, process: usize, call: &Call) -> Vec<u8> {
        let user = user(call.user);
        let id = self.records.len() as i32 + 1;
        let time_ms = self.time_ms(call, id);
        match call.kind {
            CallKind::Event(kind, stored) => self.event(process, &user, time_ms, kind, stored),
            CallKind::Keyed(key, amount) => self.keyed(process, &user, time_ms, key, amount),
            CallKind::Login => {
                let day = Day::of(time_ms).as_str().to_owned();
                let active = &mut self.processes[process].active;
                active.insert(user.clone(), (id, time_ms, day.clone()));
                let frame = session_frame(SESSION_EVENT[0], time_ms, &user, id);
                self.note(process, day, What::Login { user });
                frame
            }
            CallKind::Logout { at_once } => self.logout(process, &user, time_ms, at_once),
        }
    }

    fn event(
        &mut self,
        process: usize,
        user: &str,
        time_ms: i64,
        kind: u8,
        stored: bool,
    ) -> Vec<u8> {
        let counter = match kind % 3 {
            0 => Counter::CreditsEarned,
            1 => Counter::GemsSpent,
            _ => own_counter(),
        };
        let index = config(process).counters.index(counter).expect("known");
        let amount = f64::from(kind);
        let id = self.note(
            process,
            Day::of(time_ms).as_str().to_owned(),
            What::Event {
                counter,
                amount,
                stored,
            },
        );
        let document = rawdoc! { "userId": user, "event": "unkeyed", "record": id };
        let elements = elements_of(&document);
        let frame = frame(1, u8::from(stored), index, time_ms, amount, elements);
        self.with_price(id, frame, amount)
    }

    fn with_price(&self, id: i32, frame: Vec<u8>, cents: f64) -> Vec<u8> {
        let price = Price {
            cents,
            currency: None,
        };
        match self.record(id).is_purchase() {
            true => priced(frame, price),
            false => frame,
        }
    }

    fn keyed(&mut self, process: usize, user: &str, time_ms: i64, key: u8, amount: u8) -> Vec<u8> {
        let day = Day::of(time_ms).as_str().to_owned();
        let id = self.note(process, day, What::Keyed { key });
        let document = rawdoc! {
            "userId": user, "event": KEYED_EVENT, "dedupeKey": key.to_string(), "record": id,
        };
        let elements = elements_of(&document);
        let amount = place_of(key) * f64::from(amount + 1);
        let index = config(process).counters.index(KEYED).expect("known");
        let frame = frame(1, 1, index, time_ms, amount, elements);
        self.with_price(id, frame, amount)
    }

    fn logout(&mut self, process: usize, user: &str, time_ms: i64, at_once: bool) -> Vec<u8> {
        let Some((login, login_ms, day)) = self.processes[process].active.remove(user) else {
            return session_frame(SESSION_EVENT[1], time_ms, user, 0);
        };
        let logout_ms = if at_once { login_ms } else { time_ms };
        // Of a host whose clock went back it lasts no time.
        let seconds = ((logout_ms - login_ms) / 1000).max(0) as f64;
        let what = What::Logout {
            login,
            logout_ms,
            seconds,
        };
        let id = self.note(process, day, what);
        session_frame(SESSION_EVENT[1], logout_ms, user, id)
    }

    fn note(&mut self, process: usize, day: String, what: What) -> i32 {
        let id = self.records.len() as i32 + 1;
        let number = &mut self.processes[process].last_number;
        *number += 1;
        self.records.push(Record {
            id,
            process,
            number: *number,
            day,
            what,
        });
        id
    }

    /// Whole seconds, later with each record; a slow clock is behind the sessions of before.
    fn time_ms(&self, call: &Call, id: i32) -> i64 {
        let hour = if call.slow_clock { 2 } else { 8 };
        let day = i64::from(call.morrow) * DAY_MS;
        self.eve_ms + day + hour * HOUR_MS + i64::from(id) * 10_000
    }

    /// The users of these days before the run.
    pub fn old_users(&self, of: impl Fn(&str) -> bool) -> BTreeSet<&str> {
        let old = self.initial.sessions.values().filter(|s| of(&s.day));
        old.map(|session| session.user.as_str()).collect()
    }
}

fn user(number: u8) -> String {
    format!("u{number}")
}

fn elements_of(document: &RawDocumentBuf) -> &[u8] {
    let bytes = document.as_bytes();
    &bytes[4..bytes.len() - 1]
}

fn session_frame(kind: u8, time_ms: i64, user: &str, id: i32) -> Vec<u8> {
    let document = rawdoc! { "userId": user, "record": id };
    frame(kind, 1, 0, time_ms, 0.0, elements_of(&document))
}
