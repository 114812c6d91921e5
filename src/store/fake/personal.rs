//! Documents that name users: there are none.

use bson::Bson;
use bson::raw::RawArrayBuf;

use super::FakeStore;
use crate::config::Collection;
use crate::store::error::Result;
use crate::store::personal::{Page, PersonalStore, User};

impl PersonalStore for FakeStore {
    async fn personal_ids(&self, _: Collection, _: &User) -> Result<RawArrayBuf> {
        Ok(RawArrayBuf::new())
    }

    async fn personal_documents(&self, _: Collection, _: Vec<Bson>) -> Result<Page> {
        Ok(Page::default())
    }

    async fn erase(&self, _: Collection, _: &User, _: Option<&str>) -> Result<u64> {
        Ok(0)
    }
}
