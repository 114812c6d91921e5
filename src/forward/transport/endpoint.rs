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

/// One request.
#[derive(Default)]
pub struct Post {
    /// Headers of this request alone, as its signature.
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
}

/// Its name in small letters, and its value.
pub type Header = (&'static str, String);

pub trait Transport: Send + Sync + 'static {
    /// Posts one request; an error says what went wrong, without secrets.
    fn post(&self, post: Post) -> impl Future<Output = Result<Response, String>> + Send;
}
