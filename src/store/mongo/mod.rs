//! The store on MongoDB; the only place that names the `mongodb` driver.
//!
//! All writes ask for `{w: 'majority', j: true}`: an event that a fail-over rolls back while its total
//! stays would make the totals wrong for ever. Book-keeping is read from the primary with read concern
//! `majority` for the same reason.
//!
//! | module | responsibility |
//! |---|---|
//! | `uri` | the connection string of the settings |
//! | `connection`, `tls` | client options, from a connection string or the host's connection |
//! | `client` | the client and its collections |
//! | `write_command` | inserts and updates as raw commands, and their replies |
//! | `cursor` | results of queries |
//! | `error`, `codes` | errors of the driver and the server, and what each code is about |
//! | `records`, `totals`, `uniques`, `keys`, `purchases`, `presence`, `claims`, `legacy` | what is written, by trait |
//! | `baseline` | the documents of `legacy` |
//! | `reports`, `personal`, `stored`, `inspection` | what is read, by trait |
//! | `indexes` | the trait of its lifecycle: index definitions and their creation |

mod baseline;
mod claims;
mod client;
mod codes;
mod connection;
mod cursor;
mod error;
mod indexes;
mod inspection;
mod keys;
mod legacy;
mod personal;
mod presence;
mod purchases;
mod records;
mod reports;
mod stored;
mod tls;
mod totals;
mod uniques;
mod uri;
mod write_command;

use super::Store;

pub use client::MongoStore;
pub use connection::Connection;
pub use uri::{check, harmless_options, target, trusts_process};

impl Store for MongoStore {}
