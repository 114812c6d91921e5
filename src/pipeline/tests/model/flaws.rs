//! Designs that look right and are wrong. The model must find a violation in each, else it could not
//! be trusted with the right one.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::server::{Addition, State};
use super::truth::Truth;
use crate::pipeline::totals::{Batch, Pending, Rules};
use crate::store::{Delta, KeyMarker, Marker, Period, Purchase, SeqAdvance};
use crate::util::random::random_id;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Totals by an upsert that asks for `seq < hi`; a duplicate key is taken as applied.
    GuardedUpsert,
    /// The guard `seq < hi`, and a group that failed is cut into smaller ones.
    GroupsCutAnew,
    /// Each writer sets the sums of all it has added so far.
    CumulativeSet,
    MonthMarkerWithoutDay,
    /// A user counts as known once the marker is inserted.
    CacheFilledAtInsert,
    /// Only an open session is closed, and what matched nothing does not count.
    OnlyOpenIsClosed,
    /// What a read says of an uncertain addition is not confirmed.
    NotConfirmed,
    /// Writes are acknowledged before a majority has them.
    AcknowledgedByOne,
    /// A writer comes back under its id with numbers that it has used.
    NumbersReused,
    /// Whoever has a new day marker counts, also on a day that counted before.
    MarkerAloneDecides,
    /// What a day held before is not asked once it has totals of ours.
    CutOnlyBeforeTotals,
    /// Markers are read as the primary has them.
    LocalMarkers,
    /// Baselines are read as the primary has them.
    LocalBaselines,
    /// A writer's entry is read as the primary has it, and not confirmed.
    LocalStanding,
    /// The markers of old users are counted by a read that may lag behind them.
    CountedBehind,
    /// A compare-and-set that matched nothing is taken as applied.
    MissedIsApplied,
    /// A marker counts again with each group.
    MarkerConditionLeftOut,
    /// Of a group that a dead process left all is added, although part of it was.
    LeftGroupSentWhole,
    /// One sum across a bound that was sent: a group that failed is sent again with what came since.
    SumAcrossSentBound,
    /// The marker of a dedupe key is made before the event is stored.
    KeyMarkerFirst,
    /// A delivery counts although another has made the marker.
    KeyNotReadBack,
    /// A delivery counts with its own amount, whatever another has stored.
    KeyedAmountNotRead,
    /// A purchase is stored once its marker is made.
    PurchaseAfterMarker,
    /// The same for purchases, whatever another has paid.
    PurchaseNotRead,
    /// Who closes sessions of the dead adds them under an id of its own.
    ClosedUnderOwnWriter,
    /// A real logout matches only an open session, not one that has the estimate.
    EstimatesStay,
    /// A logout does not wait until what a claim says is final.
    LogoutDoesNotWait,
    /// Each closer goes on with the sessions that it has listed itself.
    OwnList,
    /// A closer counts what it has closed itself.
    OnlyOwnClosesCount,
    /// The open sessions are listed by a read that may lag behind.
    ListedBehind,
    /// What a session that was opened again has in the totals is not known to the next claim.
    CountedTwiceOverLives,
    /// A close by a claim matches every open session, also one that was opened again.
    LateCloses,
}

impl Flaw {
    pub const ALL: [Flaw; 32] = [
        Flaw::GuardedUpsert,
        Flaw::GroupsCutAnew,
        Flaw::CumulativeSet,
        Flaw::MonthMarkerWithoutDay,
        Flaw::CacheFilledAtInsert,
        Flaw::OnlyOpenIsClosed,
        Flaw::NotConfirmed,
        Flaw::AcknowledgedByOne,
        Flaw::NumbersReused,
        Flaw::MarkerAloneDecides,
        Flaw::CutOnlyBeforeTotals,
        Flaw::LocalMarkers,
        Flaw::LocalBaselines,
        Flaw::LocalStanding,
        Flaw::CountedBehind,
        Flaw::MissedIsApplied,
        Flaw::MarkerConditionLeftOut,
        Flaw::LeftGroupSentWhole,
        Flaw::SumAcrossSentBound,
        Flaw::KeyMarkerFirst,
        Flaw::KeyNotReadBack,
        Flaw::KeyedAmountNotRead,
        Flaw::PurchaseAfterMarker,
        Flaw::PurchaseNotRead,
        Flaw::ClosedUnderOwnWriter,
        Flaw::EstimatesStay,
        Flaw::LogoutDoesNotWait,
        Flaw::OwnList,
        Flaw::OnlyOwnClosesCount,
        Flaw::ListedBehind,
        Flaw::CountedTwiceOverLives,
        Flaw::LateCloses,
    ];

    /// Whether it is about what processes leave on disk.
    pub fn is_of_spool(self) -> bool {
        self == Flaw::LeftGroupSentWhole
    }

    /// Whether it is about sessions of the dead; the search for others is faster without claims.
    pub fn is_of_claims(self) -> bool {
        matches!(
            self,
            Flaw::ClosedUnderOwnWriter
                | Flaw::EstimatesStay
                | Flaw::LogoutDoesNotWait
                | Flaw::OwnList
                | Flaw::OnlyOwnClosesCount
                | Flaw::ListedBehind
                | Flaw::CountedTwiceOverLives
                | Flaw::LateCloses
        )
    }

    /// Whether totals go another way than by a compare-and-set, and what failed is just repeated.
    pub fn repeats(self) -> bool {
        matches!(
            self,
            Flaw::GuardedUpsert | Flaw::GroupsCutAnew | Flaw::CumulativeSet
        )
    }
}

thread_local! {
    /// How often the rest of a recovered batch was added.
    static RESTS: Cell<u64> = const { Cell::new(0) };
}

/// The number of rests since the last call.
pub fn take_rests() -> u64 {
    RESTS.take()
}

/// The rules of the protocol, or those of a wrong design.
pub fn rules(flaw: Option<Flaw>) -> Rules {
    let right = Rules {
        rest: |recovered, day, applied| {
            RESTS.set(RESTS.get() + 1);
            (Rules::default().rest)(recovered, day, applied)
        },
        ..Rules::default()
    };
    match flaw {
        Some(Flaw::MonthMarkerWithoutDay) => Rules {
            is_credited: |marker, period, advance| {
                let day = match period {
                    Period::Day(day) => day.as_str(),
                    Period::Month(_) => &marker.day,
                };
                is_of_step(marker, advance) && marker.day == day
            },
            ..right
        },
        Some(Flaw::MarkerConditionLeftOut) => Rules {
            is_credited: |marker, period, advance| {
                marker.writer == advance.writer && marker.day == period.day().as_str()
            },
            ..right
        },
        Some(Flaw::LeftGroupSentWhole) => Rules {
            rest: |recovered, day, _| (Rules::default().rest)(recovered, day, i64::MIN),
            ..right
        },
        Some(Flaw::SumAcrossSentBound) => Rules {
            resent: add_pending,
            ..right
        },
        Some(Flaw::ClosedUnderOwnWriter) => Rules {
            claim_writer: |_| random_id(),
            ..right
        },
        Some(Flaw::LogoutDoesNotWait) => Rules {
            waits_for_claim: |_| false,
            ..right
        },
        _ => right,
    }
}

fn add_pending(sent: &mut Batch, pending: &mut Pending) {
    if pending.is_empty() || sent.recovered.is_some() {
        return;
    }
    let more = pending.take_batch();
    sent.last = sent.last.max(more.last);
    sent.records += more.records;
    for (day, part) in more.days {
        let own = sent.days.entry(day).or_default();
        own.delta = sum(&own.delta, &part.delta, 1.0);
        own.users.extend(part.users);
        own.records += part.records;
    }
}

fn is_of_step(marker: &Marker, advance: SeqAdvance<'_>) -> bool {
    marker.writer == advance.writer
        && Some(marker.seq) > advance.previous
        && marker.seq <= advance.last
}

/// What the processes of wrong designs remember.
#[derive(Default)]
pub struct Memory {
    /// Groups that were sent: to which day, up to which record.
    sent: HashSet<(String, i64)>,
    /// What each writer has added to a day in all, by its groups.
    shares: HashMap<(String, String), BTreeMap<i64, Addition>>,
    /// Where each writer believes to stand on a day.
    standings: HashMap<(String, String), Option<i64>>,
    /// Users whose marker a process has read after it had inserted it: by process and period.
    credited: HashSet<(usize, String, String)>,
    /// Purchases whose markers are not made, by their keys.
    unrecorded: HashMap<String, Purchase>,
}

impl Memory {
    /// Keeps the purchases that have a key; returns the others.
    pub fn postpone(&mut self, purchases: &[Purchase]) -> Vec<Purchase> {
        let mut others = Vec::new();
        for purchase in purchases.iter().cloned() {
            match purchase.key.clone() {
                Some(key) => drop(self.unrecorded.insert(key, purchase)),
                None => others.push(purchase),
            }
        }
        others
    }

    /// Those that were kept for these markers.
    pub fn postponed(&self, markers: &[KeyMarker]) -> Vec<Purchase> {
        let kept = markers
            .iter()
            .filter_map(|one| self.unrecorded.get(&one.key));
        kept.cloned().collect()
    }

    /// A group in halves when it was sent before.
    pub fn cut_anew(&mut self, truth: &Truth, addition: Addition) -> Vec<Addition> {
        if self.sent.insert((addition.day.clone(), addition.last)) {
            return vec![addition];
        }
        let middle = addition
            .records
            .iter()
            .copied()
            .nth(addition.records.len() / 2);
        let mut second = addition.clone();
        second.records = addition
            .records
            .iter()
            .copied()
            .filter(|r| Some(*r) >= middle)
            .collect();
        let mut first = addition;
        first.records.retain(|record| Some(*record) < middle);
        let Some(last) = first.records.last() else {
            return vec![second];
        };
        first.last = truth.seq(*last, second.last);
        first.delta = truth.delta(&first.records);
        second.delta = sum(&second.delta, &first.delta, -1.0);
        vec![first, second]
    }

    /// All that a writer has added to a day, this included.
    pub fn share(&mut self, addition: Addition) -> Addition {
        let key = (addition.day.clone(), addition.writer.clone());
        let shares = self.shares.entry(key).or_default();
        let mut share = addition;
        if let Some((_, before)) = shares.range(..share.last).next_back() {
            share.delta = sum(&share.delta, &before.delta, 1.0);
            share.records.extend(&before.records);
        }
        shares.insert(share.last, share.clone());
        share
    }

    /// A user is known from the first time on that a process has read the user's marker.
    pub fn forget_credited(&mut self, process: usize, markers: &mut [Marker]) {
        for marker in markers {
            let key = (process, marker.period.clone(), marker.user.clone());
            if !self.credited.insert(key) {
                marker.writer = "known".to_owned();
            }
        }
    }

    pub fn note_standing(&mut self, day: &str, advance: SeqAdvance<'_>) {
        let key = (day.to_owned(), advance.writer.to_owned());
        let applied_seq = self.standings.entry(key).or_default();
        *applied_seq = (*applied_seq).max(advance.previous);
    }

    pub fn applied_seq(&self, day: &str, writer: &str) -> Option<i64> {
        let key = (day.to_owned(), writer.to_owned());
        self.standings.get(&key).copied().flatten()
    }
}

/// `updateOne({day, '_a.w.W': {$lt: hi}}, …, {upsert: true})`, where the day is unique.
pub fn guarded_upsert(state: &mut State, addition: &Addition) {
    let is_there = state.days.contains_key(&addition.day);
    if !is_there || entry(state, addition).is_some_and(|entry| entry < addition.last) {
        state.apply(addition);
    }
}

/// The same for a day that is there, and for a writer's first group too.
pub fn guarded_add(state: &mut State, addition: &Addition) {
    if entry(state, addition).is_none_or(|entry| entry < addition.last) {
        state.apply(addition);
    }
}

fn entry(state: &State, addition: &Addition) -> Option<i64> {
    let daily = state.days.get(&addition.day)?;
    daily.writers.get(&addition.writer).copied()
}

/// Replaces this writer's share of the day.
pub fn set_share(state: &mut State, share: &Addition) {
    if let Some(daily) = Arc::make_mut(&mut state.days).get_mut(&share.day) {
        let before = daily.shares.insert(share.writer.clone(), share.clone());
        if let Some(before) = before {
            daily.add(&sum(&Delta::default(), &before.delta, -1.0));
            daily
                .records
                .retain(|record| !before.records.contains(record));
        }
    }
    state.apply(share);
}

fn sum(a: &Delta, b: &Delta, sign: f64) -> Delta {
    let mut sum = a.clone();
    for (counter, amount) in b.amounts() {
        sum.add(counter, sign * amount);
    }
    sum.mau += sign * b.mau;
    sum.session_seconds += sign * b.session_seconds;
    sum.sessions_closed += sign * b.sessions_closed;
    sum
}
