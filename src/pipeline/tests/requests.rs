//! Requests: equal ones do not read at once, and each has its time.

use tokio::time::{Instant, sleep};

use super::*;
use crate::config::Config;
use crate::instance::shared::Shared;
use crate::pipeline::legacy::Legacy;
use crate::pipeline::requests::{Progress, Requests};
use crate::reports::Settings;

const PROGRESS: Progress = Progress {
    committed: 0,
    unforwarded: 0,
    has_store: true,
    is_preparing: false,
    is_indexing: false,
    is_stopping: false,
    is_present: false,
    is_spool_empty: true,
    is_spilled: false,
};

#[tokio::test(start_paused = true)]
async fn a_caller_behind_an_equal_read_has_its_whole_time_for_its_own_once() {
    let host = Arc::new(TestHost::default());
    let (config, _) = Config::from_json("{}", "{}").expect("valid options");
    let limit = config.operation_timeout;
    let shared = Shared::within(context(), config, host.clone());
    let settings = Arc::new(Settings::new(&shared.config));
    let mut requests = Requests::new(&shared, &settings);
    let (store, legacy) = (Arc::new(reliable()), Legacy::new(&shared));
    let poll = |requests: &mut Requests| {
        let now = Instant::now();
        requests.poll(PROGRESS, &legacy, now);
        requests.poll_reads(&store, 0, &legacy, now);
        host.lock().len()
    };
    requests.accept(1, Request::Last30Days, 0);
    poll(&mut requests);
    requests.accept(2, Request::Last30Days, 0);
    // The first one takes long.
    poll(&mut requests);
    sleep(limit * 7 / 10).await;
    let answer = requests.next().await;
    requests.handle(answer, Instant::now());
    assert_eq!(poll(&mut requests), 1, "the first is answered");
    sleep(limit * 9 / 10).await;
    assert_eq!(poll(&mut requests), 1, "the second reads");
    sleep(limit / 5).await;
    assert_eq!(poll(&mut requests), 2, "its time is over");
    assert!(requests.is_empty());
}
