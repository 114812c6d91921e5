//! Samples of who is online.

use std::time::Duration;

use tokio::time::Instant;

use super::FakeStore;
use crate::record::day::Day;
use crate::store::error::Result;
use crate::store::presence::{Minutes, Presence, PresenceStore, Sample, Samples, Seen};

/// Its clock shows `FAKE_NOW_MS` while samples are fresh.
pub const FAKE_NOW_MS: i64 = 1_795_392_000_000;

impl PresenceStore for FakeStore {
    async fn prepare_presence(&self) -> Result<()> {
        self.state().expiries += 1;
        let takes = self.state().slow_expiry;
        tokio::time::sleep(takes).await;
        Ok(())
    }

    async fn write_sample(&self, sample: &Sample) -> Result<()> {
        if let Some(error) = self.state().refuses_samples.clone() {
            return Err(error);
        }
        let takes = self.state().slow_samples;
        tokio::time::sleep(takes).await;
        let state = &mut *self.sight().await;
        let known = state.samples.get(&sample.incarnation);
        if known.is_none_or(|(known, _)| known.seq < sample.seq) {
            let stored = (sample.clone(), Instant::now());
            state.samples.insert(sample.incarnation, stored);
        }
        Ok(())
    }

    async fn presence(&self) -> Result<Presence> {
        let state = self.sight().await;
        let seen = |(sample, at): &(Sample, Instant)| Seen {
            incarnation: sample.incarnation,
            seq: sample.seq,
            host_ms: Some(sample.host_ms),
            from_ms: Some(sample.from_ms),
            to_ms: Some(sample.to_ms),
            online: sample.online,
            at_ms: FAKE_NOW_MS - at.elapsed().as_millis() as i64,
            has_ended: sample.is_last,
            is_settled: sample.is_last && sample.left == 0,
            is_claimed: state.claimed.contains(&sample.incarnation),
            name: sample.health.get_str("instance").ok().map(str::to_owned),
        };
        Ok(Presence {
            now_ms: FAKE_NOW_MS,
            instances: state.samples.values().map(seen).collect(),
        })
    }

    async fn samples(&self, _: &Day) -> Result<Samples> {
        Ok(Samples::new())
    }

    async fn session_changes(&self, _: &Day, _: Duration) -> Result<Minutes> {
        Ok(Minutes::new())
    }
}
