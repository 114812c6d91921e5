//! Requests of JavaScript for what is stored. Their answers come as messages.

use napi::Error;
use napi::bindgen_prelude::{Result, Uint8Array};
use napi_derive::napi;

use super::instance::NativeAnalytics;
use crate::pipeline::Request;
use crate::record::day::Day;
use crate::reports::funnel::FunnelQuery;
use crate::store::{Personal, User};

#[napi]
impl NativeAnalytics {
    /// `asked` is `{ funnel, options }` in JSON. What is wrong with it, if no request was made.
    #[napi]
    pub fn request_funnel(&self, request: u32, asked: String) -> Option<String> {
        let declared = &self.pipeline.shared().config.funnels;
        match FunnelQuery::read(&asked, declared) {
            Ok(query) => self.pipeline.request(request, Request::Funnel(query)),
            Err(problem) => return Some(problem),
        }
        None
    }

    /// `now_ms` is the JavaScript clock.
    #[napi]
    pub fn request_personal_ids(&self, request: u32, user_id: String, now_ms: f64) {
        let user = user(user_id, now_ms);
        self.pipeline.request(request, Request::PersonalIds(user));
    }

    /// `ids` is `{ ids }` in BSON, as many of those of `request_personal_ids` as go into a page.
    #[napi]
    pub fn request_personal_documents(
        &self,
        request: u32,
        collection: String,
        ids: Uint8Array,
    ) -> Result<()> {
        let collection = Personal::keyed(&collection);
        let collection = collection.ok_or_else(|| Error::from_reason("no such collection"))?;
        let wanted = Request::PersonalDocuments(collection, ids.to_vec());
        self.pipeline.request(request, wanted);
        Ok(())
    }

    #[napi]
    pub fn request_erase(&self, request: u32, user_id: String, keep_counts: bool, now_ms: f64) {
        let random = &self.pipeline.shared().context.random;
        let pseudonym = keep_counts.then(|| format!("erased:{}", random.id()));
        let user = user(user_id, now_ms);
        self.pipeline
            .request(request, Request::Erase { user, pseudonym });
    }
}

fn user(id: String, now_ms: f64) -> User {
    let today = Day::of(now_ms as i64);
    User { id, today }
}
