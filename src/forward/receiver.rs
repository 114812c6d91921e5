//! One destination: what waits for it, when it may be sent to, and what became of its events. Pure of
//! network and clock, so that its decisions are tested as they are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::event::Event;
use super::formats::{self, Endpoint, Format, Limits};
use super::pace::{Admission, Circuit, Leave, Pace};
use super::queue::Queue;
use super::report::{Counts, Report};
use super::width::Width;
use crate::config::DestinationSettings;
use crate::instance::health::LastError;

/// Requests under way at once for a receiver that takes one event each. The user chooses the lane,
/// so that the events of one stay in order. Batches go one after the other.
const LANES: usize = 4;
/// How long an event waits for others, so that a batch is more than one.
const LINGER: Duration = Duration::from_secs(1);

/// For each partition, the sequence number up to which its events are done: sent, refused, expired or
/// dropped. A destination with one partition repeats its number.
pub type PartitionOffsets = [i64; LANES];

pub struct Receiver {
    pub settings: DestinationSettings,
    pub format: Box<dyn Format>,
    pub endpoint: Endpoint,
    limits: Limits,
    state: Mutex<State>,
    /// One per lane: it should look at the state again.
    wakes: Vec<Notify>,
}

pub(super) struct State {
    pub(super) lanes: Vec<Lane>,
    pub(super) pace: Pace,
    pub(super) counts: Counts,
    /// Events of a process before us come back. Until all are there, nothing is sent: a user's events
    /// stay in order.
    is_replaying: bool,
    /// Of those that came back, how many were too old.
    expired_meanwhile: u64,
    /// What is on disk of how far it has come, if that is kept.
    kept: Option<PartitionOffsets>,
    /// Somebody waits for what is left.
    is_expedited: bool,
    /// The newest event found no room, which has been told.
    is_full: bool,
    /// Nothing is pushed any more.
    is_closed: bool,
    /// The receiver said that it is gone for good.
    is_disabled: bool,
}

#[derive(Default)]
pub(super) struct Lane {
    pub(super) queue: Queue,
    /// What has come back from disk, while more may come: older than what is in the queue.
    older: Queue,
    /// Events up to this one were settled before this process.
    settled: i64,
    pub(super) width: Width,
    /// How often the oldest event met an answer that only a change of settings turns.
    pub(super) refusals: u32,
}

/// What a lane does next.
pub enum Step {
    Send(Vec<Arc<Event>>, Leave),
    /// Until then, or until it is woken.
    Wait(Option<Instant>),
    /// Nothing is left and nothing comes.
    End,
}

/// Something that the operator should hear of.
#[derive(Debug, PartialEq, Eq)]
pub enum Remark {
    QueueFull,
    Expired(u64),
    Failing(String),
    SetAside(String),
    Disabled,
}

impl Receiver {
    pub fn new(settings: &DestinationSettings) -> Self {
        let format = formats::of(settings);
        let limits = format.limits();
        let lanes = if limits.events == 1 { LANES } else { 1 };
        let pace = Pace::new(settings.min_retry_delay, settings.max_retry_delay);
        Self {
            settings: settings.clone(),
            endpoint: format.endpoint(),
            format,
            limits,
            state: Mutex::new(State {
                lanes: (0..lanes).map(|_| Lane::default()).collect(),
                pace,
                counts: Counts::default(),
                is_replaying: false,
                expired_meanwhile: 0,
                kept: None,
                is_expedited: false,
                is_full: false,
                is_closed: false,
                is_disabled: false,
            }),
            wakes: (0..lanes).map(|_| Notify::new()).collect(),
        }
    }

    pub fn name(&self) -> &str {
        &self.settings.name
    }

    pub fn lanes(&self) -> usize {
        self.wakes.len()
    }

    /// Whether events of this name are forwarded here.
    fn wants(&self, name: Option<&str>) -> bool {
        let DestinationSettings { allow, deny, .. } = &self.settings;
        let is_in = |list: &std::collections::BTreeSet<String>| {
            name.is_some_and(|name| list.contains(name))
        };
        allow.as_ref().is_none_or(is_in) && !is_in(deny)
    }

    /// Takes an event over, if it is wanted and there is room.
    pub fn push(&self, event: &Arc<Event>) -> Option<Remark> {
        if !self.wants(event.name.as_deref()) {
            return None;
        }
        let mut state = self.state();
        if let Err(remark) = self.make_room(&mut state, event) {
            return remark;
        }
        let number = event.user_hash() % state.lanes.len();
        let queue = &mut state.lanes[number].queue;
        queue.push(Arc::clone(event));
        let is_news = queue.len() == 1 || self.is_full(queue);
        drop(state);
        if is_news {
            self.wakes[number].notify_one();
        }
        None
    }

    /// An event that is not taken over is counted.
    fn make_room(&self, state: &mut State, event: &Event) -> Result<(), Option<Remark>> {
        if state.is_disabled {
            state.drop_events("disabled", 1);
            return Err(None);
        }
        if state.queued_bytes() + event.bytes() > self.settings.max_queue_bytes {
            state.drop_events("queue_full", 1);
            let is_told = std::mem::replace(&mut state.is_full, true);
            return Err((!is_told).then_some(Remark::QueueFull));
        }
        state.is_full = false;
        Ok(())
    }

    /// Events of a process before us that it had not settled up to `after` come back.
    pub fn begin_replay(&self, after: PartitionOffsets) {
        let mut state = self.state();
        state.is_replaying = true;
        match &mut state.lanes[..] {
            [one] => one.settled = after.into_iter().min().unwrap_or_default(),
            all => {
                for (lane, settled) in all.iter_mut().zip(after) {
                    lane.settled = settled;
                }
            }
        }
    }

    /// Takes an event back, the oldest first.
    pub fn replay(&self, event: &Arc<Event>, now: Instant) -> Option<Remark> {
        let mut state = self.state();
        let number = event.user_hash() % state.lanes.len();
        let is_settled = event.seq <= state.lanes[number].settled;
        if is_settled || !state.is_replaying || !self.wants(event.name.as_deref()) {
            return None;
        }
        if event.accepted + self.settings.max_age <= now {
            state.counts.expired += 1;
            state.expired_meanwhile += 1;
            return None;
        }
        match self.make_room(&mut state, event) {
            Ok(()) => {
                state.lanes[number].older.push(Arc::clone(event));
                None
            }
            Err(remark) => remark,
        }
    }

    /// All are back that were to come.
    pub fn end_replay(&self) -> Option<Remark> {
        let mut state = self.state();
        state.end_replay();
        let expired = std::mem::take(&mut state.expired_meanwhile);
        drop(state);
        self.wake_all();
        (expired > 0).then_some(Remark::Expired(expired))
    }

    /// For each lane, the number up to which all events are settled, when `last` is that of the newest;
    /// `None` while events come back.
    pub fn offsets(&self, last: i64) -> Option<PartitionOffsets> {
        let state = self.state();
        let settled = |lane: &Lane| lane.queue.oldest().map_or(last, |event| event.seq - 1);
        let of = |number: usize| settled(&state.lanes[number % state.lanes.len()]);
        (!state.is_replaying).then(|| std::array::from_fn(of))
    }

    /// From now on it is on disk that it has come so far.
    pub fn set_persisted(&self, offsets: PartitionOffsets) {
        self.state().kept = Some(offsets);
    }

    /// Whether every event that is through is so on disk, too, if that is kept.
    pub fn is_persisted(&self) -> bool {
        let state = self.state();
        let lanes = state.lanes.iter().map(|lane| lane.queue.through());
        let is_kept =
            |kept: PartitionOffsets| lanes.zip(kept).all(|(through, kept)| through <= kept);
        state.kept.is_none_or(is_kept)
    }

    /// Whether an event waits whose number is above the one and not above the other.
    pub fn has_queued_between(&self, after: i64, up_to: i64) -> bool {
        let state = self.state();
        let mut lanes = state.lanes.iter();
        state.is_replaying || lanes.any(|lane| lane.queue.has_queued_between(after, up_to))
    }

    fn is_full(&self, queue: &Queue) -> bool {
        queue.len() >= self.limits.events || queue.bytes() >= self.limits.bytes
    }

    /// What this lane does now, and how many events were given up because they waited too long.
    pub fn step(&self, lane: usize, now: Instant) -> (Step, Option<Remark>) {
        let mut state = self.state();
        let expired = match now.checked_sub(self.settings.max_age) {
            Some(before) => state.lanes[lane].queue.expire(before) as u64,
            None => 0,
        };
        state.counts.expired += expired;
        let remark = (expired > 0).then_some(Remark::Expired(expired));
        (self.next(&mut state, lane, now), remark)
    }

    fn next(&self, state: &mut State, number: usize, now: Instant) -> Step {
        if state.is_replaying {
            return Step::Wait(None);
        }
        let lane = &state.lanes[number];
        let Some(oldest) = lane.queue.oldest() else {
            return match state.is_closed {
                true => Step::End,
                false => Step::Wait(None),
            };
        };
        let expiry = oldest.accepted + self.settings.max_age;
        let lingers_until = oldest.accepted + LINGER;
        let may_linger = self.limits.events > 1 && !state.is_expedited && !state.is_closed;
        let is_ready = self.is_full(&lane.queue) || state.pace.has_failed();
        if may_linger && !is_ready && lane.width.is_whole() && lingers_until > now {
            return Step::Wait(Some(lingers_until.min(expiry)));
        }
        match state.pace.admit(now) {
            Admission::NotBefore(until) => Step::Wait(Some(until.min(expiry))),
            Admission::AfterProbe => Step::Wait(Some(expiry)),
            Admission::Granted(leave) => {
                let lane = &state.lanes[number];
                let events = lane.width.of(self.limits.events);
                Step::Send(lane.queue.batch(events, self.limits.bytes), leave)
            }
        }
    }

    /// Resolves when a lane should look again.
    pub async fn woken(&self, lane: usize) {
        self.wakes[lane].notified().await;
    }

    pub(super) fn wake_all(&self) {
        self.wakes.iter().for_each(Notify::notify_one);
    }

    /// Whether somebody waits until the queue is empty. If so, waits that are ours begin anew, short.
    pub fn expedite(&self, is_awaited: bool) {
        let mut state = self.state();
        let was_expedited = std::mem::replace(&mut state.is_expedited, is_awaited);
        if is_awaited && !was_expedited {
            state.pace.hasten();
            drop(state);
            self.wake_all();
        }
    }

    /// What waits is still sent.
    pub fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.end_replay();
        drop(state);
        self.wake_all();
    }

    /// Nothing more is sent, and what waits is not counted as lost: somebody else has it.
    pub fn discard(&self) {
        let mut state = self.state();
        (state.is_closed, state.is_replaying) = (true, false);
        for lane in &mut state.lanes {
            (lane.older, lane.queue) = (Queue::default(), Queue::default());
        }
        drop(state);
        self.wake_all();
    }

    /// Adds what became of events that another one has delivered.
    pub fn add_counts(&self, other: Counts) {
        self.state().counts.add(other);
    }

    pub fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    /// Events that wait or are under way.
    pub fn queued(&self) -> u64 {
        self.state().queued()
    }

    pub fn report(&self) -> Report {
        let now = Instant::now();
        let state = self.state();
        let waiting = state
            .lanes
            .iter()
            .flat_map(|lane| [&lane.older, &lane.queue]);
        let oldest = waiting.filter_map(Queue::oldest);
        let oldest = oldest.map(|event| event.accepted).min();
        Report {
            name: self.settings.name.clone(),
            format: self.settings.access.format(),
            queued: state.queued(),
            queued_bytes: state.queued_bytes() as u64,
            circuit: match state.is_disabled {
                true => Circuit::Disabled,
                false => state.pace.circuit(),
            },
            oldest_waiting: oldest.map(|accepted| now.saturating_duration_since(accepted)),
            counts: state.counts.clone(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn queued(&self) -> u64 {
        let queued = |lane: &Lane| lane.older.len() + lane.queue.len();
        self.lanes.iter().map(|lane| queued(lane) as u64).sum()
    }

    fn queued_bytes(&self) -> usize {
        let bytes = |lane: &Lane| lane.older.bytes() + lane.queue.bytes();
        self.lanes.iter().map(bytes).sum()
    }

    fn end_replay(&mut self) {
        self.is_replaying = false;
        for lane in &mut self.lanes {
            let older = std::mem::take(&mut lane.older);
            lane.queue.precede(older);
        }
    }

    /// Lets go of everything: the receiver is gone.
    pub(super) fn disable(&mut self) {
        self.is_disabled = true;
        let left: usize = self.lanes.iter_mut().map(|lane| lane.queue.clear()).sum();
        self.drop_events("disabled", left as u64);
    }

    pub(super) fn drop_events(&mut self, reason: &'static str, events: u64) {
        if events > 0 {
            *self.counts.dropped.entry(reason).or_default() += events;
        }
    }

    /// Remembers a problem for the report. The message must not hold secrets.
    pub(super) fn error(&mut self, message: &str) {
        self.counts.last_error = Some(LastError::now(message.to_owned()));
    }
}
