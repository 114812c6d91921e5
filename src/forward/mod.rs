//! Events to the webhook: a queue, bounds and failures of its own, so that a dead receiver never
//! delays the database, nor the other way round.

mod webhook;

use std::sync::Arc;

use crate::shared::Shared;

/// Whether events can be posted there.
pub fn is_url(text: &str) -> bool {
    reqwest::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The pipeline's end of the forwarder.
pub struct Forwarding {
    lanes: Vec<tokio::sync::mpsc::UnboundedSender<Box<[u8]>>>,
    shared: Arc<Shared>,
}

/// Requests under way at once. A user's events stay in order: the user chooses the lane.
const LANES: usize = 4;
/// Bodies waiting in memory, in bytes.
const MAX_WAITING_BYTES: usize = 64 << 20;

impl Forwarding {
    /// Starts the lanes; must be called on the runtime.
    pub fn start(url: &str, shared: &Arc<Shared>) -> Forwarding {
        let client = webhook::Client::new(url);
        let lanes = (0..LANES).map(|_| {
            let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
            tokio::spawn(webhook::run(client.clone(), receiver, Arc::clone(shared)));
            sender
        });
        Forwarding {
            lanes: lanes.collect(),
            shared: Arc::clone(shared),
        }
    }

    /// Queues one body; `elements` are the event's, of which the user comes first.
    pub fn enqueue(&self, elements: &[u8], body: &[u8]) {
        if !self.shared.reserve_forward(body.len(), MAX_WAITING_BYTES) {
            self.shared.health.drop_forward("queue_full");
            self.shared.warn_once("webhook_queue_full", || {
                "events are not forwarded, too many wait for the webhook; see getHealth()"
                    .to_owned()
            });
            return;
        }
        let lane = user_hash(elements) as usize % self.lanes.len();
        // A lane ends only after its sender is gone.
        let _ = self.lanes[lane].send(body.into());
    }
}

/// Depends on the user's element alone.
fn user_hash(elements: &[u8]) -> u32 {
    let user = match elements.strip_prefix(b"\x02userId\0") {
        Some([a, b, c, d, rest @ ..]) => {
            let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            rest.get(..length).unwrap_or(rest)
        }
        _ => &[],
    };
    user.iter().fold(17_u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(*byte))
    })
}
