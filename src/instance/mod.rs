//! One instance as all its parts see it: settings, the loss report, gauges, the log, and the host.

pub mod context;
pub mod database_status;
pub mod error;
pub mod health;
pub mod incarnation;
pub mod listener;
pub mod log;
pub mod memory;
pub mod published;
pub mod reports_status;
pub mod shared;
pub mod spool_report;
