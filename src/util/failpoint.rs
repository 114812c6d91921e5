//! Steps on the way of a record at which a test may end the process: with the feature `fail-points`
//! and, in `FAILPOINTS`, the name of a step, after how many passes, and `return`, as in
//! `FAILPOINTS=add:after=3*off->return`. In unit tests of the core a fuse panics there. What is built for
//! hosts has nothing of this.

/// Names a step.
macro_rules! failpoint {
    ($name:expr) => {
        #[cfg(feature = "fail-points")]
        fail::fail_point!($name, |_| std::process::abort());
        #[cfg(test)]
        $crate::util::failpoint::testing::pass($name);
    };
}

pub(crate) use failpoint;

/// Reads `FAILPOINTS`, once.
#[cfg(feature = "fail-points")]
pub fn arm() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| std::mem::forget(fail::FailScenario::setup()));
}

#[cfg(test)]
pub mod testing {
    //! Panics where tasks wait.

    use std::collections::HashMap;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, LazyLock, Mutex, PoisonError};

    use tokio::runtime::{Handle, Id};

    /// A step, and what burns there.
    type Armed = (&'static str, Arc<Fuse>);

    /// Of each test, which has a runtime of its own.
    static ARMED: LazyLock<Mutex<HashMap<Id, Armed>>> = LazyLock::new(Mutex::default);

    /// Panics at one of its passes, or at several in a row.
    pub struct Fuse {
        passes: AtomicU64,
        pub at: u64,
        times: u64,
    }

    impl Fuse {
        pub fn new(at: u64) -> Arc<Self> {
            Self::lasting(at, 1)
        }

        pub fn lasting(at: u64, times: u64) -> Arc<Self> {
            let passes = AtomicU64::new(0);
            Arc::new(Self { passes, at, times })
        }

        /// From now on it burns at this step in all tasks of this runtime, in place of an earlier fuse.
        pub fn arm(self: &Arc<Self>, step: &'static str) {
            let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
            armed.insert(Handle::current().id(), (step, Arc::clone(self)));
        }

        pub fn pass(&self) {
            let pass = self.passes.fetch_add(1, Ordering::Relaxed);
            let is_over = pass >= self.at.saturating_add(self.times);
            assert!(pass < self.at || is_over, "on purpose");
        }

        pub fn has_blown(&self) -> bool {
            self.passes.load(Ordering::Relaxed) > self.at
        }
    }

    pub fn pass(step: &str) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        let fuse = armed
            .get(&runtime.id())
            .and_then(|(of, fuse)| (*of == step).then(|| Arc::clone(fuse)));
        drop(armed);
        if let Some(fuse) = fuse {
            fuse.pass();
        }
    }
}
