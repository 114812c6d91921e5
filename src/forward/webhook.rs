//! The raw webhook: one POST per event with the body that `JSON.stringify` made.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::shared::Shared;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For one request from connecting to the last byte of the answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub struct Client {
    url: String,
    /// `None` when the TLS set-up of this machine cannot be used; every event then counts as lost.
    http: Option<reqwest::Client>,
}

impl Client {
    pub fn new(url: &str) -> Client {
        // Fails only when another provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .ok();
        Client {
            url: url.to_owned(),
            http,
        }
    }

    async fn post(&self, body: Box<[u8]>) -> Result<(), String> {
        let http = self.http.as_ref().ok_or("no TLS set-up on this machine")?;
        let answer = http
            .post(&self.url)
            .header("content-type", "application/json")
            .body(Vec::from(body))
            .send()
            .await
            // Without the URL, which may hold credentials.
            .map_err(|error| describe(&error.without_url()))?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(format!("it answered {}", answer.status().as_u16()))
        }
    }
}

fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Sends one body after the other until the sender is gone.
pub async fn run(client: Client, mut bodies: UnboundedReceiver<Box<[u8]>>, shared: Arc<Shared>) {
    while let Some(body) = bodies.recv().await {
        let bytes = body.len();
        match client.post(body).await {
            Ok(()) => shared.health.forward(),
            Err(problem) => {
                shared.health.drop_forward("failed");
                shared.warn_once("webhook_failed", || {
                    format!("an event was not forwarded to the webhook: {problem}; see getHealth()")
                });
                shared.health.error(format!("webhook: {problem}"));
            }
        }
        shared.release_forward(bytes);
    }
}
