//! Dedupe keys: events of one name with the same key are one event, however often it is delivered.

use bson::oid::ObjectId;
use ring::digest::{Context, SHA256};

/// The `_id` of the one document of the events of this name with this key: the same in every process.
pub fn document_id(event: &str, key: &str) -> ObjectId {
    let mut hash = Context::new(&SHA256);
    // So that no other name and key give the same bytes.
    hash.update(&(event.len() as u32).to_le_bytes());
    hash.update(event.as_bytes());
    hash.update(key.as_bytes());
    let mut id = [0; 12];
    id.copy_from_slice(&hash.finish().as_ref()[..12]);
    ObjectId::from_bytes(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_depends_on_name_and_key_alone() {
        let id = document_id("stripe.payment", "evt_1").to_hex();
        assert_eq!(id, document_id("stripe.payment", "evt_1").to_hex());
        for (event, key) in [("stripe.payment", "evt_2"), ("stripe.paymente", "vt_1")] {
            assert_ne!(id, document_id(event, key).to_hex());
        }
    }
}
