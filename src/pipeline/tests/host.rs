//! The host of a pipeline in tests, and the ways to start one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::context::context;
use crate::config::Config;
use crate::instance::context::{Context, Limits};
use crate::instance::listener::{Listener, Message};
use crate::instance::shared::Shared;
use crate::pipeline::connection::Opener;
use crate::pipeline::{Pipeline, spawn};
use crate::store::Connection;
use crate::store::fake::{FakeStore, Fate};

/// Collects messages.
#[derive(Default)]
pub struct TestHost {
    messages: Mutex<Vec<Message>>,
}

impl Listener for TestHost {
    fn deliver(&self, message: Message) {
        // Every worker tells of each panic of the process, and other tests panic on purpose.
        let is_told_of_panic =
            matches!(&message, Message::Log { text, .. } if text.contains(" was met: "));
        if !is_told_of_panic {
            self.lock().push(message);
        }
    }
}

impl TestHost {
    pub fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits (in paused time) for the first message that the function accepts.
    pub async fn wait<T>(&self, accepts: impl Fn(&Message) -> Option<T>) -> T {
        for _ in 0..1_000_000 {
            if let Some(found) = self.lock().iter().find_map(&accepts) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("waited in vain; got {:?}", self.lock());
    }

    pub async fn outcome(&self, request: u32) -> Result<Option<Vec<u8>>, &'static str> {
        self.wait(|message| match message {
            Message::Done {
                request: of,
                result,
            } if *of == request => Some(Ok(result.clone())),
            Message::Failed { request: of, error } if *of == request => Some(Err(error.code())),
            _ => None,
        })
        .await
    }

    pub fn acknowledged(&self) -> Vec<u32> {
        let messages = self.lock();
        let acks = messages.iter().filter_map(|message| match message {
            Message::Acknowledged(acks) => Some(acks.clone()),
            _ => None,
        });
        acks.flatten().collect()
    }
}

pub fn start(store: &FakeStore, options: &str) -> (Pipeline, Arc<TestHost>) {
    let store = store.clone();
    start_with(options, move |_| store.clone())
}

/// `at` chooses the store of a connection.
pub fn start_with(
    options: &str,
    at: impl Fn(&Connection) -> FakeStore + Send + Sync + 'static,
) -> (Pipeline, Arc<TestHost>) {
    start_in("{}", options, at)
}

pub fn start_in(
    environment: &str,
    options: &str,
    at: impl Fn(&Connection) -> FakeStore + Send + Sync + 'static,
) -> (Pipeline, Arc<TestHost>) {
    start_within(context(), environment, options, at)
}

/// Opens the store that `at` chooses.
pub fn opener(at: impl Fn(&Connection) -> FakeStore + Send + Sync + 'static) -> Opener<FakeStore> {
    Arc::new(move |connection: Connection| {
        let store = at(&connection);
        Box::pin(async move {
            let takes = store.state().slow_open;
            tokio::time::sleep(takes).await;
            Ok(store)
        })
    })
}

/// With a context of the test's own.
pub fn start_within(
    context: Context,
    environment: &str,
    options: &str,
    at: impl Fn(&Connection) -> FakeStore + Send + Sync + 'static,
) -> (Pipeline, Arc<TestHost>) {
    let (config, _) = Config::from_json(options, environment).expect("valid options");
    let host = Arc::new(TestHost::default());
    let shared = Shared::within(context, config, Arc::clone(&host) as Arc<dyn Listener>);
    (spawn(shared, opener(at), None), host)
}

/// On that store, with a context of the test's own, and connected.
pub fn connected_within(context: Context, store: &FakeStore) -> (Pipeline, Arc<TestHost>) {
    let opened = store.clone();
    let (pipeline, host) = start_within(context, "{}", "{}", move |_| opened.clone());
    connect(&pipeline);
    (pipeline, host)
}

/// A context with these limits.
pub fn limited(limits: Limits) -> Context {
    Context {
        limits,
        ..context()
    }
}

pub fn connect(pipeline: &Pipeline) {
    pipeline.connect(Connection::at("mongodb://unused"));
}

pub fn reliable() -> FakeStore {
    FakeStore::new(|| Fate::Answered)
}
