//! Totals and their ledgers against a store in memory: its collections are dropped, a disk fails.

#[cfg(target_os = "linux")]
mod memory;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bson::{Document, doc};

use super::recovered::Recovered;
use super::saved::SavedTotals;
use super::*;
use crate::config::Config;
use crate::instance::context::Context;
use crate::instance::listener::{Listener, Message};
use crate::record::counters::Counter;
use crate::record::day::Day;
use crate::spool::shares_file;
use crate::store::fake::{FakeStore, Fate, State};

fn ledger() -> Ledger {
    let context = Context::default();
    let writer = Writer::fresh(&context);
    let (queue, days) = (Queue::Logins, ExistingDays::default());
    Ledger::new(
        context,
        Rules::default(),
        &writer,
        queue,
        &Arc::default(),
        &days,
    )
}

/// Adds a login. Reads may lag behind, and are repeated then.
async fn log_in(ledger: &mut Ledger, store: &FakeStore, seq: i64, user: &str) {
    let mut pending = Pending::new();
    let (day, amount) = (Day::of(0), Amount::Login(user.into()));
    pending.add(Contribution { seq, day, amount }, false);
    let mut batch = pending.take_batch();
    let mut warnings = Warnings::default();
    while ledger
        .write(store, &mut batch, &mut warnings)
        .await
        .is_err()
    {}
}

#[tokio::test(start_paused = true)]
async fn users_of_totals_that_are_gone_get_no_markers_again() {
    let store = FakeStore::new(|| Fate::Answered);
    let mut ledger = ledger();
    log_in(&mut ledger, &store, 1, "ann").await;
    // The pass that makes indexes again begins with what is known now, and comes to the markers later.
    let before = ledger.clone();
    *store.state() = State::default();
    log_in(&mut ledger, &store, 2, "bob").await;
    for _ in 0..2 {
        before.restore_uniques(&store).await.expect("answered");
    }
    log_in(&mut ledger, &store, 3, "ann").await;
    let state = store.state();
    let day = &state.days[Day::of(0).as_str()];
    assert_eq!((day.totals[&Counter::Dau], day.mau), (2.0, 2.0));
}

#[tokio::test(start_paused = true)]
async fn a_user_who_was_refused_is_tried_again_with_the_next_login() {
    let store = FakeStore::new(|| Fate::Answered);
    let mut ledger = ledger();
    store.state().refused_users.insert("ann".to_owned());
    log_in(&mut ledger, &store, 1, "ann").await;
    store.state().refused_users.clear();
    log_in(&mut ledger, &store, 2, "ann").await;
    let state = store.state();
    assert_eq!(state.days[Day::of(0).as_str()].totals[&Counter::Dau], 1.0);
}

const START: i64 = 100;

fn writer(first: i64, is_new: bool) -> Writer {
    let mut writer = Writer::fresh(&Context::default());
    (writer.id, writer.first, writer.is_new) = ("w".to_owned(), first, is_new);
    writer
}

fn totals(writer: Writer) -> Totals {
    struct Nobody;
    impl Listener for Nobody {
        fn deliver(&self, _: Message) {}
    }
    let (config, _) = Config::from_json("{}", "{}").expect("valid options");
    let shared = Shared::new(config, Arc::new(Nobody));
    let writers = Queue::ALL.map(|_| writer.clone());
    Totals::new(&shared, Rules::default(), writers, &Arc::default())
}

fn earn(totals: &mut Totals, marks: &mut Watermarks, seq: i64) {
    let amount = Amount::Counted(Counter::CreditsEarned, 1.0);
    let day = Day::of(0);
    take(totals, Queue::Events, Contribution { seq, day, amount });
    write_up_to(marks, seq);
}

/// Records up to this one are written.
fn write_up_to(marks: &mut Watermarks, seq: i64) {
    for stage in [Stage::Accepted]
        .into_iter()
        .chain(Queue::ALL.map(Stage::Written))
    {
        marks.advance(stage, seq);
    }
}

/// Takes the share of a written record, as the write queues do.
fn take(totals: &mut Totals, queue: Queue, contribution: Contribution) {
    let bytes = totals.add(queue, contribution);
    totals.shared.memory.occupy(bytes);
}

/// The next batch is sent, and fails.
async fn refuse(totals: &mut Totals, marks: &Watermarks, store: &Arc<FakeStore>) {
    totals.poll(store, marks, true, Instant::now());
    let result = totals.next().await;
    assert!(totals.handle(result, Instant::now()).is_err());
}

/// Saves what waits, as the disk does; returns the content of the file.
fn save(totals: &mut Totals, marks: &Watermarks) -> Document {
    let kept = totals.save(marks, Instant::now()).flatten();
    let kept = kept.expect("totals to save");
    for (path, content) in kept.shares {
        shares_file::write(&path, content).expect("written");
    }
    totals.saved(true);
    kept.totals
}

/// Adds whatever waits. Reads may lag behind, and are repeated then.
async fn add_all(totals: &mut Totals, marks: &Watermarks, store: &Arc<FakeStore>) {
    let later = Instant::now() + Duration::from_secs(3_600);
    while totals.first_uncommitted(Queue::Events).is_some() {
        assert!(Instant::now() < later, "nothing is added");
        tokio::time::sleep(Duration::from_secs(1)).await;
        totals.poll(store, marks, true, later);
        let result = totals.next().await;
        let _ = totals.handle(result, Instant::now());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_user_is_counted_as_dropped_only_while_another_day_fails() {
    let is_failing = Arc::new(AtomicBool::new(false));
    let fails = Arc::clone(&is_failing);
    let store = Arc::new(FakeStore::new(move || {
        match fails.load(Ordering::Relaxed) {
            true => Fate::RequestLost,
            false => Fate::Answered,
        }
    }));
    store.state().refused_users.insert("ann".to_owned());
    let mut totals = totals(writer(START, true));
    let mut marks = Watermarks::new(START, false);
    for (seq, user) in [(START, "ann"), (START + 1, "bob")] {
        let (day, amount) = (
            Day::of((seq - START) * 86_400_000),
            Amount::Login(user.into()),
        );
        take(
            &mut totals,
            Queue::Logins,
            Contribution { seq, day, amount },
        );
        write_up_to(&mut marks, seq);
    }
    let mut sends = 0;
    while totals.first_uncommitted(Queue::Logins).is_some() {
        let later = Instant::now() + Duration::from_secs(3_600);
        totals.poll(&store, &marks, true, later);
        let first_day = async {
            while store.state().adds == 0 {
                tokio::task::yield_now().await;
            }
            is_failing.store(sends == 0, Ordering::Relaxed);
        };
        let (result, ()) = tokio::join!(totals.next(), first_day);
        let _ = totals.handle(result, Instant::now());
        sends += 1;
    }
    assert!(sends > 1);
    let counts = totals.shared.health.counts();
    assert_eq!(
        (counts.written, counts.dropped["refused_by_server"]),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn totals_whose_saving_fails_are_added_once_whatever_the_file_holds() {
    let store = Arc::new(FakeStore::new(|| Fate::Answered));
    let mut totals_before = totals(writer(START, true));
    let mut marks = Watermarks::new(START, false);
    let mut files = Vec::new();
    for (seq, is_done) in [(START, true), (START + 1, false)] {
        earn(&mut totals_before, &mut marks, seq);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let file = totals_before.save(&marks, Instant::now());
        files.push(file.flatten().expect("totals to save").totals);
        totals_before.saved(is_done);
    }
    totals_before.poll(&store, &marks, true, Instant::now());
    let result = totals_before.next().await;
    assert!(totals_before.handle(result, Instant::now()).is_ok());
    // It crashes, and the disk has the file that it reported as failed.
    let mut totals = totals(writer(START + 10, false));
    let saved = SavedTotals::read(files.pop().expect("a file")).expect("readable");
    for (account, queue) in totals.accounts.iter_mut().zip(saved.queues) {
        account.load(queue.batches(&totals.folder));
    }
    add_all(&mut totals, &marks, &store).await;
    assert_eq!(
        store.state().days[Day::of(0).as_str()].totals[&Counter::CreditsEarned],
        2.0
    );
    assert!(totals.shared.health.counts().warnings.is_empty());
}

/// What becomes of three recovered records when totals were blocked, and saved, and the dead process's own request
/// arrives only then, which adds two of them.
async fn add_after_two_were_added(mut change: impl FnMut(&mut Totals, Document)) -> (f64, u64) {
    let is_blocked = Arc::new(AtomicBool::new(true));
    let blocked = Arc::clone(&is_blocked);
    let store = Arc::new(FakeStore::new(move || {
        match blocked.load(Ordering::Relaxed) {
            true => Fate::RequestLost,
            false => Fate::Answered,
        }
    }));
    let slot = tempfile::tempdir().expect("a folder");
    let mut totals = totals(writer(START, false));
    slot.path().clone_into(&mut totals.folder);
    let mut marks = Watermarks::new(START, true);
    for seq in 1..=3 {
        earn(&mut totals, &mut marks, seq);
        refuse(&mut totals, &marks, &store).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert!(totals.shared.memory.used() > 0);
    let document = save(&mut totals, &marks);
    assert_eq!(totals.shared.memory.used(), 0, "they are on disk");
    {
        let mut state = store.state();
        let day = state
            .days
            .entry(Day::of(0).as_str().to_owned())
            .or_default();
        day.writers.insert(Writer::name("w", Queue::Events), 2);
        day.totals.insert(Counter::CreditsEarned, 2.0);
    }
    is_blocked.store(false, Ordering::Relaxed);
    change(&mut totals, document);
    add_all(&mut totals, &marks, &store).await;
    let state = store.state();
    let uncertain = totals.shared.health.counts().warnings;
    let uncertain = uncertain.get("totals_uncertain").copied();
    let day = &state.days[Day::of(0).as_str()];
    (day.totals[&Counter::CreditsEarned], uncertain.unwrap_or(0))
}

#[tokio::test(start_paused = true)]
async fn recovered_totals_that_wait_on_disk_are_added_without_the_part_that_was_added_meanwhile() {
    assert_eq!(add_after_two_were_added(|_, _| {}).await, (3.0, 0));
}

/// Another process takes over what is saved.
fn restart(before: &mut Totals, document: Document) {
    let folder = before.folder.clone();
    *before = totals(writer(START + 10, false));
    let saved = SavedTotals::read(document).expect("readable");
    for (account, queue) in before.accounts.iter_mut().zip(saved.queues) {
        account.load(queue.batches(&folder));
    }
}

#[tokio::test(start_paused = true)]
async fn the_process_after_that_adds_the_same_part() {
    assert_eq!(add_after_two_were_added(restart).await, (3.0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_process_after_an_earlier_release_adds_the_same_part() {
    let upgrade = |before: &mut Totals, mut document: Document| {
        let one = |seq: i64| {
            let (day, counter) = (Day::of(0), Counter::CreditsEarned);
            let (day, counter) = (day.as_str(), counter.field());
            doc! { "seq": seq, "day": day, "counter": counter, "user": null, "number": 1.0 }
        };
        let queues = document.get_array_mut("queues").expect("queues");
        let events = queues[Queue::Events as usize].as_document_mut();
        let batches = events.expect("a queue").get_array_mut("batches");
        for batch in batches.expect("batches") {
            let batch = batch.as_document_mut().expect("a batch");
            let [first, last] = ["first", "last"].map(|end| batch.get_i64(end).expect("a number"));
            batch.remove("files");
            batch.insert("recovered", (first..=last).map(one).collect::<Vec<_>>());
        }
        restart(before, document);
    };
    assert_eq!(add_after_two_were_added(upgrade).await, (3.0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_part_that_cannot_be_told_any_more_is_left_out_and_counted() {
    let lose =
        |totals: &mut Totals, _| shares_file::remove_others(&totals.folder, &[]).expect("removed");
    let (earned, uncertain) = add_after_two_were_added(lose).await;
    assert_eq!((earned, uncertain > 0), (2.0, true));
}

#[tokio::test(start_paused = true)]
async fn a_share_file_that_stays_unreadable_does_not_hold_up_totals_for_ever() {
    let spoil = |totals: &mut Totals, _| {
        let all = totals.accounts[Queue::Events as usize].batches();
        for file in all.flat_map(|batch| batch.recovered.iter().flat_map(Recovered::files)) {
            fs::remove_file(&file).expect("removed");
            fs::create_dir(&file).expect("a folder");
        }
    };
    let (earned, uncertain) = add_after_two_were_added(spoil).await;
    assert_eq!((earned, uncertain > 0), (2.0, true));
}

#[tokio::test(start_paused = true)]
async fn totals_that_are_saved_wake_nobody_until_there_are_more() {
    let store = Arc::new(FakeStore::new(|| Fate::Answered));
    let mut totals = totals(writer(START, true));
    let mut marks = Watermarks::new(START, false);
    earn(&mut totals, &mut marks, START);
    // They are due in a while.
    totals.poll(&store, &marks, false, Instant::now());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(totals.save(&marks, Instant::now()).flatten().is_some());
    totals.saved(true);
    assert_eq!((totals.save_at(&marks), totals.wake_at()), (None, None));
    earn(&mut totals, &mut marks, START + 1);
    assert!(totals.save_at(&marks).is_some());
    add_all(&mut totals, &marks, &store).await;
    assert_eq!(totals.wake_at(), None);
}

/// Another process adds under the id of a queue.
fn leave_id(totals: &mut Totals, queue: Queue) {
    let random = &totals.shared.context.random;
    totals.accounts[queue as usize].want_another_id(random);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_waits_for_another_id_wakes_nobody_while_the_other_cannot_be_left() {
    let store = Arc::new(FakeStore::new(|| Fate::RequestLost));
    let mut totals = totals(writer(START, false));
    let mut marks = Watermarks::new(START, false);
    let days = [(Day::of(0), Default::default())].into();
    let sent = TotalsBatch::whole(1, 1, days);
    totals.accounts[Queue::Logouts as usize].load([sent].into());
    leave_id(&mut totals, Queue::Events);
    leave_id(&mut totals, Queue::Logouts);
    earn(&mut totals, &mut marks, START);
    let end = Instant::now() + totals.shared.config.flush_interval * 3;
    while Instant::now() < end {
        totals.poll(&store, &marks, false, Instant::now());
        let attempt = tokio::time::timeout(Duration::from_secs(1), totals.next()).await;
        let result = attempt.expect("it turns for nothing");
        assert!(totals.handle(result, Instant::now()).is_err());
        let wake = totals.wake_at().expect("a retry");
        assert!(wake > Instant::now(), "in the past");
        tokio::time::sleep_until(wake).await;
    }
}

/// Of a process with a slot, where another has added to its totals before it has.
fn clashed(first: i64, marks: &mut Watermarks) -> (Totals, Arc<FakeStore>) {
    let mut of_slot = writer(first, false);
    of_slot.is_of_slot = true;
    let mut totals = totals(of_slot);
    leave_id(&mut totals, Queue::Events);
    earn(&mut totals, marks, first);
    (totals, Arc::new(FakeStore::new(|| Fate::Answered)))
}

fn events(changed: &Changed) -> Option<i64> {
    changed.get("e").map(|next| next.after)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_added_under_another_id_before_the_disk_has_it() {
    let mut marks = Watermarks::new(START, false);
    let (mut totals, store) = clashed(START, &mut marks);
    let now = Instant::now();
    let changed = totals.change_writers(now).expect("a change");
    assert_eq!((changed.len(), events(&changed)), (1, Some(START - 1)));
    assert_eq!(totals.change_writers(now), None, "asked once");
    totals.writers_changed(false, now);
    totals.poll(&store, &marks, true, now);
    assert!(totals.is_idle(), "nothing is sent");
    let again_at = totals.change_at().expect("it is asked again");
    assert!(again_at > now);
    assert_eq!(totals.change_writers(now), None, "not at once");
    let again = totals.change_writers(again_at);
    assert_eq!(again.as_ref(), Some(&changed));
    totals.writers_changed(true, again_at);
    add_all(&mut totals, &marks, &store).await;
    assert_eq!(totals.change_at(), None);
    let state = store.state();
    let writers: Vec<_> = state.days[Day::of(0).as_str()].writers.iter().collect();
    assert_eq!(writers, [(&format!("{}.e", changed["e"].writer), &START)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_left_is_added_under_the_id_that_it_had_and_no_queue_waits_for_that() {
    let mut marks = Watermarks::new(START, true);
    let (mut totals, store) = clashed(START, &mut marks);
    leave_id(&mut totals, Queue::Logins);
    for (seq, user) in [(7, "ann"), (START + 1, "bob")] {
        let (day, amount) = (Day::of(0), Amount::Login(user.into()));
        totals.add(Queue::Logins, Contribution { seq, day, amount });
    }
    let later = Instant::now() + Duration::from_secs(3_600);
    let changed = totals.change_writers(later).expect("a change");
    assert_eq!((changed.len(), events(&changed)), (1, Some(START - 1)));
    totals.writers_changed(true, later);
    add_all(&mut totals, &marks, &store).await;
    while totals.first_uncommitted(Queue::Logins) == Some(7) {
        totals.poll(&store, &marks, true, later);
        let result = totals.next().await;
        let _ = totals.handle(result, Instant::now());
    }
    totals.poll(&store, &marks, true, later);
    assert!(totals.is_idle(), "the rest waits");
    let rest = totals.change_writers(later).expect("a change");
    assert_eq!(rest.keys().collect::<Vec<_>>(), ["i"]);
    let state = store.state();
    let mut writers: Vec<_> = state.days[Day::of(0).as_str()].writers.iter().collect();
    writers.sort_by_key(|(_, seq)| **seq);
    let name = format!("{}.e", changed["e"].writer);
    assert_eq!(writers, [(&"w.i".to_owned(), &7), (&name, &START)]);
}
