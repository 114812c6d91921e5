//! The daily totals: their names, and which event adds how much to which of them.
//!
//! Field names of the daily document come from this table and from the host's own one, which is read once,
//! never from an event, so that no event can write a field of its own choosing.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

macro_rules! counters {
    ($($counter:ident $field:literal,)*) => {
        /// One of the totals of a daily document.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Counter {
            $($counter,)*
            /// One of the host's own.
            Own(OwnField),
        }

        impl Counter {
            /// Those that every daily document has, by their index.
            pub const BUILT_IN: [Counter; [$($field),*].len()] = [$(Counter::$counter),*];

            /// The field's name in the daily document.
            pub fn field(self) -> &'static str {
                match self {
                    $(Counter::$counter => $field,)*
                    Counter::Own(OwnField(field)) => field,
                }
            }
        }
    };
}

// A new counter goes to the end: records in a spool hold the index.
counters! {
    CraftsCompleted "craftsCompleted",
    CreditsEarned "creditsEarned",
    CreditsSpent "creditsSpent",
    Dau "dau",
    DungeonsRun "dungeonsRun",
    GemsEarned "gemsEarned",
    GemsPurchased "gemsPurchased",
    GemsSpent "gemsSpent",
    MarketSales "marketSales",
    NewUsers "newUsers",
    PvpBattles "pvpBattles",
    RaidBattles "raidBattles",
    SessionCount "sessionCount",
    StripeRevenue "stripeRevenue",
    TotalSessionS "totalSessionS",
}

use Counter::*;

/// The field of a counter of the host's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnField(&'static str);

/// Fields of the daily document that are no counters; others cannot be counters by their form.
const NO_COUNTERS: [&str; 2] = ["day", "month"];
const LONGEST_FIELD: usize = 64;
/// Names of fields that are kept until the process ends. That is a thousand times what one instance may have.
const MOST_OWN_FIELDS: usize = 65_536;

impl Counter {
    /// The counter with this field; `None` for a name that no counter may have, or one too many.
    pub fn named(field: &str) -> Option<Counter> {
        let mut built_in = Counter::BUILT_IN.into_iter();
        if let Some(counter) = built_in.find(|counter| counter.field() == field) {
            return Some(counter);
        }
        own_field(field).map(Own)
    }

    /// The built-in counter that a record names by its index; 0 means none.
    pub fn from_index(index: u8) -> Option<Counter> {
        let index = index.checked_sub(1)?;
        Counter::BUILT_IN.get(usize::from(index)).copied()
    }

    /// The index by which a record names this counter, if it is built in.
    pub fn index(self) -> Option<u8> {
        let index = Counter::BUILT_IN.iter().position(|one| *one == self)?;
        Some(index as u8 + 1)
    }
}

/// The one name of this process for a field.
fn own_field(field: &str) -> Option<OwnField> {
    static NAMES: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    if !is_field(field) {
        return None;
    }
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(name) = names.get(field) {
        return Some(OwnField(name));
    }
    if names.len() == MOST_OWN_FIELDS {
        return None;
    }
    let name = Box::leak(field.to_owned().into_boxed_str());
    names.insert(name);
    Some(OwnField(name))
}

fn is_field(name: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.len() <= LONGEST_FIELD
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(is_of_name)
        && !NO_COUNTERS.contains(&name)
}

/// An event that adds to a counter.
pub struct CountedEvent {
    pub name: &'static str,
    pub counter: Counter,
    /// The field of the payload that holds the amount; `None` counts 1.
    pub amount: Option<&'static str>,
}

const fn counted(
    name: &'static str,
    counter: Counter,
    amount: Option<&'static str>,
) -> CountedEvent {
    CountedEvent {
        name,
        counter,
        amount,
    }
}

/// The events that are counted unless the host says otherwise; all others are stored only.
pub const COUNTED_EVENTS: [CountedEvent; 13] = [
    counted("craft.complete", CraftsCompleted, None),
    counted("credits.earn", CreditsEarned, Some("amount")),
    counted("credits.spend", CreditsSpent, Some("amount")),
    counted("dungeon.complete", DungeonsRun, None),
    counted("gems.earn", GemsEarned, Some("amount")),
    counted("gems.purchase", GemsPurchased, Some("gems")),
    counted("gems.spend", GemsSpent, Some("amount")),
    counted("market.sale", MarketSales, None),
    counted("pvp.battle", PvpBattles, None),
    counted("pvp.ranked.battle", PvpBattles, None),
    counted("raid.complete", RaidBattles, None),
    counted("stripe.payment", StripeRevenue, Some("amountCents")),
    counted("user.register", NewUsers, None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_names_the_counter_it_came_from() {
        for counter in Counter::BUILT_IN {
            let index = counter.index().expect("built in");
            assert_eq!(Counter::from_index(index), Some(counter));
        }
        assert_eq!(Counter::from_index(0), None);
        assert_eq!(Counter::from_index(16), None);
    }

    #[test]
    fn a_counter_keeps_the_index_that_records_in_a_spool_hold() {
        let fields = Counter::BUILT_IN.map(|counter| counter.field());
        let stored = "craftsCompleted creditsEarned creditsSpent dau dungeonsRun gemsEarned \
             gemsPurchased gemsSpent marketSales newUsers pvpBattles raidBattles sessionCount \
             stripeRevenue totalSessionS";
        assert_eq!(fields[..15].join(" "), stored);
    }

    #[test]
    fn a_field_of_the_hosts_own_is_one_counter_however_often_it_is_named() {
        let own = Counter::named("bossKills").expect("a name");
        assert_eq!(Counter::named("bossKills"), Some(own));
        assert_eq!((own.field(), own.index()), ("bossKills", None));
        assert_eq!(Counter::named("dau"), Some(Dau));
    }

    #[test]
    fn a_name_that_is_no_field_of_a_counter_is_none() {
        let long = "a".repeat(65);
        for name in [
            "", "_a", "_id", "__v", "9lives", "a.b", "a$", "é", "a b", "day", "month", &long,
        ] {
            assert_eq!(Counter::named(name), None, "{name}");
        }
        assert!(Counter::named(&long[1..]).is_some());
    }
}
