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
        let message = match error.kind.as_ref() {
            ErrorKind::Command(command) => server_message(&command.message, command.code),
            ErrorKind::Write(WriteFailure::WriteError(refusal)) => {
                server_message(&refusal.message, refusal.code)
            }
            ErrorKind::Write(WriteFailure::WriteConcernError(failure)) => {
                server_message(&failure.message, failure.code)
            }
            kind => shortened(&kind.to_string()),
        };
        let transient = match error.kind.as_ref() {
            ErrorKind::Write(WriteFailure::WriteConcernError(_))
            | ErrorKind::Io(_)
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::DnsResolve { .. } => true,
            _ => code_of(&error).is_some_and(|code| TRANSIENT_CODES.contains(&code)),
        };
        StoreError { message, transient }
    }
}

/// The server's code for a command or a write that it refused.
pub fn code_of(error: &DriverError) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(refusal)) => Some(refusal.code),
        _ => None,
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
