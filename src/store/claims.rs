//! Claims: who closes the sessions that a dead instance has left open, until which moment it was seen, and
//! which sessions those are. A claim only moves forward: each step is a compare-and-set on its stage, so
//! that any number of processes may work on one.

use bson::oid::ObjectId;

use super::Reply;
use super::error::{Fault, StoreError};
use crate::instance::incarnation::Incarnation;

pub trait ClaimStore {
    /// Inserts a claim; one of this incarnation that is there stays. Returns the one that stands.
    fn insert_claim(&self, claim: &Claim) -> impl Reply<Claim>;

    /// Moves a claim to its stage and its sessions, if it is in the stage before. Returns what stands, and
    /// whether it was moved now.
    fn advance_claim(&self, claim: &Claim) -> impl Reply<(Claim, bool)>;

    /// Names the incarnation that goes on with the sessions of the one claimed, if none is named. Returns
    /// what stands.
    fn name_next(&self, claim: &Claim, next: Incarnation) -> impl Reply<Claim>;

    /// What a dead instance has left, as it is when the claim is known to a majority.
    fn left_by(&self, claim: &Claim) -> impl Reply<Left>;

    /// Closes those of the sessions that are open, and were not opened again after that; returns those that have the
    /// logout time given.
    fn close_open_sessions(&self, closes: &[LeftClose]) -> impl Reply<Vec<ObjectId>>;

    /// Opens the sessions again that have the logout time given. Their duration stays.
    fn reopen_sessions(&self, sessions: &[(ObjectId, i64)]) -> impl Reply<()>;

    /// Nothing is to be done any more about an instance whose last sample has this number: the sample expires.
    fn retire(&self, of: Incarnation, sample: i64) -> impl Reply<()>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub of: Incarnation,
    /// The time of its first session, or before, ms since 1970 by the host's clock.
    pub from_ms: i64,
    /// The last moment that it was seen, by the host's clock.
    pub until_ms: i64,
    /// The latest that this clock has shown: it may have gone back.
    pub to_ms: i64,
    /// The number of its last sample.
    pub sample: i64,
    /// The writer under which its closes are added to the totals; nobody else adds under it.
    pub writer: String,
    pub stage: Stage,
    /// While `Closing`, those that were open; later, those that were closed. Others are never touched.
    pub sessions: Vec<LeftSession>,
    pub next: Option<Incarnation>,
}

/// Of a claim that is there and says what this release cannot read.
pub fn unreadable(of: Incarnation) -> StoreError {
    let message = format!("the claim dead:{of} in gsoreports cannot be read");
    StoreError::new(Fault::Content, message)
}

/// Whether it is that: the server refuses nothing without a code.
pub fn is_unreadable_claim(error: &StoreError) -> bool {
    error.fault == Fault::Content && error.code.is_none()
}

/// The stages of a claim, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Claimed,
    Closing,
    Counting,
    Done,
}

impl Stage {
    pub const ALL: [Stage; 4] = [Stage::Claimed, Stage::Closing, Stage::Counting, Stage::Done];

    pub fn name(self) -> &'static str {
        match self {
            Stage::Claimed => "claimed",
            Stage::Closing => "closing",
            Stage::Counting => "counting",
            Stage::Done => "done",
        }
    }

    /// The stage before, if there is one.
    pub fn before(self) -> Option<Stage> {
        Self::ALL.into_iter().rev().find(|stage| *stage < self)
    }
}

/// A session that a dead instance has left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftSession {
    pub id: ObjectId,
    pub login_ms: i64,
    /// The end that the totals hold already, by an earlier claim; its login if there is none.
    pub counted_ms: i64,
}

/// A close of a session by a claim. It may arrive late, when the session is open again: then the duration stands
/// there that this close, or one of a later claim, has given it, and not the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeftClose {
    pub session: ObjectId,
    pub logout_ms: i64,
    pub duration_s: f64,
    /// The duration of the open session: 0, or what an earlier claim has given it.
    pub counted_s: f64,
}

/// What a dead instance has left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// The claims of the incarnations with whose sessions it went on, the newest first.
    pub earlier: Vec<Claim>,
    /// The open sessions of all of them, as if nothing was counted.
    pub open: Vec<LeftSession>,
}
