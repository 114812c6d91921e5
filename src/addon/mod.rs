//! Border to JavaScript: converts and delegates.
//!
//! The only room that names `napi`. `native.d.ts` is generated from it, and `lib/` is compiled against
//! that file.

mod error;
mod exit;
mod forwarding;
mod health;
mod instance;
mod message;
mod objects;
mod reason;
mod requests;
mod runtime;
mod spool;

use napi_derive::napi;

use crate::store;

/// Version of the package for which this was built: a binary of another version may be loaded.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether this was built for tests: a message that JavaScript does not know is an error then.
#[napi]
pub const IS_DEBUG_BUILD: bool = cfg!(debug_assertions);

/// Options of the host's driver without which it reaches the same servers and trusts the same ones.
#[napi]
pub fn harmless_options() -> Vec<&'static str> {
    store::harmless_options().collect()
}
