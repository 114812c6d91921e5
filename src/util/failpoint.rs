//! Steps on the way of a record at which a test may end the process: with the feature `fail-points`
//! and, in `FAILPOINTS`, the name of a step, after how many passes, and `return`, as in
//! `FAILPOINTS=add:after=3*off->return`. Without the feature there is nothing of this.

/// Names a step.
macro_rules! failpoint {
    ($name:expr) => {
        #[cfg(feature = "fail-points")]
        fail::fail_point!($name, |_| std::process::abort());
    };
}

pub(crate) use failpoint;

/// Reads `FAILPOINTS`, once.
#[cfg(feature = "fail-points")]
pub fn arm() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| std::mem::forget(fail::FailScenario::setup()));
}
