//! Prices: what an event that is a purchase says was paid.

use crate::util::bytes::{array_at, f64_at};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// In minor units of the currency; negative for a refund.
    pub cents: f64,
    /// `None` where the event names none that could be one.
    pub currency: Option<Currency>,
}

/// A code of ISO 4217: three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Price {
    pub const BYTES: usize = 11;

    /// Reads it as frames and the spool hold it, little endian: f64 cents, 3 bytes of the currency or zeros.
    pub fn read(bytes: &[u8]) -> Option<Price> {
        Some(Price {
            cents: f64_at(bytes, 0)?,
            currency: Currency::read(array_at(bytes, 8)?),
        })
    }

    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.cents.to_le_bytes());
        if let Some(Currency(code)) = self.currency {
            bytes[8..].copy_from_slice(&code);
        }
        bytes
    }
}

impl Currency {
    fn read(code: [u8; 3]) -> Option<Currency> {
        let is_code = code.iter().all(u8::is_ascii_uppercase);
        is_code.then_some(Currency(code))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_as_it_was_written() {
        for code in [*b"EUR", [0; 3]] {
            let price = Price {
                cents: -1250.0,
                currency: Currency::read(code),
            };
            assert_eq!(Price::read(&price.to_bytes()), Some(price));
        }
        assert_eq!(Price::read(&[0; Price::BYTES - 1]), None);
    }

    #[test]
    fn a_currency_has_three_capital_letters() {
        let code = |code: &[u8; 3]| Currency::read(*code).map(|one| one.as_str().to_owned());
        assert_eq!(code(b"USD").as_deref(), Some("USD"));
        for bad in [b"usd", b"U\0D", b"U1D", b"\xffSD"] {
            assert_eq!(code(bad), None);
        }
    }
}
