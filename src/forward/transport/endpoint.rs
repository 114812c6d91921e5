//! Endpoint of a service, and the way to it.

use super::status::Response;

/// It has no `Debug`: it holds credentials.
#[derive(Clone)]
pub struct Endpoint {
    pub url: String,
    /// User and password of `Authorization: Basic`.
    pub basic: Option<(String, String)>,
    pub is_gzip: bool,
}

pub trait Transport: Send + Sync + 'static {
    /// Posts one body; an error says what went wrong, without secrets.
    fn post(&self, body: Vec<u8>) -> impl Future<Output = Result<Response, String>> + Send;
}
