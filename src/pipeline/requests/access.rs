//! Access: what may be done with stored reports.

use crate::instance::reports_status::ReportsState;
use crate::instance::shared::Shared;
use crate::reports::Access;

/// By the settings, and by the rights that were found so far.
pub fn access(shared: &Shared) -> Access {
    let are_on = shared.reports.get().state != ReportsState::Off;
    match (are_on, shared.config.is_reader) {
        (true, _) => Access::Make,
        (false, true) => Access::Read,
        (false, false) => Access::None,
    }
}
