//! Inspection: what there is to know of the database and of those who write to it. Nothing is changed.

use bson::Document;

use super::Reply;

pub trait InspectionStore {
    /// What the server, the rights, the collections and their indexes are like; see the implementation for the
    /// fields. What the user may not know is null.
    fn facts(&self) -> impl Reply<Document>;

    /// The newest sample of each instance: `{ now, instances: [{ id, name, players, at, hostTime, isHere, hasEnded,
    /// isDead, health }] }`.
    fn instances(&self) -> impl Reply<Document>;
}
