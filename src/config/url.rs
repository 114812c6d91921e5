//! URLs that events can be posted to.

use url::Url;

/// Whether the text is an absolute `http` or `https` URL.
pub fn is_http(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
