//! Personal data: the documents that name a user, found by indexes only, read and erased.

use bson::raw::RawArrayBuf;
use bson::{Bson, RawDocumentBuf};

use super::Reply;
use crate::record::day::Day;

/// A collection with documents that name users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personal {
    Purchases,
    Sessions,
    Events,
    Uniques,
    Players,
}

impl Personal {
    /// The indexes of the first may be still to be made.
    pub const ALL: [Self; 5] = [
        Self::Purchases,
        Self::Sessions,
        Self::Events,
        Self::Uniques,
        Self::Players,
    ];

    /// Its key in the options.
    pub fn key(self) -> &'static str {
        match self {
            Self::Purchases => "purchases",
            Self::Sessions => "sessions",
            Self::Events => "events",
            Self::Uniques => "uniques",
            Self::Players => "players",
        }
    }

    pub fn keyed(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.key() == key)
    }
}

pub trait PersonalStore {
    /// The `_id`s of the documents in a collection that name a user.
    fn personal_ids(&self, collection: Personal, user: &User) -> impl Reply<RawArrayBuf>;

    /// The documents with these `_id`s, as far as they go into a page; those that are gone are passed over.
    fn personal_documents(&self, collection: Personal, ids: Vec<Bson>) -> impl Reply<Page>;

    /// Deletes the documents in a collection that name a user, or lets them name a pseudonym; returns how many
    /// there were. Safe to interrupt and to repeat.
    fn erase(&self, collection: Personal, user: &User, pseudonym: Option<&str>) -> impl Reply<u64>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: String,
    /// The day of the host's clock: markers are looked for around it.
    pub today: Day,
}

/// A part of the documents that were asked for, bounded in bytes.
#[derive(Debug, Default)]
pub struct Page {
    pub documents: Vec<RawDocumentBuf>,
    /// The `_id`s that were not looked for yet.
    pub left: Vec<Bson>,
}
