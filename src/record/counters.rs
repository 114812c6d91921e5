//! The daily totals: their names, and which event adds how much to which of them.
//!
//! Field names of the daily document come from this table only, never from an event's name, so
//! that no event can write a field of its own choosing.

macro_rules! counters {
    ($($counter:ident $field:literal,)*) => {
        /// One of the totals of a daily document.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Counter {
            $($counter,)*
        }

        impl Counter {
            /// Every counter by its index.
            pub const ALL: [Counter; [$($field),*].len()] = [$($counter),*];

            /// The counter with this field.
    pub fn named(field: &str) -> Option<Counter> {
        Counter::ALL
            .into_iter()
            .find(|counter| counter.field() == field)
    }

    /// The field's name in the daily document.
            pub fn field(self) -> &'static str {
                [$($field),*][self as usize]
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

impl Counter {
    /// The counter that a frame names by its index; 0 means none.
    pub fn from_index(index: u8) -> Option<Counter> {
        let index = index.checked_sub(1)?;
        Counter::ALL.get(usize::from(index)).copied()
    }

    /// The index by which a frame names this counter.
    pub fn index(self) -> u8 {
        self as u8 + 1
    }
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

/// Every event that is counted; all others are stored only.
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
        for counter in Counter::ALL {
            assert_eq!(Counter::from_index(counter.index()), Some(counter));
        }
        assert_eq!(Counter::from_index(0), None);
        assert_eq!(Counter::from_index(16), None);
    }

    #[test]
    fn a_counter_keeps_the_index_that_records_in_a_spool_hold() {
        let fields = Counter::ALL.map(|counter| counter.field());
        let stored = "craftsCompleted creditsEarned creditsSpent dau dungeonsRun gemsEarned \
             gemsPurchased gemsSpent marketSales newUsers pvpBattles raidBattles sessionCount \
             stripeRevenue totalSessionS";
        assert_eq!(fields[..15].join(" "), stored);
    }
}
