//! The options of the processes: every second one has other counters.

use crate::config::Config;
use crate::record::counters::Counter;

/// The same total has another index in each.
const OPTIONS: [&str; 2] = [
    r#"{"flushIntervalMs": 42, "operationTimeoutMs": 60000, "reports": "off",
        "counters": {"boss.kill": "bossKills"}}"#,
    r#"{"flushIntervalMs": 42, "operationTimeoutMs": 60000, "reports": "off",
        "counters": {"a.quest": "questsDone", "boss.kill": "bossKills"}}"#,
];

pub fn config(process: usize) -> Config {
    let options = OPTIONS[process % OPTIONS.len()];
    let (config, _) = Config::from_json(options, "{}").expect("valid options");
    config
}

/// A total that both have, beside the built-in ones.
pub fn own_counter() -> Counter {
    Counter::named("bossKills").expect("a name")
}
