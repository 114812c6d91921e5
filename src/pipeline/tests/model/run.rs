//! Drives real pipelines through a scenario, and asks the oracle.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::{sleep, sleep_until};

use super::flaws::{self, Flaw};
use super::oracle::{self, Verdict};
use super::process::Process;
use super::scenario::{Call, Scenario, Step};
use super::seen::{Seen, Sight};
use super::world::{SharedWorld, World, lock};
use crate::pipeline::Request;

/// What happened, and what was wrong.
pub fn run(scenario: &Scenario, flaw: Option<Flaw>) -> (Seen, Verdict) {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let outcome = runtime.block_on(async {
        let mut run = Run::new(scenario, flaw);
        let verdict = run.whole(&scenario.steps).await;
        let seen = lock(&run.world).seen;
        (seen, verdict)
    });
    drop(runtime);
    let (mut seen, verdict) = outcome;
    seen[Sight::RestAdded] += flaws::take_rests();
    (seen, verdict)
}

/// Longer than the living wait between two looks for what the dead have left.
const LOOKS_EVERY: Duration = Duration::from_secs(31);
const MOST_LOOKS: u32 = 20;
/// Seconds in which a process finds its claim: a sample comes every 20 s.
const THAWED_WITHIN: u32 = 40;

struct Run {
    world: SharedWorld,
    processes: Vec<Process>,
}

impl Run {
    fn new(scenario: &Scenario, flaw: Option<Flaw>) -> Run {
        let world = Arc::new(Mutex::new(World::new(scenario, flaw)));
        lock(&world).seen[Sight::Run] += 1;
        let slots = 0..scenario.processes;
        Run {
            processes: slots.map(|slot| Process::start(&world, slot)).collect(),
            world,
        }
    }

    async fn whole(&mut self, steps: &[Step]) -> Verdict {
        for step in steps {
            self.step(step).await;
            self.nothing_was_wrong()?;
        }
        lock(&self.world).calm();
        self.drain().await?;
        self.close_found().await;
        self.thaw().await;
        self.settle().await?;
        for process in &mut self.processes {
            process.closed().await;
        }
        while !lock(&self.world).is_quiet() {
            sleep(Duration::from_secs(1)).await;
        }
        lock(&self.world).views.commit();
        // A closer that was slow may have claimed one meanwhile.
        self.close_found().await;
        self.thaw().await;
        self.settle().await?;
        let world = lock(&self.world);
        oracle::nobody_online_is_closed(&world.views.current, &world.truth)
    }

    /// All find their claims, and open the sessions again that others have closed.
    async fn thaw(&mut self) {
        for _ in 0..THAWED_WITHIN {
            self.processes.iter().for_each(Process::thaw);
            sleep(Duration::from_secs(1)).await;
            let world = lock(&self.world);
            if oracle::nobody_online_is_closed(&world.views.current, &world.truth).is_ok() {
                return;
            }
        }
    }

    /// The living close whoever was found dead.
    async fn close_found(&mut self) {
        while !lock(&self.world).found.is_empty() {
            self.processes[0].close_found().await;
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Until the living have written what the dead have left in slots that nobody took over.
    async fn drain(&mut self) -> Verdict {
        for _ in 0..MOST_LOOKS {
            if !self.has_abandoned_slots() {
                for process in &self.processes {
                    process.note_spool();
                }
                return Ok(());
            }
            sleep(LOOKS_EVERY).await;
        }
        Err("what a dead process left is not written".to_owned())
    }

    /// Whether there are records or totals in slots of the dead.
    fn has_abandoned_slots(&self) -> bool {
        let Some(spool) = lock(&self.world).spool().map(Path::to_owned) else {
            return false;
        };
        let is_living = |slot: &Path| {
            self.processes
                .iter()
                .any(|p| p.slot.as_deref() == Some(slot))
        };
        let entries = |folder: &Path| {
            let entries = std::fs::read_dir(folder).expect("a folder");
            entries.map(|entry| entry.expect("an entry").path())
        };
        let is_left = |file: PathBuf| {
            let is_segment = file.extension().is_some_and(|end| end == "seg");
            is_segment || file.file_name().is_some_and(|name| name == "totals.bson")
        };
        entries(&spool).any(|slot| !is_living(&slot) && entries(&slot).any(is_left))
    }

    async fn step(&mut self, step: &Step) {
        lock(&self.world).seen[Sight::Step] += 1;
        let mut ticks = 1;
        match step {
            Step::Track(slot, calls) => self.track(*slot, calls),
            Step::Pass(so_many) => ticks = *so_many,
            Step::Flush(slot) => drop(self.at(*slot).request(Request::Flush)),
            Step::Metrics(slot, day) => self.at(*slot).ask_for_metrics(*day),
            Step::TotalsDue(slot) => self.at(*slot).pipeline.flush_totals(),
            Step::Crash(slot) => self.crash(*slot).await,
            Step::Die(slot) => self.die(*slot).await,
            Step::Close {
                by,
                of,
                back,
                morrow,
            } => self.at(*by).take_for_dead(*of, *back, *morrow),
            Step::Thaw(slot) => self.at(*slot).thaw(),
            Step::Clash { with, queue, day } => self.at(*with).clash(*queue, *day),
            Step::Move(slot) => self.at(*slot).switch_database(),
            // With a spool a backup says nothing new, and its records would need another oracle.
            Step::Restore(_) if lock(&self.world).is_spooled() => {}
            Step::Restore(back) => lock(&self.world).restore(*back),
        }
        let until = lock(&self.world).in_ticks(ticks);
        sleep_until(until).await;
    }

    fn at(&mut self, slot: usize) -> &mut Process {
        let count = self.processes.len();
        &mut self.processes[slot % count]
    }

    fn track(&mut self, slot: usize, calls: &[Call]) {
        let id = self.at(slot).id;
        let frames: Vec<u8> = {
            let mut world = lock(&self.world);
            world.seen[Sight::Record] += calls.len() as u64;
            let frames = calls.iter().map(|call| world.truth.track(id, call));
            frames.flatten().collect()
        };
        let refused = self.at(slot).pipeline.push(&frames, calls.len() as u32);
        assert_eq!(refused, 0, "there is room for everything");
    }

    async fn die(&mut self, slot: usize) {
        if self.processes.len() > 1 {
            let slot = slot % self.processes.len();
            self.processes.remove(slot).crash().await;
        }
    }

    async fn crash(&mut self, slot: usize) {
        let slot = slot % self.processes.len();
        self.processes.remove(slot).crash().await;
        let next = Process::start(&self.world, slot);
        self.processes.insert(slot, next);
    }

    fn nothing_was_wrong(&mut self) -> Verdict {
        for process in &mut self.processes {
            process.check_answers()?;
        }
        lock(&self.world).violation.take().map_or(Ok(()), Err)
    }

    /// Everything that was accepted is written; what is late may still come.
    async fn settle(&mut self) -> Verdict {
        for process in &mut self.processes {
            process.settle().await?;
        }
        self.nothing_was_wrong()?;
        self.check_metrics().await?;
        self.nothing_was_wrong()?;
        let world = lock(&self.world);
        oracle::end(&world.views.current, &world.truth)
    }

    /// Metrics of a month say what its documents say, which the oracle then looks at; unless these may
    /// have changed meanwhile, or a majority does not hold them yet, as far as reads know.
    async fn check_metrics(&mut self) -> Verdict {
        let month_ends = lock(&self.world).truth.month_ends();
        for day in if month_ends { 0..=1 } else { 1..=1 } {
            let is_quiet = {
                let world = lock(&self.world);
                world.is_quiet() && !world.views.lag()
            };
            let shown = self.processes[0].metrics(day).await?;
            let world = lock(&self.world);
            match is_quiet {
                true => oracle::metrics(&world.views.current, &world.truth, day, &shown)?,
                false => oracle::metrics_do_not_lead(&world.truth, day, &shown)?,
            }
        }
        Ok(())
    }
}
