//! Transport of request bodies to a service, and its responses.

mod endpoint;
mod http;
mod look_up;
mod retry_after;
mod status;
mod tls;

pub use endpoint::{Endpoint, Header, Post, Transport};
pub use http::Http;
pub use status::{Disposition, Response, Senders, of_status};
pub use tls::Tls;

#[cfg(test)]
pub use retry_after::parse as parse_retry_after;
