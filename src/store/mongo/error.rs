//! Errors of the driver and of the server, without secrets.

use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};

use super::codes::{BAD_VALUE, DUPLICATE_KEY, UNAUTHORIZED, fault_of};
use crate::store::error::{Fault, StoreError};
use crate::util::foreign_text;

/// What the server and the driver call an error that is about the moment, whatever its code.
const LABELS: [&str; 3] = [
    "RetryableWriteError",
    "RetryableError",
    "SystemOverloadedError",
];

impl From<DriverError> for StoreError {
    fn from(error: DriverError) -> Self {
        let told = told_of(&error);
        let is_retryable = LABELS.iter().any(|label| error.contains_label(label));
        match told.fault {
            Fault::Unknown if is_retryable => StoreError {
                fault: Fault::Moment,
                ..told
            },
            _ => told,
        }
    }
}

fn told_of(error: &DriverError) -> StoreError {
    match error.kind.as_ref() {
        ErrorKind::Command(command) if command.code == BAD_VALUE => StoreError {
            fault: Fault::Unknown,
            ..server_error(&command.message, command.code)
        },
        ErrorKind::Command(command) => server_error(&command.message, command.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => {
            server_error(&error.message, error.code)
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => StoreError {
            fault: Fault::Moment,
            ..server_error(&error.message, error.code)
        },
        // It quotes the error of another request.
        kind @ ErrorKind::ConnectionPoolCleared { .. } => {
            StoreError::transient(foreign_text::without_values(&kind.to_string()))
        }
        kind @ (ErrorKind::Io(_)
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::DnsResolve { .. }) => {
            StoreError::transient(foreign_text::shown(&kind.to_string()))
        }
        // The driver failed, or was shut down, before or after the request.
        kind @ (ErrorKind::Internal { .. } | ErrorKind::Shutdown) => {
            StoreError::transient(foreign_text::without_values(&kind.to_string()))
        }
        kind @ (ErrorKind::Authentication { .. }
        | ErrorKind::IncompatibleServer { .. }
        | ErrorKind::InvalidTlsConfig { .. }
        | ErrorKind::SessionsNotSupported) => StoreError::new(
            Fault::Connection,
            foreign_text::without_values(&kind.to_string()),
        ),
        kind => StoreError::permanent(foreign_text::without_values(&kind.to_string())),
    }
}

/// The error that the server answers with.
pub fn server_error(message: &str, code: i32) -> StoreError {
    let is_unauthorized = code == UNAUTHORIZED;
    // The user was dropped.
    let has_no_user = is_unauthorized && message.contains("requires authentication");
    let fault = match has_no_user {
        true => Fault::Connection,
        false => fault_of(code),
    };
    StoreError {
        code: Some(code),
        missing_privilege: action_in(message).filter(|_| is_unauthorized),
        ..StoreError::new(fault, server_message(message, code))
    }
}

/// The action of the command that the server quotes: `… to execute command { insert: "gsoevents", …`.
fn action_in(message: &str) -> Option<String> {
    let (_, quoted) = message.split_once("to execute command { ")?;
    let (command, _) = quoted.split_once(':')?;
    let action = match command {
        "aggregate" | "count" | "distinct" => "find",
        "delete" => "remove",
        "findAndModify" => "update",
        action => action,
    };
    Some(action.to_owned())
}

/// The server's code for a command or a write that it refused.
pub fn code_of(error: &DriverError) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(refusal)) => Some(refusal.code),
        _ => None,
    }
}

/// Whether a document with this `_id` is there already.
pub fn is_duplicate_id(error: &DriverError) -> bool {
    let message = match error.kind.as_ref() {
        ErrorKind::Command(command) => &command.message,
        ErrorKind::Write(WriteFailure::WriteError(refusal)) => &refusal.message,
        _ => return false,
    };
    code_of(error) == Some(DUPLICATE_KEY) && message.contains("index: _id_ ")
}

/// The error of a read with a hint: that it names no index, or another one. The index may be under way.
pub fn without_index(error: DriverError, collection: &str, field: &str) -> StoreError {
    match code_of(&error) {
        Some(BAD_VALUE) => StoreError::transient(format!(
            "{collection} has no index on {field}, without which all of it would be read: create it"
        )),
        _ => error.into(),
    }
}

/// A reply of the server that lacks something.
pub fn unexpected(what: &str) -> StoreError {
    StoreError::permanent(format!("MongoDB answered without {what}"))
}

/// The server's message, without the command and the documents that it quotes.
fn server_message(message: &str, code: i32) -> String {
    let message = message.split(" to execute command").next().unwrap_or("");
    let shown = match fault_of(code) {
        Fault::Content | Fault::Unknown => foreign_text::about_a_document(message),
        Fault::Moment | Fault::Connection | Fault::Collection => {
            foreign_text::without_values(message)
        }
    };
    format!("{shown} (code {code})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::is_unauthorized;

    #[test]
    fn a_connection_without_a_user_lacks_no_right() {
        let dropped = server_error("Command insert requires authentication", 13);
        assert!(dropped.is_unauthenticated() && dropped.is_of_connection());
        assert!(!is_unauthorized(&dropped));
        let message = "not authorized on db to execute command { insert: \"events\", … }";
        let lacking = server_error(message, 13);
        assert!(is_unauthorized(&lacking) && !lacking.is_unauthenticated());
        assert_eq!(lacking.missing_privilege.as_deref(), Some("insert"));
    }
}
