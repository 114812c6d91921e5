//! Destinations of events: their settings, and how they are read.

mod fields;
mod list;
mod settings;
#[cfg(test)]
mod tests;

pub use list::read;
pub use settings::{
    Access, DestinationSettings, GameAnalyticsAccess, PrivacySettings, SigningSecret,
};
