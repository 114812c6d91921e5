//! Settings of one instance, checked: an option wins over its environment variable, which wins over the
//! default. An error names the option or variable as the user wrote it.

mod collections;
mod counters;
mod destinations;
mod error;
mod event_map;
mod funnels;
mod purchases;
mod reports;
mod settings;
mod source;
mod url;

pub use collections::{Collection, Collections};
pub use destinations::{
    Access, DestinationSettings, GameAnalyticsAccess, PrivacySettings, SigningSecret,
};
pub use error::ConfigError;
pub use funnels::Funnel;
pub use purchases::{PriceFields, Purchases};
pub use reports::{Excluded, Reports};
pub use settings::Config;
pub use source::Text;
