//! The limit: the same documents, written by a client that has nothing else to do.
//!
//! `rust '{"uri", "database", "events", "batch", "inFlight", "bytes"}'` prints one line of JSON. Batches
//! are built and inserted by `inFlight` tasks, through `insert_many` or, with `raw`, as an `insert`
//! command made here; the daily totals are added to every half second.

#![allow(clippy::print_stdout, reason = "prints its result")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bson::raw::cstr;
use bson::{DateTime, RawArrayBuf, RawDocumentBuf, doc, oid::ObjectId, rawdoc};
use mongodb::options::{Acknowledgment, CollectionOptions, WriteConcern};
use mongodb::{Client, Collection, Database};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Notify;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    uri: String,
    database: String,
    events: u64,
    batch: u64,
    in_flight: usize,
    /// Bytes of text added to each payload.
    bytes: usize,
    #[serde(default)]
    raw: bool,
}

const TOTALS_EVERY: Duration = Duration::from_millis(500);

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let task: Task = serde_json::from_str(&std::env::args().nth(1).unwrap_or_default())?;
    let events = task.events;
    let client = Client::with_uri_str(&task.uri).await?;
    let database = client.database(&task.database);
    // Connections are made before the clock runs, as those of the other sides.
    database.run_command(doc! { "ping": 1 }).await?;
    let (began, cpu) = (Instant::now(), cpu_ms());
    write_all(&database, Arc::new(task)).await?;
    println!(
        "{}",
        json!({
            "ms": began.elapsed().as_secs_f64() * 1e3, "processCpuMs": cpu_ms() - cpu,
            "done": { "events": events, "credits": events * 5, "logins": 0 },
        })
    );
    Ok(())
}

async fn write_all(database: &Database, task: Arc<Task>) -> Result<(), Failure> {
    let (next, amount) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let writers: Vec<_> = (0..task.in_flight)
        .map(|_| {
            let (database, task) = (database.clone(), Arc::clone(&task));
            let (next, amount) = (Arc::clone(&next), Arc::clone(&amount));
            tokio::spawn(async move { write(&database, &task, &next, &amount).await })
        })
        .collect();
    let done = Arc::new(Notify::new());
    let adding = add_totals(database.clone(), Arc::clone(&amount), Arc::clone(&done));
    let totals = tokio::spawn(adding);
    for writer in writers {
        writer.await??;
    }
    done.notify_one();
    totals.await??;
    add(database, &amount).await
}

async fn write(
    database: &Database,
    task: &Task,
    next: &AtomicU64,
    amount: &AtomicU64,
) -> Result<(), Failure> {
    let filler = "x".repeat(task.bytes);
    let events: Collection<RawDocumentBuf> =
        database.collection_with_options("gsoevents", durable());
    loop {
        let first = next.fetch_add(task.batch, Ordering::Relaxed);
        let last = (first + task.batch).min(task.events);
        if first >= last {
            return Ok(());
        }
        let day = today();
        let documents = (first..last).map(|i| document(i, &day, &filler));
        if task.raw {
            insert_raw(database, documents).await?;
        } else {
            let documents: Vec<_> = documents.collect();
            events.insert_many(documents).ordered(false).await?;
        }
        amount.fetch_add((last - first) * 5, Ordering::Relaxed);
    }
}

async fn insert_raw(
    database: &Database,
    documents: impl Iterator<Item = RawDocumentBuf>,
) -> Result<(), Failure> {
    let mut array = RawArrayBuf::new();
    documents.for_each(|document| array.push(&document));
    let command = rawdoc! {
        "insert": "gsoevents", "ordered": false,
        "writeConcern": { "w": "majority", "j": true },
        "documents": array,
    };
    let reply = database.run_raw_command(command).await?;
    match reply.get("writeErrors") {
        None => Ok(()),
        Some(errors) => Err(errors.to_string().into()),
    }
}

fn document(i: u64, day: &str, filler: &str) -> RawDocumentBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut data = rawdoc! {
        "amount": 5,
        "reason": "quest",
        "questId": format!("q{}", i % 100),
        "level": (i % 60) as i32,
    };
    if !filler.is_empty() {
        data.append(cstr!("text"), filler);
    }
    rawdoc! {
        "_id": ObjectId::new(),
        "userId": format!("user{}", i % 5000),
        "event": "credits.earn",
        "data": data,
        "day": day,
        "ts": DateTime::from_millis(now.map_or(0, |d| d.as_millis() as i64)),
        "__v": 0,
    }
}

fn today() -> String {
    let now = chrono::DateTime::<chrono::Utc>::from(SystemTime::now());
    now.date_naive().to_string()
}

async fn add_totals(
    database: Database,
    amount: Arc<AtomicU64>,
    done: Arc<Notify>,
) -> Result<(), Failure> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TOTALS_EVERY) => add(&database, &amount).await?,
            () = done.notified() => return Ok(()),
        }
    }
}

async fn add(database: &Database, amount: &AtomicU64) -> Result<(), Failure> {
    let amount = amount.swap(0, Ordering::Relaxed);
    let days = database.collection_with_options::<RawDocumentBuf>("gsodailies", durable());
    let added = doc! { "$inc": { "creditsEarned": amount as i64 } };
    days.update_one(doc! { "day": today() }, added)
        .upsert(true)
        .await?;
    Ok(())
}

fn durable() -> CollectionOptions {
    let concern = WriteConcern::builder()
        .w(Acknowledgment::Majority)
        .journal(true)
        .build();
    CollectionOptions::builder().write_concern(concern).build()
}

/// CPU time of this process; Linux only, to the 10 ms of its clock ticks.
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split(' ').collect();
    let ticks = |place: usize| fields.get(place).and_then(|f| f.parse::<f64>().ok());
    (ticks(12).unwrap_or(0.0) + ticks(13).unwrap_or(0.0)) * 10.0
}
