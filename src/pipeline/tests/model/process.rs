//! A process of a run: a real pipeline, and its host.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bson::Document;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle};

use super::flaws::Flaw;
use super::options::config;
use super::oracle::{self, Verdict};
use super::seen::Sight;
use super::world::{Handle, SharedWorld, World, lock};
use crate::config::Config;
use crate::instance::context::Context;
use crate::instance::listener::{Listener, Message};
use crate::instance::shared::Shared;
use crate::pipeline::closing::Closing;
use crate::pipeline::lifecycle::Lifecycle;
use crate::pipeline::tests::context::{self, ReusedId};
use crate::pipeline::worker::start;
use crate::pipeline::{Pipeline, Request};
use crate::spool::{Segments, claim};
use crate::store::{Connection, target};
use crate::util::clock::Clock;
use crate::util::random::Random;

/// The interval ends in a part of a tick in which the model has nothing else happen.
/// How often a flush may run out of time before it counts as hanging.
const PATIENCE: u32 = 3;

type Answer = Result<Option<Vec<u8>>, String>;

/// What the pipeline answers.
#[derive(Default)]
struct Answers {
    answers: Mutex<HashMap<u32, Answer>>,
    came: Notify,
}

impl Answers {
    fn take(&self, request: u32) -> Option<Answer> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.remove(&request)
    }
}

impl Listener for Answers {
    fn deliver(&self, message: Message) {
        let (request, answer) = match message {
            Message::Done { request, result } => (request, Ok(result)),
            Message::Failed { request, error } => (request, Err(error.to_string())),
            _ => return,
        };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(request, answer);
        self.came.notify_one();
    }
}

pub struct Process {
    pub id: usize,
    world: SharedWorld,
    pub pipeline: Pipeline,
    worker: AbortHandle,
    /// Its folder in the spool.
    pub slot: Option<PathBuf>,
    answers: Arc<Answers>,
    last_request: u32,
    /// Requests for metrics that are open, each with its day.
    asked: Vec<(u32, usize)>,
    pub closing: Closing,
    /// What closes those that it takes for dead.
    pub closers: Vec<JoinHandle<()>>,
    pub handle: Handle,
}

impl Process {
    /// `slot` is its place among those that run at once.
    pub fn start(world: &SharedWorld, slot: usize) -> Process {
        let id = lock(world).truth.new_process();
        let handle = Handle {
            world: Arc::clone(world),
            process: id,
        };
        let opened = handle.clone();
        let opener = Arc::new(move |_: Connection| {
            let handle = opened.clone();
            let opening = async move { Ok(handle) };
            Box::pin(opening)
                as std::pin::Pin<Box<dyn Future<Output = crate::store::Result<Handle>> + Send>>
        });
        let mut config = config(id);
        let spool = open_spool(world, &config);
        if let Some(segments) = &spool {
            config.spool_dir = segments.slot().path().parent().map(Path::to_owned);
            // So little that some of it waits on disk.
            config.max_queue_bytes = 8 << 10;
            let (slot, number) = (segments.slot(), segments.slot().first_seq());
            let numbers = &mut lock(world).truth.numbers;
            numbers.note(id, slot.path(), slot.writer(), number);
        }
        let folder = spool.as_ref().map(|one| one.slot().path().to_owned());
        let answers = Arc::new(Answers::default());
        let (context, rules) = {
            let world = lock(world);
            (context_of(&world, slot), world.rules())
        };
        let listener = Arc::clone(&answers) as Arc<dyn Listener>;
        let shared = Shared::within(context, config, listener);
        let closing = Closing::new(&shared, rules);
        lock(world)
            .truth
            .note_incarnation(id, shared.incarnation.get());
        let lifecycle = Lifecycle::of_instance();
        let (pipeline, worker) = start(shared, opener, spool, rules, lifecycle);
        pipeline.connect(connection());
        if lock(world).is_spooled() {
            // Only then it looks for what others have left.
            pipeline.start(false);
        }
        Process {
            id,
            world: Arc::clone(world),
            pipeline,
            worker,
            slot: folder,
            answers,
            last_request: 0,
            asked: Vec::new(),
            closing,
            closers: Vec::new(),
            handle,
        }
    }

    /// It ends without warning: nobody hears of it any more, and it hears of nobody. What is on disk
    /// is there for the next.
    pub async fn crash(self) {
        self.note_spool();
        let queued = self.pipeline.shared().health.queued();
        {
            let mut world = lock(&self.world);
            let left = if world.is_spooled() { 0 } else { queued };
            world.truth.bury(self.id, left);
            world.seen[Sight::Crash] += 1;
        }
        self.worker.abort();
        while !self.worker.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// Counts what came from the disk.
    pub fn note_spool(&self) {
        if let Some(spool) = self.pipeline.shared().spool.get() {
            let mut world = lock(&self.world);
            world.seen[Sight::Recovered] += spool.recovered;
            world.seen[Sight::Spilled] += spool.spilled;
            world.seen[Sight::Drained] += spool.recovered_from_others;
        }
    }

    pub fn switch_database(&self) {
        self.pipeline.switch_database(connection());
        lock(&self.world).seen[Sight::Move] += 1;
    }

    /// Another process adds under its id.
    pub fn clash(&self, queue: usize, day: usize) {
        lock(&self.world).clash(self.id, queue, day);
    }

    pub fn request(&mut self, what: Request) -> u32 {
        self.last_request += 1;
        self.pipeline.request(self.last_request, what);
        self.last_request
    }

    pub fn ask_for_metrics(&mut self, day: usize) {
        let now_ms = lock(&self.world).truth.evening_ms(day);
        let request = self.request(Request::metrics(now_ms));
        self.asked.push((request, day));
    }

    /// Metrics that were answered meanwhile must not lead.
    pub fn check_answers(&mut self) -> Verdict {
        let mut verdict = Ok(());
        self.asked.retain(|(request, day)| {
            let answer = self.answers.take(*request);
            if let Some(Ok(Some(bytes))) = &answer {
                let mut world = lock(&self.world);
                world.seen[Sight::Metrics] += 1;
                let checked = oracle::metrics_do_not_lead(&world.truth, *day, &read(bytes));
                verdict = verdict.clone().and(checked);
            }
            answer.is_none()
        });
        verdict
    }

    /// Writes everything that it was given.
    pub async fn settle(&mut self) -> Verdict {
        for _ in 0..PATIENCE {
            let request = self.request(Request::Flush);
            if self.answer(request).await.is_ok() {
                return self.is_settled();
            }
        }
        Err(format!("process {} does not come to an end", self.id))
    }

    /// Only a backup that was put back may have left totals out, and then it is said.
    fn is_settled(&self) -> Verdict {
        let mut counts = self.pipeline.shared().health.counts();
        counts.warnings.remove("redelivered_otherwise");
        let queued = self.pipeline.shared().health.queued();
        let mut world = lock(&self.world);
        let is_whole = counts.accepted == counts.written && queued == 0;
        if !is_whole || !counts.dropped.is_empty() {
            return Err(format!("process {} lost something: {counts:?}", self.id));
        }
        let uncertain = counts.warnings.get("totals_uncertain").copied();
        if world.truth.is_clashed {
            counts.warnings.remove("totals_uncertain");
        }
        if !counts.warnings.is_empty() && !world.truth.is_restored {
            return Err(format!(
                "process {} left out totals: {:?}",
                self.id, counts.warnings
            ));
        }
        world.truth.note_uncertain(self.id, uncertain.unwrap_or(0));
        Ok(())
    }

    /// Reads the metrics of a day when all is calm.
    pub async fn metrics(&mut self, day: usize) -> Result<Document, String> {
        let now_ms = lock(&self.world).truth.evening_ms(day);
        let request = self.request(Request::metrics(now_ms));
        let answer = self.answer(request).await?;
        Ok(read(&answer.unwrap_or_default()))
    }

    async fn answer(&self, request: u32) -> Answer {
        loop {
            if let Some(answer) = self.answers.take(request) {
                return answer;
            }
            self.answers.came.notified().await;
        }
    }
}

fn open_spool(world: &SharedWorld, config: &Config) -> Option<Segments> {
    let folder = lock(world).spool()?.to_owned();
    let slot = claim(&folder, target(config)).expect("a slot");
    let mut segments = Segments::new(slot, 1 << 20, 2_000);
    segments.prepare().expect("a folder");
    Some(segments)
}

fn read(bytes: &[u8]) -> Document {
    bson::deserialize_from_slice(bytes).expect("valid BSON")
}

fn connection() -> Connection {
    Connection::at("mongodb://unused")
}

/// Low limits, waits that can be repeated, and the identity of an earlier process for one wrong design.
fn context_of(world: &World, slot: usize) -> Context {
    let waits = world.waits();
    let mut base = context::context();
    if slot > 0 {
        // What is saved is never cut: the others leave batches that are added in part.
        base.limits.totals_saved_after = Duration::from_secs(86_400);
        base.limits.unsaved_bytes = usize::MAX;
    }
    if world.flaw != Some(Flaw::NumbersReused) {
        let random = Random::new(waits);
        return Context { random, ..base };
    }
    Context {
        clock: Clock::new(|| 1 << 20),
        random: Random::new(ReusedId {
            waits,
            id: Mutex::new(Some(format!("reused000{slot}"))),
        }),
        ..base
    }
}
