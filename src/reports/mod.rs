//! Reports: what is computed from stored documents. Pure functions: no clock, no I/O.

pub mod funnel;
