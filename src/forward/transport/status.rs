//! Response of a service, and what it means for the events of the request.

use std::collections::BTreeSet;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// The wait that `Retry-After` asks for; zero without it.
    pub retry_after: Duration,
    /// At most its first 64 KiB.
    pub body: Vec<u8>,
}

/// What becomes of the events of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// All were taken.
    Delivered,
    /// All were taken but so many, which never are. The problem may quote secrets.
    Partly { refused: usize, problem: String },
    /// None was taken, and those at these positions never are. The problem may quote secrets.
    RefusedAt {
        events: BTreeSet<usize>,
        problem: String,
    },
    /// The same request may succeed later.
    Retry,
    /// None was taken, as some senders send too much; without those the same request may succeed.
    Throttled(Senders),
    /// It may succeed after a change of settings, here or there.
    ConfigError,
    /// A smaller request may succeed.
    TooLarge,
    /// Some of them are never taken; the response does not say which.
    Refused,
    /// The service is gone for good.
    Gone,
}

/// Senders in a request, by the positions of their events or by the names under which the service knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Senders {
    pub positions: BTreeSet<usize>,
    pub names: BTreeSet<String>,
}

/// The meaning of a status, unless a format knows better. A redirection is not followed: whoever answers
/// with one is not the service.
pub fn of_status(status: u16) -> Disposition {
    match status {
        200..=299 => Disposition::Delivered,
        408 | 425 | 429 => Disposition::Retry,
        410 => Disposition::Gone,
        413 => Disposition::TooLarge,
        401 | 403 | 404 | 501 | 505 => Disposition::ConfigError,
        400..=499 => Disposition::Refused,
        500..=599 => Disposition::Retry,
        _ => Disposition::ConfigError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        use Disposition::*;
        for (disposition, statuses) in [
            (Delivered, &[200, 201, 202, 204, 299][..]),
            (Retry, &[408, 425, 429, 500, 502, 503, 504, 520, 599]),
            (
                ConfigError,
                &[
                    301, 302, 303, 307, 308, 304, 401, 403, 404, 501, 505, 600, 999,
                ],
            ),
            (TooLarge, &[413]),
            (Gone, &[410]),
            (Refused, &[400, 402, 405, 406, 409, 411, 415, 422, 451]),
        ] {
            for status in statuses {
                assert_eq!(of_status(*status), disposition, "{status}");
            }
        }
    }
}
