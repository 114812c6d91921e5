//! Claims: who is claimed is noted, and how many sessions are to be closed.

use bson::oid::ObjectId;

use super::FakeStore;
use crate::instance::incarnation::Incarnation;
use crate::store::claims::{Claim, ClaimStore, Left, LeftClose};
use crate::store::error::{Result, StoreError};

impl ClaimStore for FakeStore {
    async fn insert_claim(&self, claim: &Claim) -> Result<Claim> {
        self.state().claimed.insert(claim.of);
        Ok(claim.clone())
    }

    async fn advance_claim(&self, claim: &Claim) -> Result<(Claim, bool)> {
        Ok((claim.clone(), true))
    }

    async fn name_next(&self, claim: &Claim, _: Incarnation) -> Result<Claim> {
        Ok(claim.clone())
    }

    async fn left_by(&self, claim: &Claim) -> Result<Left> {
        self.state().listings += 1;
        if self.state().unlisted.contains(&claim.of) {
            let takes = self.state().slow_listing;
            tokio::time::sleep(takes).await;
            return Err(StoreError::transient("operation exceeded time limit"));
        }
        Ok(Left {
            open: self.state().left_open.clone(),
            ..Left::default()
        })
    }

    async fn close_open_sessions(&self, closes: &[LeftClose]) -> Result<Vec<ObjectId>> {
        self.state().to_close = closes.iter().map(|close| close.session).collect();
        Ok(Vec::new())
    }

    async fn reopen_sessions(&self, _: &[(ObjectId, i64)]) -> Result<()> {
        Ok(())
    }

    async fn retire(&self, _: Incarnation, _: i64) -> Result<()> {
        Ok(())
    }
}
