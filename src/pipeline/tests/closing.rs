//! Closing: what a claim cannot hold is told.

use bson::oid::ObjectId;
use tokio::time::sleep;

use super::context::LIMITS;
use super::presence::silent;
use super::*;
use crate::store::LeftSession;

/// The oldest is the last.
fn left_open(sessions: u8) -> Vec<LeftSession> {
    let one = |number| LeftSession {
        id: ObjectId::from_bytes([number; 12]),
        login_ms: MORNING_MS - i64::from(number),
        counted_ms: MORNING_MS,
    };
    (0..sessions).map(one).collect()
}

#[tokio::test(start_paused = true)]
async fn sessions_beyond_a_claim_stay_open_and_are_told() {
    for (left, closed, told) in [(3, [2, 1], 1), (2, [0, 1], 0)] {
        let store = reliable();
        silent(&store, "00000000aa");
        store.state().left_open = left_open(left);
        let limits = Limits {
            claim_sessions: 2,
            ..LIMITS
        };
        let (pipeline, host) = connected_within(limited(limits), &store);
        pipeline.start(false);
        sleep(LIMITS.presence_every * 10).await;
        let closed = closed.map(|number| ObjectId::from_bytes([number; 12]));
        assert_eq!(store.state().to_close, closed);
        let is_told = |message: &&Message| matches!(message, Message::Log { text, .. } if text.contains("the 1 others stay open"));
        assert_eq!(host.lock().iter().filter(is_told).count(), told);
    }
}
