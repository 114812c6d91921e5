//! Incarnation: one instance from its construction to its end. With a spool it is not the writer, whose id a
//! restart inherits; two instances of one process have two.

use std::fmt;

use bson::oid::ObjectId;

use crate::util::random::Random;

/// Five random bytes, shown as ten hexadecimal digits: the key of the instance's presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation([u8; 5]);

impl Incarnation {
    pub fn fresh(random: &Random) -> Self {
        Self(random.bytes())
    }

    /// The incarnation that a session's `_id` names.
    pub fn of(session: ObjectId) -> Self {
        let [_, _, _, _, bytes @ .., _, _, _] = session.bytes();
        Self(bytes)
    }

    pub fn bytes(self) -> [u8; 5] {
        self.0
    }

    /// Whose claim follows that of an instance which was seen once more and did not find it.
    pub fn heir(self) -> Self {
        let mut number = [0; 8];
        number[3..].copy_from_slice(&self.0);
        let [_, _, _, bytes @ ..] = u64::from_be_bytes(number).wrapping_add(1).to_be_bytes();
        Self(bytes)
    }

    /// The incarnation that is shown as this text.
    pub fn named(text: &str) -> Option<Self> {
        if text.len() != 10 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = u64::from_str_radix(text, 16).ok()?;
        let [_, _, _, bytes @ ..] = number.to_be_bytes();
        Some(Self(bytes))
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incarnation_is_named_by_what_it_is_shown_as() {
        let one = Incarnation([0, 1, 0xab, 0xff, 9]);
        assert_eq!(one.to_string(), "0001abff09");
        assert_eq!(Incarnation::named("0001abff09"), Some(one));
        for text in ["", "0001abff0", "0001abff099", "+001abff09", "0001abff0é"] {
            assert_eq!(Incarnation::named(text), None, "{text}");
        }
        assert_eq!(one.heir().to_string(), "0001abff0a");
        assert_eq!(Incarnation([0xff; 5]).heir(), Incarnation([0; 5]));
        let random = Random::default();
        assert_ne!(Incarnation::fresh(&random), Incarnation::fresh(&random));
    }
}
