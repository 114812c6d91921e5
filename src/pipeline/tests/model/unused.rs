//! What the model asks of no store.

use super::world::Handle;
use crate::record::day::Day;
use crate::store::fake::unused::Unused;
use crate::store::{Minutes, Presence, PresenceStore, Result, Sample, Samples};

impl Unused for Handle {}

impl PresenceStore for Handle {
    async fn prepare_presence(&self) -> Result<()> {
        Ok(())
    }

    async fn write_sample(&self, _: &Sample) -> Result<()> {
        Ok(())
    }

    async fn presence(&self) -> Result<Presence> {
        Ok(Presence {
            now_ms: 0,
            instances: Vec::new(),
        })
    }

    async fn samples(&self, _: &Day) -> Result<Samples> {
        Ok(Samples::new())
    }

    async fn session_changes(&self, _: &Day) -> Result<Minutes> {
        Ok(Minutes::new())
    }
}
