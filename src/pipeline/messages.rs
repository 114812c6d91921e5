//! Lines for the operator: what happened, and what to do next.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::link::Prospect;
use super::sessions::Standing;
use crate::config::Config;
use crate::instance::health::SpoolReport;

pub fn no_connection(config: &Config) -> String {
    let bound = config.max_queue_bytes >> 20;
    format!(
        "No MongoDB connection. Connect the mongoose this process has loaded, or pass options.uri or \
         options.mongoose (also for a bundled mongoose, or for one of several connections of \
         createConnection()), or set ANALYTICS_MONGODB_URI or MONGODB_URI. Until then records wait in \
         memory, up to {bound} MiB"
    )
}

pub fn fallback(prospect: Prospect) -> String {
    let why = match prospect {
        Prospect::NoMongoose => "mongoose is not loaded",
        Prospect::Mongoose | Prospect::Connecting | Prospect::Last => {
            "mongoose has not begun to connect"
        }
    };
    format!("{why}: using the database that MONGODB_URI or MONGO_URI names")
}

pub const OTHER_CONNECTION: &str = "mongoose.connect() was not called: using the connection that \
     mongoose.createConnection() has made; to use another, pass it as options.mongoose";

pub fn spool_failed(reason: &str, error: &io::Error) -> String {
    let (what, then) = match reason {
        "spool_not_synced" => (
            "The spool cannot be synced",
            "another file is begun; a power loss may cost records",
        ),
        "spool_not_read" => ("The spool cannot be read", "it is tried again"),
        "cursor_not_written" => (
            "How far destinations have come cannot be written to the spool",
            "it is tried again; after a kill events would be sent twice",
        ),
        "spool_not_released" => (
            "Files of the spool cannot be removed",
            "it is tried again; what is in them is written",
        ),
        _ => (
            "The spool takes no more (spoolDir, maxSpoolBytes)",
            "new records wait in memory only until it does",
        ),
    };
    format!("{what}: {error}; {then}")
}

pub fn spool_damaged(bytes: u64) -> String {
    format!(
        "{bytes} bytes of the spool cannot be read and are skipped; the file is kept aside as \
         *.seg.damaged"
    )
}

pub fn records_missing(records: u64) -> String {
    format!(
        "{records} records were written to the spool and cannot be read back: they are dropped and counted"
    )
}

pub fn cursor_not_read(name: &str, error: &io::Error) -> String {
    format!(
        "how far {name} has come cannot be read: it begins anew with what is in the spool: {error}"
    )
}

pub fn destination_forgotten(name: &str) -> String {
    format!(
        "destination {name} is not among the settings any more: what waited for it in the spool is not \
         forwarded"
    )
}

pub const NOT_READ_BACK: &str =
    "a part of the spool cannot be read: events in it are not forwarded before the next start";

pub const SPOOL_GOES_ON: &str = "the spool takes records again";

pub fn drains_slot(slot: &Path) -> String {
    format!(
        "writing the records that a process left in {}",
        slot.display()
    )
}

pub fn drained_slot(records: u64, dropped: u64) -> String {
    let lost = match dropped {
        0 => String::new(),
        lost => format!("; not written, for their content or for damage: {lost}"),
    };
    format!("the records that a process had left are written: {records}{lost}")
}

pub const NOT_CONNECTED: &str = "there is no connection to MongoDB";

pub fn cannot_connect(message: &str) -> String {
    format!("Cannot connect to MongoDB; records wait in memory: {message}")
}

pub fn cannot_write(message: &str) -> String {
    format!("MongoDB cannot be written to; records wait in memory and are tried again: {message}")
}

pub fn set_aside(message: &str) -> String {
    format!("MongoDB refused a document for its content; it is dropped and counted: {message}")
}

pub fn left_out(day: &str, field: &str) -> String {
    format!("{field} of {day} is not a number, or is beyond 2^53: an amount was not added to it")
}

pub fn restored(day: &str) -> String {
    format!("{day} stood further back than this process had brought it: was a backup put back?")
}

pub fn uncertain(day: &str) -> String {
    format!("another process wrote to {day} under our id; a group stays out of its totals")
}

pub fn left_at_stop(records: u64, unforwarded: u64, spool: Option<SpoolReport>) -> String {
    let kept = match spool {
        Some(spool) if spool.holds_records && (unforwarded == 0 || spool.holds_events) => {
            "; all are in the spool, and go on at the next start"
        }
        Some(spool) if spool.holds_records => {
            "; records are in the spool, and written at the next start"
        }
        _ => "",
    };
    format!(
        "stop() reached shutdownTimeoutMs; records not written yet: {records}, events not forwarded \
         yet: {unforwarded}{kept}"
    )
}

pub fn totals_blocked(why: &str) -> String {
    format!(
        "{why}. Until then events and sessions are stored, and totals wait in memory; no restart is needed"
    )
}

pub const TOTALS_GO_ON: &str = "a day cannot be made twice any more: totals go on";

pub fn history_goes_on(month: &str, standing: Standing, is_first: bool) -> String {
    let Standing { done, total, .. } = standing;
    let what = "summing up the sessions stored before in";
    match is_first {
        true => format!(
            "{what} {month}, once: {done} of {total} days done. Only getMetrics() waits for it"
        ),
        false => format!("still {what} {month}: {done} of {total} days done"),
    }
}

pub fn history_done(month: &str, total: u32, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    format!("the sessions stored before in {month} are summed up: {total} days, {seconds:.1} s")
}

pub fn history_refused(message: &str) -> String {
    format!(
        "MongoDB refuses to sum up the sessions stored before; getMetrics() rejects until it does not: \
         {message}"
    )
}
