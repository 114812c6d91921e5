//! HTTP client of one endpoint. Redirections are not followed, proxies of the environment are not used, and
//! connections are kept for the next request.

use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use tokio::time::{Instant, timeout_at};

use super::endpoint::{Endpoint, Transport};
use super::retry_after;
use super::status::Response;
use crate::util::clock::system_ms;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than servers keep an idle connection, or requests would meet its end.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// Longest part of a body that is looked at.
const RESPONSE_BYTES: usize = 64 * 1024;
const NO_ANSWER: &str = "it did not answer in time";

pub struct Http {
    endpoint: Endpoint,
    /// From connecting to the end of the response.
    timeout: Duration,
    /// `None` if the TLS configuration of this machine cannot be used.
    client: Option<reqwest::Client>,
}

impl Http {
    pub fn new(endpoint: Endpoint, timeout: Duration) -> Self {
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
            timeout,
            client,
        }
    }

    fn request(&self, body: Vec<u8>) -> Result<reqwest::RequestBuilder, String> {
        let client = self
            .client
            .as_ref()
            .ok_or("TLS cannot be used on this machine")?;
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
    async fn post(&self, body: Vec<u8>) -> Result<Response, String> {
        let deadline = Instant::now() + self.timeout;
        let sending = self.request(body)?.send();
        let sent = timeout_at(deadline, sending).await.map_err(|_| NO_ANSWER)?;
        let mut response = sent.map_err(describe)?;
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|value| retry_after::parse(value, system_ms()));
        let status = response.status();
        let read = timeout_at(deadline, read_body(&mut response)).await;
        let body = match read.unwrap_or_else(|_| Err(NO_ANSWER.to_owned())) {
            Ok(body) => body,
            // The status says that it took everything.
            Err(_) if status.is_success() => Vec::new(),
            Err(problem) => return Err(problem),
        };
        Ok(Response {
            status: status.as_u16(),
            retry_after: retry_after.unwrap_or_default(),
            body,
        })
    }
}

/// Reads to the end, so that the connection can be used again; an endless body costs the connection.
async fn read_body(response: &mut reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(describe)? {
        let room = RESPONSE_BYTES - body.len();
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
