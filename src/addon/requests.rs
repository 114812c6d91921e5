//! Requests of JavaScript for what is stored. Their answers come as messages.

use napi::Error;
use napi::bindgen_prelude::{Result, Uint8Array};
use napi_derive::napi;
use serde_json::Value;

use super::instance::NativeAnalytics;
use crate::config::{Collection, ConfigError, Funnel};
use crate::pipeline::{Pipeline, Request};
use crate::record::day::Day;
use crate::store::User;

#[napi]
impl NativeAnalytics {
    /// `funnel` is the name of a declared one or a definition, in JSON. Returns what is wrong with it, if anything,
    /// and sends no request then.
    #[napi]
    pub fn request_funnel(&self, request: u32, funnel: String, days: u32) -> Option<String> {
        match named_or_defined(&self.pipeline, &funnel) {
            Ok(funnel) => {
                let wanted = Request::Funnel { funnel, days };
                self.pipeline.request(request, wanted);
                None
            }
            Err(problem) => Some(problem.to_string()),
        }
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
        let collection = Collection::keyed(&collection);
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

fn named_or_defined(pipeline: &Pipeline, json: &str) -> std::result::Result<Funnel, ConfigError> {
    match serde_json::from_str(json) {
        Ok(Value::String(name)) => pipeline
            .shared()
            .config
            .funnels
            .get(&name)
            .cloned()
            .ok_or_else(|| {
                let problem = "is the name of no funnel in the option funnels";
                ConfigError::new("funnel", problem)
            }),
        Ok(definition @ Value::Object(_)) => Funnel::read("", definition),
        _ => {
            let problem = "must be the name of a declared funnel or { steps, windowS }";
            Err(ConfigError::new("funnel", problem))
        }
    }
}

fn user(id: String, now_ms: f64) -> User {
    let today = Day::of(now_ms as i64);
    User { id, today }
}
