//! Threads for work that blocks. They are made at once and kept, so that no later moment in which the system
//! refuses threads fails or delays the work.

use std::fmt::{self, Debug, Formatter};
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use super::panics::{Panicked, catch};

type Job = Box<dyn FnOnce() + Send>;

/// They end when the last handle is dropped.
#[derive(Clone, Default)]
pub struct Threads(Kind);

#[derive(Clone, Default)]
enum Kind {
    /// Those of the runtime that the work is given from. Paused time waits for them.
    #[default]
    OfRuntime,
    Own(Sender<Job>),
}

impl Threads {
    /// So many threads of this name; an error if the system refuses one.
    pub fn start(name: &str, threads: usize) -> io::Result<Self> {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            let builder = thread::Builder::new().name(name.to_owned());
            builder.spawn(move || work(&queue))?;
        }
        Ok(Self(Kind::Own(jobs)))
    }

    /// The result of a job. One that nobody waits for any more is not begun.
    pub fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, Panicked>> + Send + 'static {
        let (done, result) = oneshot::channel();
        self.give(Box::new(move || {
            if !done.is_closed() {
                let _ = done.send(catch(job));
            }
        }));
        async { result.await.unwrap_or_else(|_| Err(Panicked::ended())) }
    }

    fn give(&self, job: Job) {
        match &self.0 {
            Kind::OfRuntime => drop(tokio::task::spawn_blocking(job)),
            // Its threads live as long as this.
            Kind::Own(jobs) => drop(jobs.send(job)),
        }
    }
}

impl Debug for Threads {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Threads")
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    let next = || {
        let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.recv()
    };
    while let Ok(job) = next() {
        job();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_run_beside_each_other_and_a_panic_ends_no_thread() {
        let threads = Threads::start("test", 2).expect("threads");
        for _ in 0..3 {
            assert!(
                threads
                    .run(|| panic!("on purpose"))
                    .await
                    .map(|()| 0)
                    .is_err()
            );
        }
        let (here, there) = channel();
        let waits = threads.run(move || there.recv());
        let sends = threads.run(move || here.send(1));
        assert_eq!(sends.await.map(|sent| sent.is_ok()), Ok(true));
        assert_eq!(waits.await, Ok(Ok(1)));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_begun() {
        let threads = Threads::start("test", 1).expect("threads");
        let (go_on, wait) = channel::<()>();
        let (begun, begins) = channel();
        let first = threads.run(move || wait.recv());
        drop(threads.run(move || begun.send(())));
        drop(go_on);
        drop(first.await);
        assert_eq!(threads.run(move || begins.recv().is_err()).await, Ok(true));
    }
}
