//! HTTP client of one endpoint. Redirections are not followed, proxies of the environment are not used, and
//! connections are kept for the next request.
//!
//! Everything that a service sends is bounded: heads, interim answers (1xx), the body, and the time for all
//! of it. What goes beyond costs the connection.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use hyper::{Request, Response as Answer};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use percent_encoding::percent_decode_str;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::endpoint::{Endpoint, Post, Transport};
use super::look_up::LookUp;
use super::retry_after;
use super::status::Response;
use super::tls::Tls;
use crate::util::clock::system_ms;
use crate::util::threads::Threads;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than servers keep an idle connection, or requests would meet its end.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// Longest head of a response.
const HEAD_BYTES: usize = 64 * 1024;
/// Most interim responses (1xx) to one request.
const INTERIM_RESPONSES: usize = 16;
/// Longest part of a body that is looked at.
const RESPONSE_BYTES: usize = 64 * 1024;
const NO_ANSWER: &str = "it did not answer in time";

type HttpClient = Client<HttpsConnector<HttpConnector<LookUp>>, Full<Bytes>>;

pub struct Http {
    url: String,
    authorization: Option<String>,
    is_gzip: bool,
    /// From connecting to the end of the response.
    timeout: Duration,
    /// Made for the first request, not by the constructor of the host: it may read many certificates.
    client: LazyLock<HttpClient, Box<dyn FnOnce() -> HttpClient + Send>>,
}

impl Http {
    /// Names are looked up on `threads`.
    pub fn new(endpoint: Endpoint, timeout: Duration, tls: Tls, threads: &Threads) -> Self {
        let look_up = LookUp::new(threads);
        let (url, basic) = without_user(&endpoint.url);
        Self {
            url,
            authorization: endpoint.basic.or(basic).map(|(user, password)| {
                let text = BASE64_STANDARD.encode(format!("{user}:{password}"));
                format!("Basic {text}")
            }),
            is_gzip: endpoint.is_gzip,
            timeout,
            client: LazyLock::new(Box::new(move || client(&tls, look_up))),
        }
    }

    fn request(&self, post: Post) -> Result<Request<Full<Bytes>>, String> {
        let mut request = Request::post(&self.url)
            .header(ACCEPT, "*/*")
            .header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if self.is_gzip {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        for (name, value) in post.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::from(post.body));
        request.map_err(|_| "its URL cannot be used".to_owned())
    }

    /// The final response. The service is left when it sends too many others before.
    async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Answer<Incoming>, String> {
        let flooded = Arc::new(Notify::new());
        let (flood, interim) = (Arc::clone(&flooded), AtomicUsize::new(0));
        hyper::ext::on_informational(&mut request, move |_| {
            if interim.fetch_add(1, Ordering::Relaxed) == INTERIM_RESPONSES {
                flood.notify_one();
            }
        });
        tokio::select! {
            response = self.client.request(request) => response.map_err(|error| describe(&error)),
            () = flooded.notified() => {
                Err(format!("it sent more than {INTERIM_RESPONSES} interim responses (1xx)"))
            }
        }
    }
}

fn client(tls: &Tls, look_up: LookUp) -> HttpClient {
    let mut tcp = HttpConnector::new_with_resolver(look_up);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls.client())
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(KEEP_ALIVE)
        .http1_max_buf_size(HEAD_BYTES)
        .build(connector)
}

impl Transport for Http {
    async fn post(&self, post: Post) -> Result<Response, String> {
        let deadline = Instant::now() + self.timeout;
        let sending = self.send(self.request(post)?);
        let sent = timeout_at(deadline, sending).await.map_err(|_| NO_ANSWER)?;
        let response = sent?;
        let waits = response.headers().get_all(RETRY_AFTER).iter();
        let waits = waits.filter_map(|value| retry_after::parse(value.to_str().ok()?, system_ms()));
        let retry_after = waits.max();
        let status = response.status();
        let read = timeout_at(deadline, read_body(response.into_body())).await;
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

/// The URL as it is requested, with the user and the password that stand in it.
fn without_user(text: &str) -> (String, Option<(String, String)>) {
    let Ok(mut url) = Url::parse(text) else {
        return (text.to_owned(), None);
    };
    if url.username().is_empty() && url.password().is_none() {
        return (url.into(), None);
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = (
        decoded(url.username()),
        decoded(url.password().unwrap_or_default()),
    );
    // Only URLs without a host have no user.
    let _ = (url.set_username(""), url.set_password(None));
    (url.into(), Some(user))
}

/// Reads to the end, so that the connection can be used again; an endless body costs the connection.
async fn read_body(mut response: Incoming) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(frame) = response.frame().await {
        let frame = frame.map_err(|error| describe(&error))?;
        let chunk = frame.data_ref().map_or(&[][..], |data| data);
        let room = RESPONSE_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    Ok(body)
}

/// Errors of the client and what caused them. They do not tell the URL, which may hold credentials.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_of_a_url_become_a_header() {
        for (given, url, user) in [
            ("http://h:1/a?b=c", "http://h:1/a?b=c", None),
            ("http://h/a b", "http://h/a%20b", None),
            ("http://u:p%40q@h/", "http://h/", Some(("u", "p@q"))),
            ("https://u@h/x", "https://h/x", Some(("u", ""))),
        ] {
            let user = user.map(|(name, password)| (name.to_owned(), password.to_owned()));
            assert_eq!(without_user(given), (url.to_owned(), user), "{given}");
        }
    }
}
