//! Rules: decisions of the protocol on which exactness depends. They are passed in, so that the model
//! test can replace each by one that looks right and is wrong, and must notice.

use super::batch::{DayPart, TotalsBatch};
use super::contribution::Contribution;
use super::pending::Pending;
use crate::record::day::Day;
use crate::store::{Claim, Marker, Period, SeqAdvance, Stage};

#[derive(Clone, Copy)]
pub struct Rules {
    /// Whether a batch counts the user of a marker as new in the period.
    pub is_credited: fn(&Marker, Period<'_>, SeqAdvance<'_>) -> bool,
    /// The share of a recovered batch on a day that holds its records up to the given one already.
    pub rest: fn(&[Contribution], &Day, i64) -> DayPart,
    /// Changes a batch that failed before it is sent again.
    pub resent: fn(&mut TotalsBatch, &mut Pending),
    /// The writer under which the sessions of a claim are added.
    pub claim_writer: fn(&Claim) -> String,
    /// Whether a logout brings the claim of its session on before it is written.
    pub waits_for_claim: fn(&Claim) -> bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            is_credited,
            rest,
            resent,
            claim_writer: |claim| claim.writer.clone(),
            waits_for_claim,
        }
    }
}

/// Exactly one record of one writer makes a marker; only the batch that holds this record counts the user.
pub fn is_credited(marker: &Marker, period: Period<'_>, advance: SeqAdvance<'_>) -> bool {
    marker.writer == advance.writer
        && marker.day == period.day().as_str()
        && Some(marker.seq) > advance.previous
        && marker.seq <= advance.last
}

pub fn rest(recovered: &[Contribution], day: &Day, applied: i64) -> DayPart {
    let mut rest = DayPart::default();
    for one in recovered {
        if one.day == *day && one.seq > applied {
            rest.add(one);
        }
    }
    rest
}

/// A batch that was sent keeps its bounds and its sums: it may have been applied.
pub fn resent(_: &mut TotalsBatch, _: &mut Pending) {}

/// What a claim says is final only then.
pub fn waits_for_claim(claim: &Claim) -> bool {
    claim.stage < Stage::Counting
}
