//! Border to JavaScript: converts and delegates.
//!
//! The only room that names `napi`. `native.d.ts` is generated from it, and `lib/` is compiled against
//! that file.

mod exit;
mod health;
mod instance;
mod message;
mod reason;
mod runtime;

use std::collections::HashMap;

use napi_derive::napi;

use crate::record::counters::COUNTED_EVENTS;
use crate::store;

/// Version of the package for which this was built: a binary of another version may be loaded.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether this was built for tests: a message that JavaScript does not know is an error then.
#[napi]
pub const IS_DEBUG_BUILD: bool = cfg!(debug_assertions);

/// What an event adds to.
#[napi(object, object_from_js = false)]
pub struct CountedEvent {
    /// The counter's index in a frame.
    pub index: u32,
    /// The field of the payload that holds the amount; null counts 1.
    pub amount: Option<String>,
}

/// Options of the host's driver without which it reaches the same servers and trusts the same ones.
#[napi]
pub fn harmless_options() -> Vec<&'static str> {
    store::harmless_options().collect()
}

/// The events that are counted, by name.
#[napi]
pub fn counted_events() -> HashMap<String, CountedEvent> {
    let entries = COUNTED_EVENTS.iter().map(|event| {
        let counted = CountedEvent {
            index: event.counter.index().into(),
            amount: event.amount.map(str::to_owned),
        };
        (event.name.to_owned(), counted)
    });
    entries.collect()
}
