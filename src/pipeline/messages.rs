//! Lines for the operator: what happened, and what to do next.

use super::link::Prospect;
use crate::config::Config;

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

pub fn left_at_stop(records: u64, unforwarded: u64) -> String {
    format!(
        "stop() reached shutdownTimeoutMs; records not written yet: {records}, events not forwarded \
         yet: {unforwarded}"
    )
}
