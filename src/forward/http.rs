//! Posts bodies over HTTP: the only place that names `reqwest`. Redirections are not followed, proxies
//! of the environment are not used, and connections are kept for the next request.

use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use tokio::time::{Instant, timeout_at};

use super::formats::Endpoint;
use super::lane::Transport;
use super::verdict::Answer;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than servers keep a connection that is not used, or requests would meet its end.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// As much of an answer as is looked at.
const ANSWER_BYTES: usize = 64 * 1024;
const NO_ANSWER: &str = "it did not answer in time";

pub struct Http {
    endpoint: Endpoint,
    /// From connecting to the end of the answer.
    deadline: Duration,
    /// `None` when the TLS set-up of this machine cannot be used.
    client: Option<reqwest::Client>,
}

impl Http {
    pub fn new(endpoint: Endpoint, deadline: Duration) -> Self {
        // Fails only when another provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(KEEP_ALIVE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .ok();
        Self {
            endpoint,
            deadline,
            client,
        }
    }

    fn request(&self, body: Vec<u8>) -> Result<reqwest::RequestBuilder, String> {
        let client = self
            .client
            .as_ref()
            .ok_or("no TLS set-up on this machine")?;
        let mut request = client
            .post(&self.endpoint.url)
            .header(CONTENT_TYPE, "application/json");
        if let Some((user, password)) = &self.endpoint.basic {
            request = request.basic_auth(user, Some(password));
        }
        if self.endpoint.is_gzip {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        Ok(request.body(body))
    }
}

impl Transport for Http {
    async fn post(&self, body: Vec<u8>) -> Result<Answer, String> {
        let deadline = Instant::now() + self.deadline;
        let sending = self.request(body)?.send();
        let sent = timeout_at(deadline, sending).await.map_err(|_| NO_ANSWER)?;
        let mut response = sent.map_err(describe)?;
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let status = response.status();
        let read = timeout_at(deadline, read_body(&mut response)).await;
        let body = match read.unwrap_or_else(|_| Err(NO_ANSWER.to_owned())) {
            Ok(body) => body,
            // It has said that it took everything.
            Err(_) if status.is_success() => Vec::new(),
            Err(problem) => return Err(problem),
        };
        Ok(Answer {
            status: status.as_u16(),
            retry_after,
            body,
        })
    }
}

/// Reading to the end lets the connection serve again; an answer without end costs it.
async fn read_body(response: &mut reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(describe)? {
        let room = ANSWER_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    Ok(body)
}

/// Without the URL, which may hold credentials.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return NO_ANSWER.to_owned();
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
