//! Records: what each holds and adds, and how events with a key are told apart in a total.

use crate::pipeline::tests::model::scenario::AMOUNTS;
use crate::record::counters::Counter;
use crate::store::Delta;

/// A numbered record.
#[derive(Debug, Clone)]
pub struct Record {
    pub id: i32,
    pub process: usize,
    /// From 1, without gaps.
    pub number: i64,
    pub day: String,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    Event {
        counter: Counter,
        amount: f64,
        stored: bool,
    },
    /// One delivery of the event with this key.
    Keyed {
        key: u8,
    },
    Login {
        user: String,
    },
    /// Of the session that this record began.
    Logout {
        login: i32,
        logout_ms: i64,
        seconds: f64,
    },
}

impl Record {
    /// What it adds, but for distinct users. Of events with a key another delivery may be the one that counts,
    /// so their totals are looked at by themselves.
    pub fn delta(&self) -> Delta {
        let mut delta = Delta::default();
        let (counter, amount) = match self.what {
            What::Keyed { .. } => return delta,
            What::Event {
                counter, amount, ..
            } => (counter, amount),
            What::Login { .. } => (Counter::SessionCount, 1.0),
            What::Logout { seconds, .. } => (Counter::TotalSessionS, seconds),
        };
        delta.add(counter, amount);
        if counter == Counter::TotalSessionS && amount > 0.0 {
            delta.session_seconds = amount;
            delta.sessions_closed = 1.0;
        }
        delta
    }

    /// The end of the name under which its queue adds.
    pub fn queue(&self) -> &'static str {
        match self.what {
            What::Event { .. } => "e",
            What::Keyed { .. } => "k",
            What::Login { .. } => "i",
            What::Logout { .. } => "o",
        }
    }

    pub fn key(&self) -> Option<u8> {
        match self.what {
            What::Keyed { key } => Some(key),
            _ => None,
        }
    }

    /// Whether something was paid.
    pub fn is_purchase(&self) -> bool {
        match self.what {
            What::Event {
                counter, stored, ..
            } => stored && counter == Counter::CreditsEarned,
            What::Keyed { key } => is_purchase(key),
            What::Login { .. } | What::Logout { .. } => false,
        }
    }

    pub fn login(&self) -> Option<&str> {
        match &self.what {
            What::Login { user } => Some(user),
            _ => None,
        }
    }
}

/// The name of events with a key.
pub const KEYED_EVENT: &str = "keyed";

/// Whether the event with a key is a purchase.
pub fn is_purchase(key: u8) -> bool {
    key.is_multiple_of(2)
}

/// The total of events with a key.
pub const KEYED: Counter = Counter::StripeRevenue;

/// Each key has a digit of the total of its own, which is 0 or one of the amounts: no sum of some of them
/// looks like another.
pub fn place_of(key: u8) -> f64 {
    f64::from(AMOUNTS + 1).powi(key.into())
}

/// The digit of a key in a total.
pub fn digit(total: f64, key: u8) -> f64 {
    let base = f64::from(AMOUNTS + 1);
    (total / place_of(key)).floor() % base * place_of(key)
}
