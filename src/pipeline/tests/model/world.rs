//! One database, the network to it, and everything a run remembers. All processes share it.
//!
//! Time goes in ticks. In each tick one thing happens at most, so that a scenario means the same run
//! each time.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::flaws::{self, Flaw, Memory};
use super::oracle;
use super::scenario::{Fate, Outcome, Scenario};
use super::seen::{Seen, Sight};
use super::server::State;
use super::truth::Truth;
use super::views::Views;
use crate::instance::incarnation::Incarnation;
use crate::pipeline::closing::Dead;
use crate::pipeline::tests::Dice;
use crate::pipeline::tests::context::RolledWaits;
use crate::pipeline::totals::{Rules, Writer};
use crate::pipeline::watermarks::Queue;
use crate::store::{Result, StoreError};

/// In memory, where there is such a folder: syncing to a disk would take most of the time.
fn spool_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let builder = &mut tempfile::Builder::new();
    let builder = builder.prefix("gso-model-");
    let folder = match memory.is_dir() {
        true => builder.tempdir_in(memory),
        false => builder.tempdir(),
    };
    folder.expect("a folder")
}

const TICK: Duration = Duration::from_millis(4);
/// Within a tick requests come after what the host does.
const REQUESTS_AT: Duration = Duration::from_millis(1);
/// Longer than an attempt is waited for.
const SLOW: u32 = 5_000;

pub struct World {
    start: Instant,
    taken: BTreeSet<u64>,
    fates: std::vec::IntoIter<Fate>,
    pub views: Views,
    pub truth: Truth,
    /// Where processes keep records, if they do.
    spool: Option<TempDir>,
    pub seen: Seen,
    pub flaw: Option<Flaw>,
    pub memory: Memory,
    /// What was wrong first.
    pub violation: Option<String>,
    /// The names under which claims are added to the totals.
    pub claim_writers: HashSet<String>,
    /// Incarnations of which somebody has listed what they left open.
    pub listed: BTreeSet<Incarnation>,
    /// Those that somebody has taken for dead, and nobody has closed yet.
    pub found: Vec<Dead>,
    /// Processes that look for their claim with the next sample.
    pub thawing: BTreeSet<usize>,
    under_way: usize,
    dice: Arc<Mutex<Dice>>,
}

pub type SharedWorld = Arc<Mutex<World>>;

pub fn lock(world: &SharedWorld) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub fn new(scenario: &Scenario, flaw: Option<Flaw>) -> World {
        let truth = Truth::new(scenario);
        World {
            start: Instant::now(),
            taken: BTreeSet::new(),
            fates: scenario.fates.clone().into_iter(),
            views: Views::new(truth.initial.clone()),
            truth,
            spool: scenario.spooled.then(spool_folder),
            seen: Seen::default(),
            flaw,
            memory: Memory::default(),
            violation: None,
            claim_writers: HashSet::new(),
            listed: BTreeSet::new(),
            found: Vec::new(),
            thawing: BTreeSet::new(),
            under_way: 0,
            dice: Arc::new(Mutex::new(Dice(1))),
        }
    }

    /// The same for all processes of a run, and in each of its repetitions.
    pub fn waits(&self) -> RolledWaits {
        RolledWaits(Arc::clone(&self.dice))
    }

    pub fn rules(&self) -> Rules {
        flaws::rules(self.flaw)
    }

    pub fn is_spooled(&self) -> bool {
        self.spool.is_some()
    }

    pub fn spool(&self) -> Option<&Path> {
        self.spool.as_ref().map(TempDir::path)
    }

    /// From now on nothing goes wrong.
    pub fn calm(&mut self) {
        self.fates = Vec::new().into_iter();
    }

    pub fn is_quiet(&self) -> bool {
        self.under_way == 0
    }

    /// The moment of the host in so many ticks.
    pub fn in_ticks(&self, ticks: u32) -> Instant {
        self.moment(self.tick() + u64::from(ticks))
    }

    fn tick(&self) -> u64 {
        (self.start.elapsed().as_micros() / TICK.as_micros()) as u64
    }

    fn moment(&self, tick: u64) -> Instant {
        self.start + TICK * u32::try_from(tick).unwrap_or(u32::MAX)
    }

    /// The next moment, in so many ticks or later, in which nothing else arrives.
    fn free_moment(&mut self, ticks: u32) -> Instant {
        let mut tick = self.tick() + 1 + u64::from(ticks);
        while !self.taken.insert(tick) {
            tick += 1;
        }
        self.moment(tick) + REQUESTS_AT
    }

    fn fate(&mut self, process: usize) -> Option<Fate> {
        if self.truth.is_dead(process) {
            return None;
        }
        self.seen[Sight::Request] += 1;
        Some(self.fates.next().unwrap_or(Fate::CALM))
    }

    /// A backup of the daily documents is put back: as they were some acknowledged writes ago.
    pub fn restore(&mut self, back: usize) {
        let lost = self.views.restore_days(back);
        self.seen[Sight::Restore] += u64::from(!lost.is_empty());
        self.truth.is_restored = true;
        self.truth.restored.extend(lost);
    }

    /// Another process adds under the name of a queue of this one, with a number below all of this process. What
    /// was left with lower ones is taken for added then; so nothing may be.
    pub fn clash(&mut self, process: usize, queue: usize, day: usize) {
        /// Between the numbers of one process and those of the next.
        const BESIDE: i64 = 1 << 19;
        let letter = Writer::letter(Queue::ALL[queue]);
        let Some((name, first)) = self.truth.numbers.name_of(process, letter) else {
            return;
        };
        let (day, number) = (self.truth.days[day].as_str().to_owned(), first - BESIDE);
        let before = self.truth.numbered(process, &name, &day, None, number);
        let daily = self.views.current.days.get(&day);
        let holds = |record| daily.is_some_and(|daily| daily.records.contains(record));
        let held = daily.and_then(|daily| daily.writers.get(&name).copied());
        if held >= Some(number) || !before.iter().flatten().all(holds) {
            return;
        }
        self.truth.is_clashed = true;
        self.seen[Sight::Clash] += 1;
        self.write(&Fate::CALM, |state, _| {
            let daily = Arc::make_mut(&mut state.days).entry(day).or_default();
            daily.writers.insert(name, number);
        });
    }

    /// Runs what has arrived. `None` when it was lost.
    fn run<T>(
        &mut self,
        process: usize,
        fate: &Fate,
        statement: impl FnOnce(&mut World, &Fate) -> T,
    ) -> Option<T> {
        if let Some(change) = &fate.fail_over {
            let until = self.in_ticks(change.lasts);
            self.seen[Sight::FailOver] += 1;
            self.seen[Sight::Rollback] += u64::from(self.views.fail_over(change.behind, until));
        }
        let lost = fate.outcome == Outcome::RequestLost;
        if lost || self.truth.is_dead(process) && !fate.outlives {
            self.seen[Sight::RequestLost] += 1;
            return None;
        }
        Some(statement(self, fate))
    }

    /// Changes the documents. Whoever is told so may rely on a majority holding it; who is not, not.
    pub fn write<T>(
        &mut self,
        fate: &Fate,
        statement: impl FnOnce(&mut State, &mut Seen) -> T,
    ) -> T {
        let outcome = statement(&mut self.views.current, &mut self.seen);
        let is_told = matches!(fate.outcome, Outcome::Answered | Outcome::Slow);
        let by_majority = self.flaw != Some(Flaw::AcknowledgedByOne);
        if is_told && by_majority || fate.durable {
            self.views.commit();
        }
        if self.violation.is_none() {
            self.violation = oracle::moment(&self.views.current, &self.truth).err();
        }
        outcome
    }
}

/// A process's way to the database.
#[derive(Clone)]
pub struct Handle {
    pub world: SharedWorld,
    pub process: usize,
}

impl Handle {
    pub fn lock(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    pub async fn write<T: Send + 'static>(
        &self,
        statement: impl FnOnce(&mut State, &mut Seen) -> T + Send + 'static,
    ) -> Result<T> {
        self.send(|world, fate| world.write(fate, statement)).await
    }

    /// Reads what a majority holds.
    pub async fn read<T: Send + 'static>(
        &self,
        statement: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T> {
        self.send(|world, _| statement(world.views.majority()))
            .await
    }

    /// Reads what the primary holds, which it may yet lose.
    pub async fn read_local<T: Send + 'static>(
        &self,
        statement: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T> {
        self.send(|world, _| statement(&world.views.current)).await
    }

    /// Sends a request on its way, which it goes whatever becomes of its sender. A dead process
    /// sends none, and hears of none.
    pub async fn send<T: Send + 'static>(
        &self,
        statement: impl FnOnce(&mut World, &Fate) -> T + Send + 'static,
    ) -> Result<T> {
        let Some(fate) = self.lock().fate(self.process) else {
            return std::future::pending().await;
        };
        let (reply, answer) = oneshot::channel();
        self.lock().under_way += 1;
        tokio::spawn(self.clone().carry(fate, statement, reply));
        let answer = answer.await;
        if self.lock().truth.is_dead(self.process) {
            return std::future::pending().await;
        }
        answer.unwrap_or_else(|_| Err(lost("request")))
    }

    async fn carry<T: Send + 'static>(
        self,
        fate: Fate,
        statement: impl FnOnce(&mut World, &Fate) -> T + Send + 'static,
        reply: oneshot::Sender<Result<T>>,
    ) {
        self.wait(fate.travel).await;
        if let Outcome::Late(ticks) = fate.outcome {
            drop(reply);
            self.wait(ticks).await;
            self.lock().seen[Sight::Late] += 1;
            self.lock().run(self.process, &fate, statement);
        } else {
            let outcome = self.lock().run(self.process, &fate, statement);
            match (fate.outcome, outcome) {
                (Outcome::ReplyLost, Some(_)) => {
                    self.lock().seen[Sight::ReplyLost] += 1;
                    drop(reply);
                }
                (Outcome::Slow, Some(outcome)) => {
                    self.lock().seen[Sight::Zombie] += 1;
                    self.wait(SLOW).await;
                    drop(reply.send(Ok(outcome)));
                }
                (_, Some(outcome)) => drop(reply.send(Ok(outcome))),
                (_, None) => drop(reply),
            }
        }
        self.lock().under_way -= 1;
    }

    async fn wait(&self, ticks: u32) {
        let moment = self.lock().free_moment(ticks);
        sleep_until(moment).await;
    }
}

fn lost(what: &str) -> StoreError {
    StoreError::transient(format!("{what} lost"))
}
