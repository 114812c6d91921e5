//! The raw webhook: one request per event, with the body that JavaScript made, byte for byte. With secrets
//! it is signed as [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0 says.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::hmac::{self, Context, HMAC_SHA256};

use super::format::{EncodeError, Format, Limits};
use crate::config::SigningSecret;
use crate::forward::event::ForwardedEvent;
use crate::forward::transport::{Endpoint, Header};

pub struct Raw {
    /// Each signs every request; none is signed without one.
    keys: Vec<hmac::Key>,
}

impl Raw {
    pub fn new(secrets: &[SigningSecret]) -> Self {
        let key = |secret: &SigningSecret| hmac::Key::new(HMAC_SHA256, &secret.key);
        Self {
            keys: secrets.iter().map(key).collect(),
        }
    }
}

impl Format for Raw {
    fn endpoint(&self, url: &str) -> Endpoint {
        Endpoint {
            url: url.to_owned(),
            basic: None,
            is_gzip: false,
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            events: 1,
            bytes: usize::MAX,
        }
    }

    fn encode(&self, event: &ForwardedEvent) -> Result<Vec<u8>, EncodeError> {
        Ok(event.body.to_vec())
    }

    fn body(&self, events: &[Vec<u8>], _now_ms: i64) -> Vec<u8> {
        events.concat()
    }

    /// The id is the same in every attempt, the time that of the attempt.
    fn headers(&self, first: &ForwardedEvent, bytes: &[u8], now_ms: i64) -> Vec<Header> {
        if self.keys.is_empty() {
            return Vec::new();
        }
        let (id, seconds) = (first.id.to_string(), now_ms.div_euclid(1000));
        let signature = |key| {
            let mut context = Context::with_key(key);
            context.update(format!("{id}.{seconds}.").as_bytes());
            context.update(bytes);
            format!("v1,{}", BASE64_STANDARD.encode(context.sign()))
        };
        let signatures: Vec<String> = self.keys.iter().map(signature).collect();
        vec![
            ("webhook-signature", signatures.join(" ")),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-id", id),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::event::testing::event;

    fn secret(byte: u8) -> SigningSecret {
        SigningSecret {
            base64: String::new(),
            key: vec![byte; 24],
        }
    }

    fn headers(secrets: &[SigningSecret], seq: i64, now_ms: i64) -> Vec<Header> {
        let event = event(seq, "ann", "{}");
        Raw::new(secrets).headers(&event, &event.body, now_ms)
    }

    #[test]
    fn without_a_secret_there_is_no_header() {
        assert_eq!(headers(&[], 5, 1_795_392_000_999), []);
    }

    #[test]
    fn a_signature_covers_the_id_the_time_in_seconds_and_the_body() {
        let signed = headers(&[secret(7)], 5, 1_795_392_000_999);
        assert_eq!(
            signed,
            [
                (
                    "webhook-signature",
                    "v1,+42CN/2FNcwl8v0Mf7xuerm0gHzPb64jLYfEr4My8hw=".to_owned()
                ),
                ("webhook-timestamp", "1795392000".to_owned()),
                ("webhook-id", event(5, "ann", "{}").id.to_string()),
            ]
        );
        assert_ne!(signed[0], headers(&[secret(7)], 5, 1_795_392_001_999)[0]);
        assert_ne!(signed[0], headers(&[secret(7)], 6, 1_795_392_000_999)[0]);
        assert_ne!(signed[0], headers(&[secret(8)], 5, 1_795_392_000_999)[0]);
    }

    #[test]
    fn each_of_two_secrets_signs() {
        let of = |secrets: &[SigningSecret]| headers(secrets, 5, 0).remove(0).1;
        let both = of(&[secret(1), secret(2)]);
        assert_eq!(both, format!("{} {}", of(&[secret(1)]), of(&[secret(2)])));
    }
}
