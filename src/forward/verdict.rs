//! What an answer means for the events that were sent: a pure function of the answer.

use std::time::Duration;

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    /// At most its first 64 KiB.
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All of them arrived.
    Delivered,
    /// All arrived but those at these places of the request, which are never taken.
    Partly {
        refused: Vec<usize>,
        problem: String,
    },
    /// A matter of time.
    Retry,
    /// A matter of settings, most likely: somebody has to see to it.
    RetrySlowly,
    /// A smaller request may do.
    TooLarge,
    /// Something of the request is never taken; it is not said what.
    Refused,
    /// The receiver is gone for good.
    Gone,
}

/// Longest wait that a receiver may ask for.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// The meaning of a status, unless a format knows better. A redirection is not followed: whoever
/// answers with one is not the receiver.
pub fn judge(status: u16) -> Verdict {
    match status {
        200..=299 => Verdict::Delivered,
        408 | 425 | 429 => Verdict::Retry,
        410 => Verdict::Gone,
        413 => Verdict::TooLarge,
        401 | 403 | 404 | 501 | 505 => Verdict::RetrySlowly,
        400..=499 => Verdict::Refused,
        500..=599 => Verdict::Retry,
        _ => Verdict::RetrySlowly,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_verdict() {
        use Verdict::*;
        for (verdict, statuses) in [
            (Delivered, &[200, 201, 202, 204, 299][..]),
            (Retry, &[408, 425, 429, 500, 502, 503, 504, 520, 599]),
            (
                RetrySlowly,
                &[
                    301, 302, 303, 307, 308, 304, 401, 403, 404, 501, 505, 600, 999,
                ],
            ),
            (TooLarge, &[413]),
            (Gone, &[410]),
            (Refused, &[400, 402, 405, 406, 409, 411, 415, 422, 451]),
        ] {
            for status in statuses {
                assert_eq!(judge(*status), verdict, "{status}");
            }
        }
    }
}
