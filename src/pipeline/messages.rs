//! Log lines for the operator: what happened, what it means for the data, and what to do next.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::config::{Collection, Config};
use crate::instance::spool_report::SpoolReport;
use crate::record::day::{Day, iso};
use crate::store::StoreError;

pub fn no_connection(config: &Config) -> String {
    let bound = config.max_queue_bytes >> 20;
    format!(
        "No MongoDB connection. Connect the mongoose this process has loaded, or pass options.uri or \
         options.mongoose (also for a bundled mongoose, or for one of several connections of \
         createConnection()), or set ANALYTICS_MONGODB_URI or MONGODB_URI. Until then records wait in \
         memory, up to {bound} MiB"
    )
}

pub fn fallback(variable: &str, has_mongoose: bool) -> String {
    let why = match has_mongoose {
        true => "mongoose has not begun to connect",
        false => "mongoose is not loaded",
    };
    format!(
        "{why}: records go to the database that {variable} names; to use another, set options.uri, or connect \
         mongoose first"
    )
}

pub const OTHER_CONNECTION: &str = "mongoose.connect() was not called: using the connection that \
     mongoose.createConnection() has made; to use another, pass it as options.mongoose";

pub const PRESENCE_OFF: &str = "presence is off: this process is missing in getConcurrency(), closes no sessions \
     of processes that died, and nobody closes its own should it die";

pub const PRESENCE_ON: &str = "presence is written again: this process is in getConcurrency()";

pub fn presence_refused(error: &StoreError) -> String {
    format!(
        "presence is off: {error}; this process is missing in getConcurrency() and closes no sessions of processes \
         that died; records and totals are not affected. Grant find, insert, update and createIndex on the \
         collection reports (gsoreports by default), or set presence: 'off'"
    )
}

pub fn sessions_closed(sessions: usize, until_ms: i64) -> String {
    let until = iso(until_ms);
    format!(
        "a process has died and left {sessions} sessions open: they are closed at {until}, when it was last seen, \
         and counted; a real logout that comes later replaces that"
    )
}

pub fn sessions_beyond_claim(closed: usize, more: usize) -> String {
    format!(
        "a process has died and left more than {closed} sessions open: the oldest are closed and counted, and the \
         {more} others stay open and count no time; set their logoutAt and durationS by hand if that matters, \
         and give a process fewer players"
    )
}

pub fn taken_for_dead(opened: usize) -> String {
    format!(
        "this process was silent for so long that others took it for dead and closed its sessions; the {opened} \
         of players who are still here are open again; look for what froze it or cut it off"
    )
}

pub const NOT_CONNECTED: &str = "there is no connection to MongoDB";

pub fn cannot_connect(message: &str) -> String {
    format!(
        "Cannot connect to MongoDB; records wait in memory and the connection is retried; check the \
         server and the connection string: {message}"
    )
}

pub fn unusable(problem: &str) -> String {
    format!(
        "{problem}. Until that is corrected nothing is written to MongoDB, and records wait in memory or in \
         the spool; it is tried again, but a changed setting needs a restart"
    )
}

pub fn without_effect(field: &str, names: &[&str]) -> String {
    let names = names.join(", ");
    format!(
        "records are not affected: these options of {field} have no effect here and are left out: {names}"
    )
}

pub fn cannot_write(message: &str) -> String {
    format!(
        "MongoDB cannot be written to; records wait in memory and the write is retried; nothing is lost \
         unless the queue fills up (maxQueueBytes): {message}"
    )
}

/// What waits while a collection refuses writes, and what goes on.
pub fn collection_refuses(name: &str, collection: Collection, error: &StoreError) -> String {
    let waits = match collection {
        Collection::Events => "events and their totals wait, logins and logouts are stored",
        Collection::Sessions => "logins or logouts and their totals wait, events are stored",
        Collection::Daily => "totals wait, summed up in memory; events and sessions are stored",
        Collection::Uniques => "logins and their totals wait, events are stored and counted",
        Collection::Purchases => {
            "purchases are not stored there (warnings.purchase_lost), everything else is stored and counted"
        }
    };
    let remedy = match (&error.missing_privilege, error.code) {
        (Some(action), _) => format!(
            "grant the privilege for {action} on it, for example with the role readWrite on its database"
        ),
        (None, Some(166 | 167)) => "it is a view: drop or rename the view".to_owned(),
        (None, Some(121)) => "its validator refuses them: change it with collMod".to_owned(),
        (None, Some(8000)) => {
            "the cluster may be over its quota: free space or enlarge it".to_owned()
        }
        (None, None) => "correct what it holds".to_owned(),
        _ => "correct its definition".to_owned(),
    };
    let message = &error.message;
    format!("MongoDB refuses writes to {name}: {message}; {waits}; {remedy}; no restart is needed")
}

pub fn document_dropped(message: &str) -> String {
    format!(
        "MongoDB refused a document for its content; the document is dropped and counted \
         (dropped.refused_by_server), the others are stored; check validators and indexes of the \
         collection: {message}"
    )
}

pub fn user_not_counted(message: &str) -> String {
    format!(
        "MongoDB refused the marker of a user in gsouniques; the user is not counted in dau and mau \
         (dropped.refused_by_server), the login is stored and all others are counted; check validators, \
         indexes and collation of the collection: {message}"
    )
}

pub fn purchase_refused(message: &str) -> String {
    format!(
        "MongoDB refused a purchase in gsopurchases for its content; it is not stored there \
         (warnings.purchase_lost), its event is stored and counted; check validators and indexes of the \
         collection: {message}"
    )
}

pub const MALFORMED: &str = "what was encoded of a record is no BSON; the record is dropped and counted \
     (dropped.malformed), the others are stored; look for values that change while they are read, and for \
     patched methods of String.prototype";

pub const REDELIVERED_OTHERWISE: &str = "an event came again under its dedupeKey with another amount: the \
     amount that was stored first counts, this one is not stored (warnings.redelivered_otherwise); look for \
     keys that are used for several events";

pub const KEYED_UNREADABLE: &str = "what is stored of an event in gsoevents or gsopurchases under its dedupeKey \
     has no day or ts that can be read: the day and amount of the delivery that came now count, once; correct such \
     documents, and give those that are made by hand a day (YYYY-MM-DD) and a ts (a date)";

pub fn spool_failed(reason: &str, error: &io::Error) -> String {
    let (what, then) = match reason {
        "spool_not_synced" => (
            "The spool cannot be synced",
            "records go to another file, and a power loss may cost the last ones; check the disk",
        ),
        "spool_not_read" => (
            "The spool cannot be read",
            "records in it wait, and the read is retried; check the disk and the rights of the folder",
        ),
        "cursor_not_written" => (
            "The offsets of destinations cannot be written to the spool",
            "the write is retried; after a crash some events would be sent twice; check the disk",
        ),
        "totals_not_saved" => (
            "Totals that wait cannot be saved in the spool",
            "the disk keeps their records instead, and it is tried again; free disk space",
        ),
        "writers_not_changed" => (
            "The writer id cannot be changed in the spool",
            "totals wait until it is, and it is tried again; free disk space",
        ),
        "spool_not_released" => (
            "Files of the spool cannot be removed",
            "their records are written, and the removal is retried; check the rights of the folder",
        ),
        _ => (
            "The spool takes no more (spoolDir, maxSpoolBytes)",
            "new records wait in memory only, and a crash would lose them; free disk space",
        ),
    };
    format!("{what}: {error}; {then}")
}

pub fn saved_totals_lost(slot: &Path) -> String {
    format!(
        "totals that could not be added before this start cannot be read from {}: they are missing in the \
         daily documents, events and sessions are stored; the file is kept as totals.bson.damaged, check \
         the disk",
        slot.display()
    )
}

pub fn shares_lost(error: &str) -> String {
    format!(
        "a file *.shares of the spool cannot be read ({error}): a part of the totals that an earlier process has \
         left was added, which part is not known, and the rest is missing in the daily documents (see \
         warnings.totals_uncertain); events and sessions are stored; check the disk"
    )
}

pub fn spool_damaged(bytes: u64) -> String {
    format!(
        "{bytes} bytes of the spool cannot be read; records in them are lost, the others are written; the \
         file is kept as *.seg.damaged, check the disk"
    )
}

pub fn records_missing(records: u64) -> String {
    format!(
        "{records} records were written to the spool and cannot be read back; they are dropped and \
         counted (dropped.spool_damaged); check the disk"
    )
}

pub fn cursor_not_read(name: &str, error: &io::Error) -> String {
    format!(
        "the offset of {name} in the spool cannot be read: {error}; all records in the spool are sent to \
         it again, under the same ids; check the disk"
    )
}

pub fn destination_forgotten(name: &str) -> String {
    format!(
        "destination {name} is not among the settings any more: events in the spool that waited for it \
         are not forwarded; MongoDB has them, and gso-analytics replay sends them to another destination"
    )
}

pub const NOT_READ_BACK: &str = "a part of the spool cannot be read: its events are not forwarded before \
     the next start; check the disk";

pub const SPOOL_RECOVERED: &str =
    "the spool takes records again: from now on a crash loses none of them";

pub fn slot_recovery(slot: &Path) -> String {
    format!(
        "writing the records that a crashed process left in {}",
        slot.display()
    )
}

pub fn slot_recovered(records: u64, dropped: u64) -> String {
    let lost = match dropped {
        0 => String::new(),
        lost => format!("; dropped for their content or for damage: {lost}"),
    };
    format!("the records of a crashed process are written: {records}{lost}")
}

pub fn total_left_out(day: &str, field: &str) -> String {
    format!(
        "{field} of {day} is not a number, or is beyond 2^53: an amount was not added to it; correct the \
         field in the daily document"
    )
}

pub fn day_restored(day: &str) -> String {
    format!(
        "the totals of {day} are older than this process had written them, as after the restore of a \
         backup, or were removed; new amounts are added to what is there; if nobody restored a backup, look for \
         who writes to that document"
    )
}

pub fn totals_uncertain(day: &str) -> String {
    format!(
        "another process used our writer id on {day}; one batch was not added to its totals (see \
         warnings.totals_uncertain); give each process a spool folder of its own, no copies"
    )
}

pub const UNREADABLE_CLAIM: &str = "players have logged out whose sessions another process had closed while this one \
    was away, as a document dead:<ten digits> in gsoreports says which cannot be read: nothing is added to the totals \
    for these logouts (see warnings.totals_uncertain), for all others it is; a later release may have made that \
    document, otherwise remove it";

pub fn unfinished_stop(records: u64, unforwarded: u64, spool: Option<SpoolReport>) -> String {
    let kept = match spool {
        Some(spool) if spool.holds_records && (unforwarded == 0 || spool.holds_events) => {
            "; all are in the spool, and go on at the next start"
        }
        Some(spool) if spool.holds_records => {
            "; records are in the spool, and written at the next start"
        }
        _ => {
            "; they are written while the process lives, and lost when it ends: raise shutdownTimeoutMs, or set \
             spoolDir"
        }
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

pub const TOTALS_UNBLOCKED: &str =
    "the unique index on `day` is in place: totals are added again, none is lost";

pub fn legacy_progress(month: &str, done: u32, total: u32, is_first: bool) -> String {
    let what = "summing up the sessions stored before in";
    match is_first {
        true => format!(
            "{what} {month}, once: {done} of {total} days done. Only getMetrics() waits for it"
        ),
        false => format!("still {what} {month}: {done} of {total} days done"),
    }
}

pub fn legacy_done(month: &str, total: u32, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    format!("the sessions stored before in {month} are summed up: {total} days, {seconds:.1} s")
}

pub fn reports_progress(done: u32, total: u32, is_first: bool) -> String {
    match is_first {
        true => format!(
            "reporting the days that are stored, oldest first: {done} of {total} done. Only getActivity() and \
             the other methods that answer out of reports wait for it"
        ),
        false => format!("still reporting the days that are stored: {done} of {total} done"),
    }
}

pub fn reports_done(total: u32, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    format!("the days that are stored are reported: {total} days, {seconds:.1} s")
}

pub fn reports_ahead(reports: usize, day: &Day, as_of_ms: i64) -> String {
    format!(
        "the report of {}, one of {reports}, was begun at a time that is still to come, {}, as after a fail-over to a \
         server whose clock is behind; such reports are made again. Compare the clocks of the database's servers",
        day.as_str(),
        iso(as_of_ms)
    )
}

pub fn reports_unauthorized(error: &StoreError) -> String {
    format!(
        "reports are off: {error}; methods that answer out of them reject, records and totals are not affected. \
         Grant find, insert and update on the collections reports and players (gsoreports and gsoplayers by \
         default), which is looked for once an hour, or set reports: 'off'"
    )
}

pub const REPORTS_ON: &str = "reports are on: the rights that were missing are there";

pub fn reports_failed(error: &StoreError) -> String {
    format!(
        "days cannot be reported: {error}; methods that answer out of reports may reject, records and totals are \
         not affected; it is tried again in 5 minutes, then less often, at least once an hour; gso-analytics \
         doctor says which right or index is missing"
    )
}

pub fn legacy_refused(message: &str) -> String {
    format!(
        "MongoDB refuses to sum up the sessions stored before: {message}; getMetrics() rejects, records and \
         totals are not affected; correct the cause and call getMetrics() again"
    )
}
