//! The memory that totals take while they cannot be added: it does not grow with the records.

use std::process::Command;
use std::{env, fs};

use super::*;

/// What all that may take, without the users.
const MOST: usize = 8 << 20;
const USERS: u64 = 1_000;
/// Of a user on one of two days, with the name.
const USER_BYTES: usize = 80;

const MEASURE: &str = "GSO_ANALYTICS_MEASURES_TOTALS";

#[test]
fn ten_million_events_take_less_than_8_mib_while_totals_are_blocked() {
    let name = "ten_million_events_take_less_than_8_mib_while_totals_are_blocked";
    measure_alone(name, 10_000_000, false);
}

#[test]
fn recovered_events_take_no_more_while_totals_are_blocked() {
    let name = "recovered_events_take_no_more_while_totals_are_blocked";
    measure_alone(name, 500_000, true);
}

/// In a process of its own, in which no other test runs.
fn measure_alone(name: &str, events: i64, are_recovered: bool) {
    if env::var_os(MEASURE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        return runtime.block_on(measure(events, are_recovered));
    }
    let (_, module) = module_path!().split_once("::").expect("a crate");
    let mut program = Command::new(env::current_exe().expect("this program"));
    program.args(["--exact", &format!("{module}::{name}"), "--nocapture"]);
    let output = program.env(MEASURE, "1").output().expect("it runs");
    let [out, err] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
    println!("{out}");
    assert!(output.status.success() && out.contains("1 passed"), "{err}");
}

/// With twenty savings on disk, or fifty of recovered events.
async fn measure(events: i64, are_recovered: bool) {
    let slot = tempfile::tempdir().expect("a folder");
    let store = Arc::new(FakeStore::new(|| Fate::RequestLost));
    let first = if are_recovered { START + events } else { START };
    let mut totals = totals(writer(first, true));
    slot.path().clone_into(&mut totals.folder);
    let mut marks = Watermarks::new(first, are_recovered);
    let days = [Day::of(0), Day::of(86_400_000)];
    let users: Vec<Arc<str>> = (0..USERS).map(|n| format!("user{n}").into()).collect();
    let pause = if are_recovered { 10_000 } else { 500_000 };
    let before = resident();
    for seq in START..START + events {
        let day = days[usize::from(seq % 3 == 0)].clone();
        if seq % 100 == 0 {
            let user = &users[(seq / 100) as usize % users.len()];
            let (day, amount) = (day.clone(), Amount::Login(Arc::clone(user)));
            take(
                &mut totals,
                Queue::Logins,
                Contribution { seq, day, amount },
            );
        }
        let amount = Amount::Counted(Counter::CreditsEarned, 1.0);
        take(
            &mut totals,
            Queue::Events,
            Contribution { seq, day, amount },
        );
        if (seq - START) % pause == pause - 1 {
            write_up_to(&mut marks, seq);
            tokio::time::sleep(Duration::from_secs(60)).await;
            refuse(&mut totals, &marks, &store).await;
            save(&mut totals, &marks);
        }
    }
    let grown = resident().saturating_sub(before);
    let counted = totals.shared.memory.used();
    println!("{grown} bytes more, {counted} of them counted");
    assert!(grown < MOST, "{grown} bytes");
    // The users of the batch that was sent, and of those that are closed.
    let most = 2 * days.len() * users.len() * USER_BYTES;
    assert!(counted > 0 && counted < most, "{counted} bytes are counted");
}

/// Bytes of memory that this process has, without the pages of its program.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<usize>().ok())
        .expect("a number")
        << 10
}
