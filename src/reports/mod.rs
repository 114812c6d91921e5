//! Reports: what each day was like, made of the documents that are stored, and the answers that come out of them.
//!
//! A report is a pure function of the documents of its day. Whoever has the lease makes it, at the run points of
//! the day, until late records can be no more; each time it replaces the one before. It replaces only a report
//! that was begun earlier, so that the lease saves work and nothing depends on it.
//!
//! | module | responsibility |
//! |---|---|
//! | `lease` | who makes reports |
//! | `due` | run points, and which days are to be reported |
//! | `looks` | what is read to know that |
//! | `late` | which days are to be reported again |
//! | `unread` | which days could not be reported |
//! | `job` | the order of a run, and of the report of a day |
//! | `day_report` | the document of a day |
//! | `economy`, `lengths`, `presence`, `curve` | its parts |
//! | `amount` | which texts are numbers |
//! | `settings` | what reports are made of |
//! | `basis` | which reports were made under the same options |
//! | `learned` | what reports tell of that, to a reader without options |
//! | `access` | what may be done with reports |
//! | `answers` | the methods for the host |
//! | `figures` | what a scrape shows of reports |
//! | `funnel` | how many users come how far through a sequence of events |

mod access;
mod amount;
pub mod answers;
mod basis;
mod curve;
mod day_report;
mod due;
mod economy;
pub mod figures;
pub mod funnel;
pub mod job;
mod late;
pub mod learned;
mod lease;
mod lengths;
pub mod looks;
pub mod presence;
mod settings;
mod unread;

pub use access::Access;
pub use answers::{Answers, Query};
pub use late::note_late;
pub use lease::Lease;
pub use settings::Settings;

/// Who has both makes reports alone: one is that of runs over the days that are due, one that of reports for callers.
pub const LEASES: [&str; 2] = [job::LEASE, answers::LEASE];
