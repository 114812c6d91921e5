//! The status of reports, as `getHealth()` reports it.

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportsStatus {
    pub state: ReportsState,
    /// Days before today that are reported, and all.
    pub days_done: u32,
    pub days_total: u32,
    /// When this instance last found that every day that is due is reported; system clock, ms since 1970.
    pub last_success_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReportsState {
    /// By the settings, or for lack of rights.
    Off,
    /// Nothing has been looked at yet.
    #[default]
    Waiting,
    /// Days are being reported, here or by another process.
    Building,
    Current,
    /// The last run has failed, and is tried again.
    Failing,
}

impl ReportsState {
    /// Its name in the public interface.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Waiting => "waiting",
            Self::Building => "building",
            Self::Current => "current",
            Self::Failing => "failing",
        }
    }
}
