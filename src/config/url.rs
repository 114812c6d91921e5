//! URLs that events can be posted to.

use url::Url;

/// Whether the text is a URL to which requests are encrypted.
pub fn is_https(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "https")
}

/// Whether the text is an absolute `http` or `https` URL.
pub fn is_http(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
