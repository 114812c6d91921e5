//! The memory that totals take while they cannot be added: it does not grow with the records.

use std::process::Command;
use std::{env, fs};

use super::*;

const EVENTS: i64 = 10_000_000;
const LOGINS: i64 = 100_000;
const USERS: i64 = 1_000;
/// Savings on disk meanwhile.
const SAVINGS: i64 = 20;
/// What all that may take, without the users.
const MOST: usize = 8 << 20;
/// Of a user on one of two days, with the name.
const USER_BYTES: usize = 80;

const MEASURE: &str = "GSO_ANALYTICS_MEASURES_TOTALS";

/// In a process of its own, in which no other test runs.
#[test]
fn ten_million_events_take_less_than_8_mib_while_totals_are_blocked() {
    if env::var_os(MEASURE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        return runtime.block_on(measure());
    }
    let test = concat!(
        module_path!(),
        "::ten_million_events_take_less_than_8_mib_while_totals_are_blocked"
    );
    let name = test.split_once("::").expect("a crate and a name").1;
    let program = env::current_exe().expect("this program");
    let mut measured = Command::new(program);
    measured.args(["--exact", name, "--nocapture"]);
    let output = measured.env(MEASURE, "1").output().expect("it runs");
    let [out, err] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
    println!("{out}");
    assert!(output.status.success() && out.contains("1 passed"), "{err}");
}

async fn measure() {
    let store = Arc::new(FakeStore::new(|| Fate::RequestLost));
    let mut totals = totals(writer(START, true));
    let mut marks = Watermarks::new(START, false);
    let days = [Day::of(0), Day::of(86_400_000)];
    let users: Vec<Arc<str>> = (0..USERS).map(|n| format!("user{n}").into()).collect();
    let before = resident();
    for n in 0..EVENTS {
        let day = days[usize::from(n % 3 == 0)].clone();
        let amount = Amount::Counted(Counter::CreditsEarned, 1.0);
        take(
            &mut totals,
            Queue::Events,
            Contribution {
                seq: START + n,
                day: day.clone(),
                amount,
            },
        );
        if n % (EVENTS / LOGINS) == 0 {
            let user = &users[(n / (EVENTS / LOGINS) % USERS) as usize];
            let amount = Amount::Login(Arc::clone(user));
            take(
                &mut totals,
                Queue::Logins,
                Contribution {
                    seq: START + n,
                    day,
                    amount,
                },
            );
        }
        if n % (EVENTS / SAVINGS) == 0 {
            write_up_to(&mut marks, START + n);
            tokio::time::sleep(Duration::from_secs(60)).await;
            totals.poll(&store, &marks, true, Instant::now());
            let result = totals.next().await;
            assert!(
                totals.handle(result, Instant::now()).is_err(),
                "they are blocked"
            );
            assert!(totals.save(&marks, Instant::now()).flatten().is_some());
            totals.saved(true);
        }
    }
    let (grown, counted) = (
        resident().saturating_sub(before),
        totals.shared.memory.used(),
    );
    println!("{grown} bytes more, {counted} of them counted");
    assert!(grown < MOST, "{grown} bytes");
    // The users of the batch that was sent, of those that are closed, and of those that came last.
    let most = 3 * days.len() * users.len() * USER_BYTES;
    assert!(counted > 0 && counted < most, "{counted} bytes are counted");
}

/// Takes the share of a written record, as the write queue does.
fn take(totals: &mut Totals, queue: Queue, contribution: Contribution) {
    let bytes = totals.add(queue, contribution);
    totals.shared.memory.occupy(bytes);
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
