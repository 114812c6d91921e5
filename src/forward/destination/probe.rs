//! Probe: one event in a request of its own, once and past the queue, to learn what the service answers.

use std::sync::Arc;

use super::profile::Profile;
use super::request::Request;
use crate::forward::event::ForwardedEvent;
use crate::forward::transport::{Disposition, Transport};
use crate::util::foreign_text;

/// What came of it. Its texts are those of others, as they may be shown.
#[derive(Debug, PartialEq, Eq)]
pub struct Probe {
    /// `taken`, `away` (it may take it later), `misconfigured`, `refused` or `gone` (for good).
    pub verdict: &'static str,
    /// `None` without an answer.
    pub status: Option<u16>,
    /// The beginning of the body.
    pub answer: String,
    /// Why it was not taken, where the answer or its lack says so.
    pub problem: Option<String>,
}

pub async fn probe<T: Transport>(
    profile: &Arc<Profile>,
    transport: &T,
    event: &ForwardedEvent,
) -> Probe {
    let without_answer = |verdict, problem: &str| Probe {
        verdict,
        status: None,
        answer: String::new(),
        problem: Some(foreign_text::shown(problem)),
    };
    let post = match Request::alone(profile, event) {
        Ok(post) => post,
        Err(error) => return without_answer("refused", error.0),
    };
    let response = match transport.post(post).await {
        Ok(response) => response,
        Err(problem) => return without_answer("away", &problem),
    };
    let (verdict, problem) = match profile.format.interpret(&response, 1) {
        Disposition::Delivered => ("taken", None),
        Disposition::Retry | Disposition::Throttled(_) => ("away", None),
        Disposition::ConfigError => ("misconfigured", None),
        Disposition::Partly { problem, .. } | Disposition::RefusedAt { problem, .. } => {
            ("refused", Some(problem))
        }
        Disposition::TooLarge | Disposition::Refused => ("refused", None),
        Disposition::Gone => ("gone", None),
    };
    Probe {
        verdict,
        status: Some(response.status),
        answer: foreign_text::shown(&String::from_utf8_lossy(&response.body)),
        problem: problem.map(|problem| foreign_text::shown(&problem)),
    }
}
