//! Panics: a defect of this package ends the step that met it, and nothing else. A panic in a step is caught,
//! counted, and described by its place, of which every instance hears; the host's panic output stays empty.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Display, Formatter};
use std::future::poll_fn;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::task::Poll;

use super::failpoint::failpoint;

/// The name of I/O to tests, as that of a task in [`catch_in`].
#[cfg(any(test, feature = "fail-points"))]
const IO: &str = "io";

static CAUGHT: AtomicU64 = AtomicU64::new(0);
/// In the order in which they were met, each place once: so many as there are in the code at most.
static MET: Mutex<Vec<Panicked>> = Mutex::new(Vec::new());

thread_local! {
    static IS_IN_STEP: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A step has panicked. Its text tells the place and not the message, which may quote data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked {
    place: String,
}

impl Panicked {
    /// The thread of a step has ended.
    pub fn ended() -> Self {
        Self {
            place: "an unknown place".to_owned(),
        }
    }
}

impl Display for Panicked {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "a defect of gso-analytics at {}", self.place)
    }
}

impl From<Panicked> for io::Error {
    fn from(panicked: Panicked) -> Self {
        io::Error::other(panicked.to_string())
    }
}

/// Panics that were caught in this process.
pub fn caught() -> u64 {
    CAUGHT.load(Ordering::Acquire)
}

/// The panics that were caught in this process since it was made or last asked.
pub struct Watch {
    caught: u64,
    met: usize,
}

impl Watch {
    pub fn new() -> Self {
        let met = met();
        Self {
            caught: caught(),
            met: met.len(),
        }
    }

    /// Those at places where none was before.
    pub fn news(&mut self) -> Vec<Panicked> {
        let caught = caught();
        if std::mem::replace(&mut self.caught, caught) == caught {
            return Vec::new();
        }
        let met = met();
        let known = std::mem::replace(&mut self.met, met.len());
        met[known..].to_vec()
    }
}

fn met() -> MutexGuard<'static, Vec<Panicked>> {
    MET.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a step. What it works on must stay usable when it stops half-way.
pub fn catch<T>(step: impl FnOnce() -> T) -> Result<T, Panicked> {
    remember_places();
    let was_in_step = IS_IN_STEP.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(step));
    IS_IN_STEP.set(was_in_step);
    result.map_err(|_| {
        let panicked = Panicked {
            place: PLACE.take(),
        };
        let mut met = met();
        if !met.contains(&panicked) {
            met.push(panicked.clone());
        }
        // After it is among them, and while nobody reads them.
        CAUGHT.fetch_add(1, Ordering::Release);
        panicked
    })
}

/// The same for I/O: a panic is an error like any other.
pub fn catch_io<T>(step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch(|| {
        failpoint!(IO);
        step()
    })?
}

/// Runs a future; a panic in it ends it. `_task` names the kind of task to tests, which let it panic where
/// it waits.
pub async fn catch_in<F: Future>(_task: &str, future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let step = || {
            failpoint!(_task);
            future.as_mut().poll(cx)
        };
        match catch(step) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panicked) => Poll::Ready(Err(panicked)),
        }
    })
    .await
}

/// Panics outside of steps are printed as before.
fn remember_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match panic.location() {
            Some(place) if IS_IN_STEP.get() => PLACE.set(place.to_string()),
            _ => print(panic),
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_described_by_its_place_and_counted() {
        let before = caught();
        let panicked = catch(|| panic!("of user {}", "hunter2")).expect_err("a panic");
        let text = panicked.to_string();
        assert!(text.contains("panics.rs:"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(caught() > before);
        assert_eq!(catch(|| 1), Ok(1));
    }

    #[test]
    fn a_watch_hears_of_each_place_once() {
        let panics = |watch: &mut Watch| {
            let panic = || catch(|| panic!("on purpose")).map(|()| 0);
            let [one, other] = [panic(), panic()].map(|result| result.expect_err("a panic"));
            assert_eq!(one, other);
            watch.news().iter().filter(|met| **met == one).count()
        };
        let mut watch = Watch::new();
        assert_eq!([panics(&mut watch), panics(&mut watch)], [1, 0]);
        assert_eq!(panics(&mut Watch::new()), 0);
    }

    #[tokio::test]
    async fn a_future_that_panics_where_it_waits_ends_with_the_place() {
        let panics = catch_in("test", async {
            tokio::task::yield_now().await;
            panic!("on purpose");
        });
        let ended: Result<(), Panicked> = panics.await;
        assert!(ended.is_err_and(|panicked| panicked.to_string().contains("panics.rs:")));
        let ends = catch_in("test", async {
            tokio::task::yield_now().await;
            1
        });
        assert_eq!(ends.await, Ok(1));
    }
}
