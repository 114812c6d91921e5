//! Errors of the constructor.

use napi::Error;

use crate::config::ConfigError;
use crate::instance::error;

/// The option with a connection string.
pub const URI: &str = "uri";

/// Why there is no instance; the codes of the public interface but for an option, which has none.
pub enum ErrorCode {
    InvalidOption,
    InvalidUri,
    SpoolUnavailable,
    NoResources,
    Internal,
}

impl AsRef<str> for ErrorCode {
    fn as_ref(&self) -> &str {
        match self {
            Self::InvalidOption => "InvalidArg",
            Self::InvalidUri => "ANALYTICS_INVALID_URI",
            Self::SpoolUnavailable => "ANALYTICS_SPOOL_UNAVAILABLE",
            Self::NoResources => "ANALYTICS_NO_RESOURCES",
            Self::Internal => error::Error::Internal.code(),
        }
    }
}

pub fn refused(error: ConfigError) -> Error<ErrorCode> {
    let code = match error.field == URI {
        true => ErrorCode::InvalidUri,
        false => ErrorCode::InvalidOption,
    };
    Error::new(code, error.to_string())
}

pub fn no_resources(error: &std::io::Error) -> Error<ErrorCode> {
    let problem = format!(
        "the system refuses threads or file descriptors: {error}; this process can track nothing: \
         raise its limits (processes, open files), or make the instance later"
    );
    Error::new(ErrorCode::NoResources, problem)
}

pub fn internal(error: Error) -> Error<ErrorCode> {
    Error::new(ErrorCode::Internal, error.reason.clone())
}
