//! The store: what the pipeline asks of a database, and its implementation on MongoDB.
//!
//! Every write can be repeated without changing the outcome: after an error or a lost reply, the caller
//! repeats it. Only `mongo` names the `mongodb` driver.
//!
//! | module | trait | documents |
//! |---|---|---|
//! | `records` | [`RecordStore`] | events and sessions |
//! | `totals` | [`TotalsStore`] | one per day |
//! | `uniques` | [`UniquesStore`] | markers of distinct users |
//! | `keys` | [`KeyStore`] | markers of dedupe keys |
//! | `purchases` | [`PurchaseStore`] | purchases |
//! | `presence` | [`PresenceStore`] | samples of how many players each instance has |
//! | `personal` | [`PersonalStore`] | all that name a user, to be read or erased |
//! | `funnels` | [`FunnelStore`] | events, to be read in their order |
//! | `stored` | [`StoredStore`] | events, to be forwarded again |
//! | `reports` | [`ReportStore`] | reports, and what they are made of |
//! | `claims` | [`ClaimStore`] | sessions that dead instances have left, and who closes them |
//! | `legacy` | [`LegacyStore`] | baselines of the days that the replaced class wrote to |
//! | `inspection` | [`InspectionStore`] | what the database and its indexes are like |
//! | `lifecycle` | [`Lifecycle`] | indexes, and the identity of collections |

mod claims;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod funnels;
mod inspection;
mod keys;
mod legacy;
mod lifecycle;
mod mongo;
mod personal;
mod presence;
mod purchases;
mod records;
mod reports;
mod stored;
mod totals;
mod uniques;

#[cfg(test)]
pub use claims::Left;
pub use claims::{Claim, ClaimStore, LeftClose, LeftSession, Stage, is_unreadable_claim};
pub use error::{Fault, Result, StoreError, is_unauthorized};
pub use funnels::{FunnelStore, NamedEvent};
pub use inspection::InspectionStore;
#[cfg(test)]
pub use keys::KeyedEvent;
pub use keys::{KEY_TTL_MS, KeyMarker, KeyStore, UNKNOWN_DELIVERY};
pub use legacy::{Baseline, CLAIM_TTL, LEGACY_STEP_TIMEOUT, LegacyStore};
pub use lifecycle::{Identities, Lifecycle, Prepared};
pub use mongo::{Connection, MongoStore, check, harmless_options, target, trusts_process};
#[cfg(test)]
pub use personal::Page;
pub use personal::{Personal, PersonalStore, User};
pub use presence::{Minutes, Presence, PresenceStore, Sample, Samples, Seen};
pub use purchases::{KeyedPurchase, Purchase, PurchaseStore};
#[cfg(test)]
pub use records::Closed;
pub use records::{CloseOutcome, Dropped, Inserted, RecordStore};
pub use reports::{
    AHEAD_MS, DaySessions, DayUsers, EventPass, EventRow, Late, Mark, OPEN_STATE, PASS_LIMIT,
    REPORT_VERSION, Report, ReportStore, Revenue, RevenueRow, Sources, Unread,
};
pub use stored::{StoredEvents, StoredStore};
#[cfg(test)]
pub use totals::MonthView;
pub use totals::{Added, AppliedSeq, Delta, SeqAdvance, Sums, TotalsStore};
pub use uniques::{MARKER_TTL_MS, Marker, Period, UniquesStore};

/// All that the pipeline asks of a database.
pub trait Store:
    RecordStore
    + TotalsStore
    + UniquesStore
    + KeyStore
    + PurchaseStore
    + PresenceStore
    + PersonalStore
    + FunnelStore
    + StoredStore
    + ReportStore
    + InspectionStore
    + ClaimStore
    + LegacyStore
    + Lifecycle
    + Send
    + Sync
    + 'static
{
}

/// The result of a request to a store.
pub trait Reply<T>: Future<Output = Result<T>> + Send {}

impl<T, F: Future<Output = Result<T>> + Send> Reply<T> for F {}
