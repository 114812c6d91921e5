//! Requests of JavaScript for what is stored. Their answers come as messages.

use napi::Error;
use napi::bindgen_prelude::{Result, Uint8Array};
use napi_derive::napi;

use super::instance::NativeAnalytics;
use crate::pipeline::Request;
use crate::record::day::Day;
use crate::reports::Settings;
use crate::reports::funnel::FunnelQuery;
use crate::store::{Personal, User};

#[napi]
impl NativeAnalytics {
    /// `asked` is `{ funnel, name, options }` in JSON; with a `name`, the definition is that of a funnel which
    /// the game declares, and this instance need not. What is wrong with it, if no request was made.
    #[napi]
    pub fn request_funnel(&self, request: u32, asked: String) -> Option<String> {
        let declared = &self.pipeline.shared().config.funnels;
        match FunnelQuery::read(&asked, declared) {
            Ok(query) => self.pipeline.request(request, Request::Funnel(query)),
            Err(problem) => return Some(problem),
        }
        None
    }

    /// Figures of the whole game; `is_whole` with those that change rarely.
    #[napi]
    pub fn request_game(&self, request: u32, is_whole: bool) {
        self.pipeline.request(request, Request::Game { is_whole });
    }

    /// What each instance says of itself.
    #[napi]
    pub fn request_instances(&self, request: u32) {
        self.pipeline.request(request, Request::Instances);
    }

    /// The funnels that the game declares.
    #[napi]
    pub fn request_declared_funnels(&self, request: u32) {
        self.pipeline.request(request, Request::DeclaredFunnels);
    }

    /// What the database is like.
    #[napi]
    pub fn request_inspection(&self, request: u32) {
        self.pipeline.request(request, Request::Inspection);
    }

    /// Makes the report of a day. False, and no request, if there is no such day.
    #[napi]
    pub fn request_report_of_day(&self, request: u32, day: String) -> bool {
        let Some(day) = Day::existing(&day) else {
            return false;
        };
        self.pipeline.request(request, Request::ReportDay(day));
        true
    }

    /// The currencies of the game, and the totals that say how much of each came in and went out today.
    #[napi]
    pub fn flows(&self) -> Vec<CurrencyFlow> {
        let settings = Settings::new(&self.pipeline.shared().config);
        let mut flows = Vec::new();
        for currency in &settings.currencies {
            for (flow, is_source) in [("source", true), ("sink", false)] {
                let totals = settings.flow_totals(currency, is_source).into_iter();
                flows.extend(totals.map(|total| CurrencyFlow {
                    currency: currency.clone(),
                    flow: flow.to_owned(),
                    total: total.to_owned(),
                }));
            }
        }
        flows
    }

    /// Bound of the memory that queued records take.
    #[napi(getter)]
    pub fn max_queue_bytes(&self) -> f64 {
        self.pipeline.shared().config.max_queue_bytes as f64
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

/// A total of the day, and which way of a currency it counts.
#[napi(object, object_from_js = false)]
pub struct CurrencyFlow {
    pub currency: String,
    /// `source` or `sink`.
    pub flow: String,
    pub total: String,
}

fn user(id: String, now_ms: f64) -> User {
    let today = Day::of(now_ms as i64);
    User { id, today }
}
