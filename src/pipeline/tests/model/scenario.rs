//! What a run of the model consists of: who does what, what the database held before, and what
//! becomes of each request.

use std::fmt;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

use crate::pipeline::watermarks::QUEUES;

/// Processes that write at once.
const MOST_PROCESSES: usize = 3;
const USERS: u8 = 4;
/// Dedupe keys, and the amounts with which an event comes under each.
pub const KEYS: u8 = 3;
pub const AMOUNTS: u8 = 3;

#[derive(Debug, Clone)]
pub struct Scenario {
    pub processes: usize,
    /// Whether they keep records on disk.
    pub spooled: bool,
    /// Whether a month ends between the two days.
    pub month_ends: bool,
    pub old: Vec<OldSession>,
    pub steps: Vec<Step>,
    /// In the order in which requests are sent; those after the last one are answered.
    pub fates: Vec<Fate>,
}

/// A session that the replaced class wrote.
#[derive(Debug, Clone)]
pub struct OldSession {
    pub day: OldDay,
    pub user: u8,
    /// `None` when it was never closed.
    pub seconds: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldDay {
    /// The first of the month in which the run begins.
    First,
    Eve,
    Morrow,
}

#[derive(Debug, Clone)]
pub enum Step {
    Track(usize, Vec<Call>),
    /// Time goes by, in ticks.
    Pass(u32),
    Flush(usize),
    /// Of the first day or the second.
    Metrics(usize, usize),
    TotalsDue(usize),
    /// The process dies, and another takes its place.
    Crash(usize),
    /// The process dies, and others must write what it left; if there are others.
    Die(usize),
    /// A process takes another for dead, which may be dead or alive: by the number of its start, last seen
    /// so many records ago, on the second day or the first.
    Close {
        by: usize,
        of: usize,
        back: usize,
        morrow: bool,
    },
    /// The process looks for a claim of itself.
    Thaw(usize),
    /// Another process adds under the id of this one, to a queue, on the second day or the first.
    Clash {
        with: usize,
        queue: usize,
        day: usize,
    },
    /// The host goes to the same database by another name.
    Move(usize),
    /// A backup of the daily documents is put back, as they were so many writes ago.
    Restore(usize),
}

/// One call of the host.
#[derive(Clone)]
pub struct Call {
    pub kind: CallKind,
    pub user: u8,
    /// The second day instead of the first.
    pub morrow: bool,
    /// The host's clock is behind the sessions that were there before.
    pub slow_clock: bool,
}

#[derive(Debug, Clone, Copy)]
pub enum CallKind {
    /// An amount, and whether the event is stored beside being counted.
    Event(u8, bool),
    /// An event with one of a few dedupe keys, and one of a few amounts.
    Keyed(u8, u8),
    Login,
    /// In the moment of its login, or later.
    Logout {
        at_once: bool,
    },
}

/// What becomes of one request.
#[derive(Clone)]
pub struct Fate {
    /// Ticks until it arrives.
    pub travel: u32,
    pub outcome: Outcome,
    /// If its reply does not say so, whether a majority has it all the same.
    pub durable: bool,
    /// Whether it still arrives when its process has died meanwhile.
    pub outlives: bool,
    /// Another server becomes primary before it arrives.
    pub fail_over: Option<FailOver>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    RequestLost,
    ReplyLost,
    /// It is given up, and runs this many ticks later.
    Late(u32),
    /// The reply takes so long that the attempt is given up, and goes on.
    Slow,
}

/// The new primary does not know at once how far a majority has come.
#[derive(Debug, Clone)]
pub struct FailOver {
    /// How many acknowledged writes its reads do not see yet.
    pub behind: usize,
    /// Ticks until they do.
    pub lasts: u32,
}

impl Fate {
    /// The fate of a request when nothing goes wrong.
    pub const CALM: Fate = Fate {
        travel: 0,
        outcome: Outcome::Answered,
        durable: true,
        outlives: false,
        fail_over: None,
    };
}

/// On one line, since a scenario has many.
impl fmt::Debug for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} after {}", self.outcome, self.travel)?;
        if let Some(change) = &self.fail_over {
            write!(
                f,
                ", fail-over {} behind for {}",
                change.behind, change.lasts
            )?;
        }
        let marks = [(self.durable, ", durable"), (self.outlives, ", outlives")];
        let mut marks = marks.into_iter().filter(|(is, _)| *is);
        marks.try_for_each(|(_, mark)| f.write_str(mark))
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.kind, self.user)?;
        let marks = [(self.morrow, ", morrow"), (self.slow_clock, ", slow clock")];
        let mut marks = marks.into_iter().filter(|(is, _)| *is);
        marks.try_for_each(|(_, mark)| f.write_str(mark))
    }
}

/// Also those in which two processes have one id; with a spool, without which nobody has the id of another.
pub fn all_scenarios() -> impl Strategy<Value = Scenario> {
    let clashing = (scenarios(), vec(clashing_step(), 1..32));
    let clashing = clashing.prop_map(|(scenario, steps)| Scenario {
        spooled: true,
        steps,
        ..scenario
    });
    prop_oneof![4 => scenarios(), 1 => clashing]
}

pub fn scenarios() -> impl Strategy<Value = Scenario> {
    (
        1..=MOST_PROCESSES,
        any::<bool>(),
        any::<bool>(),
        vec(old_session(), 0..5),
        prop_oneof![vec(usual_step(), 1..32), vec(any_step(), 1..32)],
        prop_oneof![vec(fate(5, 0.05), 0..200), vec(fate(20, 0.2), 0..200)],
    )
        .prop_map(
            |(processes, spooled, month_ends, old, steps, fates)| Scenario {
                processes,
                spooled,
                month_ends,
                old,
                steps,
                fates,
            },
        )
}

fn old_session() -> impl Strategy<Value = OldSession> {
    let day = prop_oneof![Just(OldDay::First), Just(OldDay::Eve), Just(OldDay::Morrow)];
    (day, user(), weighted(0.8, -60..4_000)).prop_map(|(day, user, seconds)| OldSession {
        day,
        user,
        seconds,
    })
}

/// What hosts do all the time.
fn usual_step() -> impl Strategy<Value = Step> {
    let process = 0..MOST_PROCESSES;
    prop_oneof![
        12 => (process.clone(), vec(call(), 1..6)).prop_map(|(p, calls)| Step::Track(p, calls)),
        6 => (1..40_u32).prop_map(Step::Pass),
        1 => (40..6_000_u32).prop_map(Step::Pass),
        2 => process.clone().prop_map(Step::Flush),
        3 => (process.clone(), 0..2_usize).prop_map(|(p, day)| Step::Metrics(p, day)),
        1 => process.prop_map(Step::TotalsDue),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let process = 0..MOST_PROCESSES;
    prop_oneof![
        24 => usual_step(),
        3 => process.clone().prop_map(Step::Crash),
        1 => process.clone().prop_map(Step::Die),
        6 => (process.clone(), 0..6_usize, 0..4_usize, weighted_bool(0.3)).prop_map(
            |(by, of, back, morrow)| Step::Close { by, of, back, morrow }
        ),
        3 => process.clone().prop_map(Step::Thaw),
        1 => process.prop_map(Step::Move),
        1 => (0..3_usize).prop_map(Step::Restore),
    ]
}

/// Processes that find out that they share their id, and die soon.
fn clashing_step() -> impl Strategy<Value = Step> {
    let process = 0..MOST_PROCESSES;
    let clash = (process.clone(), 0..QUEUES, 0..2_usize);
    let clash = clash.prop_map(|(with, queue, day)| Step::Clash { with, queue, day });
    prop_oneof![12 => usual_step(), 4 => clash, 2 => process.prop_map(Step::Crash)]
}

fn call() -> impl Strategy<Value = Call> {
    let kind = prop_oneof![
        2 => (0..9_u8, weighted_bool(0.8)).prop_map(|(n, stored)| CallKind::Event(n, stored)),
        2 => (0..KEYS, 0..AMOUNTS).prop_map(|(key, amount)| CallKind::Keyed(key, amount)),
        3 => Just(CallKind::Login),
        2 => weighted_bool(0.2).prop_map(|at_once| CallKind::Logout { at_once }),
    ];
    (kind, user(), weighted_bool(0.3), weighted_bool(0.3)).prop_map(
        |(kind, user, morrow, slow_clock)| Call {
            kind,
            user,
            morrow,
            slow_clock,
        },
    )
}

/// Some users come more often than others.
fn user() -> impl Strategy<Value = u8> {
    (0..USERS, 0..USERS).prop_map(|(a, b)| a.min(b))
}

fn weighted_bool(probability: f64) -> impl Strategy<Value = bool> + Clone {
    proptest::bool::weighted(probability)
}

/// How many of 44 or so replies are lost, and how often the primary changes.
fn fate(replies_lost: u32, fail_overs: f64) -> impl Strategy<Value = Fate> {
    let outcome = prop_oneof![
        30 => Just(Outcome::Answered),
        3 => Just(Outcome::RequestLost),
        replies_lost => Just(Outcome::ReplyLost),
        3 => (1..200_u32).prop_map(Outcome::Late),
        1 => (1_000..6_000_u32).prop_map(Outcome::Late),
        1 => Just(Outcome::Slow),
    ];
    let fail_over = (0..24_usize, 1..60_u32).prop_map(|(behind, lasts)| FailOver { behind, lasts });
    (
        0..6_u32,
        outcome,
        any::<bool>(),
        any::<bool>(),
        weighted(fail_overs, fail_over),
    )
        .prop_map(|(travel, outcome, durable, outlives, fail_over)| Fate {
            travel,
            outcome,
            durable,
            outlives,
            fail_over,
        })
}
