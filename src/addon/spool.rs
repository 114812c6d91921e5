//! The spool of an instance: opened with it, and reported before its worker does.

use crate::config::Config;
use crate::instance::shared::Shared;
use crate::instance::spool_report::SpoolState;
use crate::spool::{self, SEGMENT_BYTES, Segments};
use crate::store;

pub type OpenedSpool = Result<Option<Segments>, String>;

/// Opens the slot for what an instance keeps on disk, if it is to keep anything there.
pub fn open(config: &Config) -> OpenedSpool {
    let Some(folder) = &config.spool_dir else {
        return Ok(None);
    };
    let open = || {
        let slot = spool::claim(folder, store::target(config))?;
        let mut segments = Segments::new(slot, config.max_spool_bytes, SEGMENT_BYTES);
        match segments.prepare() {
            // What is in it gets written, and then there is room.
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {}
            prepared => prepared?,
        }
        Ok::<_, std::io::Error>(Some(segments))
    };
    open().map_err(|error| format!("spoolDir: {} cannot be used: {error}", folder.display()))
}

/// Reports the spool before the worker does.
pub fn report(shared: &Shared, spool: &OpenedSpool) {
    match spool {
        Ok(Some(segments)) => shared.note_spool(|spool| spool.bytes = segments.status().bytes),
        Ok(None) => {}
        Err(problem) => {
            shared.note_spool(|spool| spool.state = SpoolState::Off);
            let effect = "records are kept in memory only, and lost if the process crashes";
            shared.log.warn(format!("{problem}; {effect}"));
        }
    }
}
