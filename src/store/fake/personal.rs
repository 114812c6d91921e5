//! Documents that name users: there are none.

use bson::Bson;
use bson::raw::RawArrayBuf;

use super::FakeStore;
use crate::store::error::Result;
use crate::store::personal::{Page, Personal, PersonalStore, User};

impl PersonalStore for FakeStore {
    async fn personal_ids(&self, _: Personal, _: &User) -> Result<RawArrayBuf> {
        Ok(RawArrayBuf::new())
    }

    async fn personal_documents(&self, _: Personal, _: Vec<Bson>) -> Result<Page> {
        Ok(Page::default())
    }

    async fn erase(&self, _: Personal, _: &User, _: Option<&str>) -> Result<u64> {
        Ok(0)
    }
}
