//! Errors a caller can see, each with a code that stays the same between releases.

use std::fmt;

/// Why an operation that the caller awaits did not succeed.
///
/// In JavaScript each becomes an `Error` whose `code` is [`Error::code`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Not finished in time, which is `operationTimeoutMs` but for scrapes; carries what was last seen to go wrong, if
    /// anything.
    Timeout {
        operation: &'static str,
        after_ms: u64,
        is_by_option: bool,
        cause: Option<String>,
    },
    /// Days or sessions that were stored before are still being summed up; try again later.
    HistoryBuilding { after_ms: u64 },
    /// Reports are off, by the settings or for lack of rights.
    ReportsOff { operation: &'static str },
    /// The database refused a read in a way that repeating will not change.
    Database { message: String },
    /// The instance meets a defect of this package whatever it does, and stores nothing for now.
    Internal,
}

impl Error {
    /// The stable `code` of the JavaScript error.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Timeout { .. } => "ANALYTICS_TIMEOUT",
            Error::HistoryBuilding { .. } => "ANALYTICS_HISTORY_BUILDING",
            Error::ReportsOff { .. } => "ANALYTICS_REPORTS_OFF",
            Error::Database { .. } => "ANALYTICS_DATABASE",
            Error::Internal => "ANALYTICS_INTERNAL",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Timeout {
                operation,
                after_ms,
                is_by_option,
                cause,
            } => {
                write!(f, "{operation} was not finished after {after_ms} ms")?;
                if *is_by_option {
                    f.write_str(", the limit of operationTimeoutMs")?;
                }
                match cause {
                    Some(cause) => write!(f, ": {cause}"),
                    None => Ok(()),
                }
            }
            Error::HistoryBuilding { after_ms } => write!(
                f,
                "the sessions stored before are still being summed up after {after_ms} ms; try again later"
            ),
            Error::ReportsOff { operation } => write!(
                f,
                "{operation} answers out of reports, which are off: by reports: 'off', or because the user lacks \
                 rights, see the log"
            ),
            Error::Database { message } => f.write_str(message),
            Error::Internal => f.write_str(
                "this instance meets a defect of gso-analytics: what was asked was not answered, and records wait; \
                 see getHealth().lastError",
            ),
        }
    }
}

impl std::error::Error for Error {}
