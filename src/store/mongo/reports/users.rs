//! The users of a day, by their first day and by their sessions. All but the first days come out of one index.

use bson::{Bson, Document, doc};

use super::reading::{counted, sessions_of};
use crate::config::Excluded;
use crate::record::day::Day;
use crate::record::document::number_in;
use crate::store::error::Result;
use crate::store::mongo::client::MongoStore;
use crate::store::mongo::cursor::collect;
use crate::store::reports::{DayUsers, PASS_LIMIT};

const WEEK_DAYS: i64 = 7;
const MONTH_DAYS: i64 = 30;

impl MongoStore {
    /// Always on the primary: before MongoDB 4.4 a secondary cannot merge.
    pub(super) async fn merge_players(&self, day: &Day) -> Result<()> {
        let earlier = vec![doc! { "$set": { "f": { "$min": ["$f", "$$new.f"] } } }];
        let stages = [
            doc! { "$match": sessions_of(day.as_str(), &Excluded::default()) },
            doc! { "$group": { "_id": "$userId" } },
            doc! { "$project": { "f": { "$literal": day.as_str() } } },
            doc! { "$merge": {
                "into": self.players.name(), "on": "_id",
                "whenMatched": earlier, "whenNotMatched": "insert",
            } },
        ];
        let merging = self.sessions.aggregate(stages);
        collect(merging.max_time(PASS_LIMIT).allow_disk_use(true)).await?;
        Ok(())
    }

    pub(super) async fn has_later_players(&self, day: &Day) -> Result<bool> {
        let stages = [
            doc! { "$match": sessions_of(day.as_str(), &Excluded::default()) },
            doc! { "$group": { "_id": "$userId" } },
            doc! { "$lookup": {
                "from": self.players.name(), "localField": "_id", "foreignField": "_id", "as": "p",
            } },
            doc! { "$match": { "p.f": { "$gt": day.as_str() } } },
            doc! { "$limit": 1 },
        ];
        Ok(!self.user_rows(&stages).await?.is_empty())
    }

    pub(super) async fn read_users(&self, day: &Day, excluded: &Excluded) -> Result<DayUsers> {
        Ok(DayUsers {
            by_first_day: self.by_first_day(day, excluded).await?,
            per_user: self.per_user(day, excluded).await?,
            wau: self.active_users(day, WEEK_DAYS, excluded).await?,
            mau30: self.active_users(day, MONTH_DAYS, excluded).await?,
        })
    }

    async fn by_first_day(
        &self,
        day: &Day,
        excluded: &Excluded,
    ) -> Result<Vec<(Option<String>, i64)>> {
        let stages = [
            doc! { "$match": sessions_of(day.as_str(), excluded) },
            doc! { "$group": { "_id": "$userId" } },
            doc! { "$lookup": {
                "from": self.players.name(), "localField": "_id", "foreignField": "_id", "as": "p",
            } },
            doc! { "$group": { "_id": { "$arrayElemAt": ["$p.f", 0] }, "u": { "$sum": 1 } } },
        ];
        let rows = self.user_rows(&stages).await?;
        let first_day = |row: &Document| {
            let first = row.get_str("_id").ok().map(str::to_owned);
            (first, counted(row, "u"))
        };
        Ok(rows.iter().map(first_day).collect())
    }

    async fn per_user(&self, day: &Day, excluded: &Excluded) -> Result<Vec<(i64, i64)>> {
        let stages = [
            doc! { "$match": sessions_of(day.as_str(), excluded) },
            doc! { "$group": { "_id": "$userId", "n": { "$sum": 1 } } },
            doc! { "$group": { "_id": "$n", "u": { "$sum": 1 } } },
        ];
        let rows = self.user_rows(&stages).await?;
        let of_count = |row: &Document| {
            let sessions = row.get("_id").and_then(number_in)?;
            Some((sessions as i64, counted(row, "u")))
        };
        Ok(rows.iter().filter_map(of_count).collect())
    }

    /// The users of so many days that end with this one.
    async fn active_users(&self, day: &Day, days: i64, excluded: &Excluded) -> Result<i64> {
        // By name: between two days there are texts that are none.
        let day_before = |ago: i64| Bson::from(day.plus(-ago).as_str());
        let days = doc! { "$in": (0..days).map(day_before).collect::<Vec<Bson>>() };
        let stages = [
            doc! { "$match": sessions_of(days, excluded) },
            doc! { "$group": { "_id": "$userId" } },
            doc! { "$group": { "_id": null, "u": { "$sum": 1 } } },
        ];
        let rows = self.user_rows(&stages).await?;
        Ok(rows.first().map_or(0, |row| counted(row, "u")))
    }

    async fn user_rows(&self, stages: &[Document]) -> Result<Vec<Document>> {
        self.rows(&self.sessions, stages, doc! { "day": 1, "userId": 1 })
            .await
    }
}
