//! The refusal of a collection, as the log and the report tell it.

use super::messages;
use crate::config::Collection;
use crate::instance::shared::Shared;
use crate::store::StoreError;

/// A collection refuses requests, whatever these hold.
pub fn refused(shared: &Shared, collection: Collection, error: &StoreError) {
    let privilege = error.missing_privilege.clone();
    shared.database.change(|database| {
        database.refuse(collection, error.code, privilege, error.message.clone());
    });
    let reason = format!("refused:{}", collection.key());
    let name = shared.config.collections.name(collection);
    shared.log.warn_once(&reason, || {
        messages::collection_refuses(name, collection, error)
    });
}
