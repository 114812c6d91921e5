//! Errors of the driver and of the server, without secrets: permanent, transient, or about the content
//! of one document.

use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};

use crate::store::error::StoreError;

/// Server error codes after which the same request may succeed (the retryable errors of the driver
/// specifications, then: out of disk space, quota, time limit, write conflict, blocked writes).
const TRANSIENT_CODES: [i32; 20] = [
    6, 7, 50, 64, 89, 91, 112, 134, 189, 262, 371, 9001, 10107, 11600, 11601, 11602, 12501, 13435,
    13436, 14031,
];
pub const DUPLICATE_KEY: i32 = 11000;

impl From<DriverError> for StoreError {
    fn from(error: DriverError) -> Self {
        let (message, transient) = match error.kind.as_ref() {
            ErrorKind::Command(command) => (
                server_message(&command.message, command.code),
                TRANSIENT_CODES.contains(&command.code),
            ),
            ErrorKind::Write(WriteFailure::WriteError(error)) => (
                server_message(&error.message, error.code),
                TRANSIENT_CODES.contains(&error.code),
            ),
            ErrorKind::Write(WriteFailure::WriteConcernError(error)) => {
                (server_message(&error.message, error.code), true)
            }
            kind @ (ErrorKind::Io(_)
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::DnsResolve { .. }) => (shortened(&kind.to_string()), true),
            kind => (shortened(&kind.to_string()), false),
        };
        StoreError { message, transient }
    }
}

/// A reply of the server that lacks something.
pub fn unexpected(what: &str) -> StoreError {
    StoreError::permanent(format!("MongoDB answered without {what}"))
}

/// The server's message, without the command it quotes, which holds user ids.
pub fn server_message(message: &str, code: i32) -> String {
    let message = message.split(" to execute command").next().unwrap_or("");
    format!("{} (code {code})", shortened(message))
}

/// The driver's texts may go on about documents and every server; nobody reads that in a log.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

pub fn is_duplicate(error: &DriverError) -> bool {
    let code = match error.kind.as_ref() {
        ErrorKind::Command(command) => command.code,
        ErrorKind::Write(WriteFailure::WriteError(refusal)) => refusal.code,
        _ => return false,
    };
    code == DUPLICATE_KEY
}

/// Error codes about the content of one document: the same document would be refused again. No document
/// is dropped for any other code, which may be about the server, the collection or the moment.
/// Among them: validators, unique and geo and text and array indexes, names, size.
/// <https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml>
pub fn is_about_content(code: i32) -> bool {
    const CODES: [i32; 16] = [
        2, 9, 14, 22, 52, 55, 57, 121, 171, 10334, 16755, 17261, 17262, 17280, 17419, 31471,
    ];
    code == DUPLICATE_KEY || CODES.contains(&code)
}
