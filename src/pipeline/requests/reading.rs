//! Reading: what each request reads, and its answer.

use std::sync::Arc;
use std::time::Duration;

use bson::raw::{RawArrayBuf, cstr};
use bson::{Bson, Document, RawDocumentBuf};
use tokio::time::Instant;

use super::access::access;
use super::operation::Request;
use super::{concurrency, game, metrics, personal, stored};
use crate::config::Excluded;
use crate::instance::shared::Shared;
use crate::pipeline::legacy::Baselines;
use crate::record::day::Day;
use crate::reports::looks::Looks;
use crate::reports::{Access, Answers, funnel, learned};
use crate::store::{Result, Store, StoreError, is_unauthorized};

/// Daily documents that `getLast30Days()` returns.
const NEWEST_DAYS: u32 = 30;

/// A read of the open database.
pub struct Reading<S> {
    pub store: Arc<S>,
    pub shared: Arc<Shared>,
    pub baselines: Arc<Baselines>,
    pub answers: Arc<Answers>,
    /// When nobody waits for it any more.
    pub until: Instant,
}

impl<S: Store> Reading<S> {
    /// How long the database may take for a pass that is made for this read alone. The server counts whole
    /// milliseconds, and takes 0 for no limit.
    fn limit(&self) -> Duration {
        let left = self.until.saturating_duration_since(Instant::now());
        left.max(Duration::from_millis(1))
    }

    /// The answer; `None` while what is read is being made.
    pub async fn answer(&self, request: &Request) -> Result<Option<RawDocumentBuf>> {
        let (store, shared) = (self.store.as_ref(), &self.shared);
        let found = match request {
            Request::Report(query) => {
                let answer = |access| self.answers.answer(store, query, access, self.limit());
                return self.within_rights(answer).await;
            }
            Request::Metrics(today) => {
                metrics::read(store, &self.baselines, today, &shared.active_sessions).await
            }
            Request::Concurrency(day) => {
                let found = concurrency::read(store, day.as_ref(), self.limit()).await;
                found.and_then(encoded)
            }
            Request::Game { is_whole } => {
                let learns = shared.config.learns;
                let found = game::read(store, *is_whole, learns, self.until).await;
                found.and_then(encoded)
            }
            Request::Instances => store.instances().await.and_then(encoded),
            Request::DeclaredFunnels => store.declared_funnels().await.and_then(encoded),
            Request::Inspection => inspect(store).await.and_then(encoded),
            Request::ReportDay(day) => return self.answers.make(store, day).await,
            Request::PersonalIds(user) => personal::ids(store, user).await,
            Request::PersonalDocuments(collection, ids) => {
                personal::documents(store, *collection, ids).await
            }
            Request::StoredEvents(wanted) => stored::read(store, wanted).await,
            Request::Funnel(query) => {
                let excluded = self.excluded().await?;
                let _turn = match query.name {
                    None => Some(self.answers.funnel_turn().await),
                    Some(_) => None,
                };
                let answer = |access| funnel::answer(store, excluded, query, access, self.limit());
                self.within_rights(answer).await.and_then(encoded)
            }
            Request::Erase { user, pseudonym } => {
                let erased = personal::erase(store, shared, user, pseudonym.as_deref());
                erased.await.and_then(encoded)
            }
            Request::Last30Days | Request::Flush | Request::Stop => {
                store.newest_days(NEWEST_DAYS).await.map(document_of)
            }
        };
        found.map(Some)
    }

    /// Who is left out of funnels; `None` where some are and nobody says who, or nobody knows whether.
    async fn excluded(&self) -> Result<Option<&Excluded>> {
        let config = &self.shared.config;
        let is_known = match config.learns {
            false => true,
            true => {
                let store = self.store.as_ref();
                let today = Day::of(store.server_ms().await?);
                let learned = learned::newest(store, &today).await?;
                learned.is_some_and(|learned| !learned.excludes)
            }
        };
        Ok(is_known.then_some(&config.reports.excluded))
    }

    /// A reader without the right to make reports answers out of those that are there.
    async fn within_rights<T, F>(&self, answer: impl Fn(Access) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        match answer(access(&self.shared)).await {
            Err(error) if self.shared.config.is_reader && is_unauthorized(&error) => {
                answer(Access::Read).await
            }
            found => found,
        }
    }
}

/// What the store tells, and which days are due to be reported and which have no report.
async fn inspect<S: Store>(store: &S) -> Result<Document> {
    let mut facts = store.facts().await?;
    let outlook = match Looks::default().look(store).await {
        Ok(outlook) => outlook,
        Err(error) if is_unauthorized(&error) => return Ok(facts),
        Err(error) => return Err(error),
    };
    let name = |day: &Day| Bson::from(day.as_str());
    let (due, missing) = (outlook.due.iter().map(name), outlook.missing().map(name));
    facts.insert("dueDays", due.collect::<Vec<_>>());
    facts.insert("missingDays", missing.collect::<Vec<_>>());
    Ok(facts)
}

fn document_of(days: Vec<RawDocumentBuf>) -> RawDocumentBuf {
    let mut list = RawArrayBuf::new();
    days.into_iter().for_each(|day| list.push(day));
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("days"), &list);
    document
}

fn encoded(answer: Document) -> Result<RawDocumentBuf> {
    let encoded = RawDocumentBuf::try_from(answer);
    encoded.map_err(|_| StoreError::permanent("the answer cannot be encoded"))
}
