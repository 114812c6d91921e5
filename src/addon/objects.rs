//! Objects that JavaScript is given, and names that it gives.

use napi_derive::napi;

use crate::{config, pipeline};

/// An instance that is made to read.
#[napi(object, object_to_js = false)]
pub struct ReaderOptions {
    /// The name of the destination to which it forwards what it is handed.
    pub destination: Option<String>,
    /// Whether it was given none of the game's options, and takes what it needs of them from the reports.
    pub learns: bool,
}

/// What an event adds to, and whether it is a purchase.
#[napi(object, object_from_js = false)]
pub struct CountedEvent {
    /// Its name.
    pub event: String,
    /// The counter's index in a frame; 0 for none.
    pub index: u32,
    /// The field of the payload that holds the amount; null counts 1.
    pub amount: Option<String>,
    /// Of a purchase.
    pub price: Option<PriceFields>,
}

/// The fields of the payload that hold what was paid.
#[napi(object, object_from_js = false)]
pub struct PriceFields {
    pub amount: String,
    /// Null for a price that is always in the default currency.
    pub currency: Option<String>,
}

impl From<&config::PriceFields> for PriceFields {
    fn from(fields: &config::PriceFields) -> Self {
        Self {
            amount: fields.amount.clone(),
            currency: fields.currency.clone(),
        }
    }
}

/// What a host without a connection may still have.
#[napi(string_enum = "camelCase")]
pub enum Outlook {
    /// Its mongoose has begun to connect.
    Connecting,
    /// A mongoose is loaded or installed, and may begin to connect.
    MayConnect,
    /// The same, and a connection of `createConnection()` is connected.
    OtherConnected,
    /// It has no mongoose.
    NoMongoose,
    /// The instance stops or the process ends: there is no time to wait.
    NoTime,
}

impl From<Outlook> for pipeline::Outlook {
    fn from(outlook: Outlook) -> Self {
        match outlook {
            Outlook::Connecting => Self::Connecting,
            Outlook::MayConnect => Self::MayConnect,
            Outlook::OtherConnected => Self::OtherConnected,
            Outlook::NoMongoose => Self::NoMongoose,
            Outlook::NoTime => Self::NoTime,
        }
    }
}
