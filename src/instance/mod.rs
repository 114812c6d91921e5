//! One instance as all its parts see it: settings, gauges, the loss report, and the listener that hears
//! from it.

pub mod context;
pub mod error;
pub mod health;
pub mod listener;
pub mod shared;
