//! Purchases of some days (`gsopurchases`), summed up by day and currency.

use std::collections::BTreeMap;
use std::time::Duration;

use bson::{Bson, Document, doc};

use super::reading::{counted, day_in};
use crate::record::day::Day;
use crate::record::document::number_in;
use crate::store::error::Result;
use crate::store::mongo::client::MongoStore;
use crate::store::mongo::cursor::collect;
use crate::store::reports::{Revenue, RevenueRow};

/// Users asked for in one pass: at 256 bytes each, their ids fit into a command.
const USERS_AT_ONCE: usize = 10_000;
const DAY_FORMAT: &str = "%Y-%m-%d";

impl MongoStore {
    pub(super) async fn read_revenue(
        &self,
        from: &Day,
        to: &Day,
        limit: Duration,
    ) -> Result<Revenue> {
        let (first_day, rows, new_payers) = tokio::try_join!(
            self.first_purchase(),
            self.revenue_rows(from, to, limit),
            self.new_payers(from, to, limit),
        )?;
        Ok(Revenue {
            first_day,
            rows,
            new_payers,
        })
    }

    async fn first_purchase(&self) -> Result<Option<Day>> {
        let found = self
            .purchases
            .find_one(existing_days())
            .sort(doc! { "day": 1 });
        let found = found.projection(doc! { "_id": 0, "day": 1 }).await?;
        Ok(found.and_then(|one| one.get("day").and_then(day_in)))
    }

    async fn revenue_rows(&self, from: &Day, to: &Day, limit: Duration) -> Result<Vec<RevenueRow>> {
        let is_payment = doc! { "$cond": [{ "$and": [
            { "$in": [{ "$type": "$cents" }, ["int", "long", "double"]] }, { "$gt": ["$cents", 0] },
        ] }, 1, 0] };
        let is_payer = doc! { "$cond": [{ "$and": [
            { "$gt": ["$p", 0] }, { "$eq": [{ "$type": "$_id.u" }, "string"] },
        ] }, 1, 0] };
        let stages = [
            doc! { "$match": { "day": { "$gte": from.as_str(), "$lte": to.as_str() } } },
            doc! { "$group": {
                "_id": { "d": "$day", "c": "$currency", "u": "$userId" },
                "a": { "$sum": "$cents" }, "p": { "$sum": is_payment },
            } },
            doc! { "$group": {
                "_id": { "d": "$_id.d", "c": "$_id.c" },
                "a": { "$sum": "$a" }, "p": { "$sum": "$p" }, "u": { "$sum": is_payer },
            } },
            doc! { "$sort": { "_id": 1 } },
        ];
        let rows = self
            .rows_within(limit, &self.purchases, &stages, doc! { "day": 1 })
            .await?;
        Ok(rows.iter().filter_map(row).collect())
    }

    /// Users by the day of their first payment ever. Those who paid on these days are looked for among all.
    async fn new_payers(
        &self,
        from: &Day,
        to: &Day,
        limit: Duration,
    ) -> Result<BTreeMap<Day, i64>> {
        let payers = self.payers_between(from, to, limit).await?;
        let mut new_payers = BTreeMap::new();
        for users in payers.chunks(USERS_AT_ONCE) {
            let firsts = self.first_payments(users, limit).await?;
            for day in firsts.into_iter().filter(|day| from <= day && day <= to) {
                *new_payers.entry(day).or_default() += 1;
            }
        }
        Ok(new_payers)
    }

    async fn payers_between(&self, from: &Day, to: &Day, limit: Duration) -> Result<Vec<Bson>> {
        let mut paid = paid(doc! { "$gte": "" });
        paid.insert("day", doc! { "$gte": from.as_str(), "$lte": to.as_str() });
        let stages = [
            doc! { "$match": paid },
            doc! { "$group": { "_id": "$userId" } },
        ];
        let rows = self
            .rows_within(limit, &self.purchases, &stages, doc! { "day": 1 })
            .await?;
        Ok(rows.iter().filter_map(id_of).collect())
    }

    /// The day of the first payment of each of these users. The index leads to the first purchase of each, however many
    /// there are; it is nearly always a payment.
    async fn first_payments(&self, users: &[Bson], limit: Duration) -> Result<Vec<Day>> {
        let stages = [
            doc! { "$match": { "userId": { "$in": users } } },
            doc! { "$sort": { "userId": 1, "ts": 1 } },
            doc! { "$group": {
                "_id": "$userId", "day": { "$first": "$day" }, "cents": { "$first": "$cents" },
                "ts": { "$first": "$ts" },
            } },
        ];
        let rows = self.by_user(&stages, limit).await?;
        let mut days = Vec::new();
        let mut others = Vec::new();
        for row in &rows {
            match payment_day(row) {
                Some(day) => days.push(day),
                None => others.extend(id_of(row)),
            }
        }
        if !others.is_empty() {
            let mut paid = paid(doc! { "$in": others });
            paid.extend(existing_days());
            let stages = [
                doc! { "$match": paid },
                doc! { "$group": { "_id": "$userId", "d": { "$min": "$day" } } },
            ];
            let rows = self.by_user(&stages, limit).await?;
            days.extend(rows.iter().filter_map(|row| row.get("d").and_then(day_in)));
        }
        Ok(days)
    }

    async fn by_user(&self, stages: &[Document], limit: Duration) -> Result<Vec<Document>> {
        let index = doc! { "userId": 1, "ts": 1 };
        self.rows_within(limit, &self.purchases, stages, index)
            .await
    }

    pub(super) async fn count_payers(&self, day: &Day, within: Duration) -> Result<i64> {
        let mut paid = paid(doc! { "$gte": "" });
        paid.insert("day", day.as_str());
        let stages = [
            doc! { "$match": paid },
            doc! { "$group": { "_id": "$userId" } },
            doc! { "$group": { "_id": null, "u": { "$sum": 1 } } },
        ];
        let rows = self
            .rows_within(within, &self.purchases, &stages, doc! { "day": 1 })
            .await?;
        Ok(rows.first().map_or(0, |row| counted(row, "u")))
    }

    pub(super) async fn find_totals(
        &self,
        from: &Day,
        to: &Day,
        total: &str,
    ) -> Result<Vec<Document>> {
        let days = doc! { "day": { "$gte": from.as_str(), "$lte": to.as_str() } };
        let found = self.daily.find(days);
        Ok(collect(found.projection(doc! { "_id": 0, "day": 1, total: 1 })).await?)
    }
}

/// Payments of some users.
fn paid(users: Document) -> Document {
    doc! { "cents": { "$gt": 0 }, "userId": users }
}

/// The day of a purchase that is a payment, and tells its day by its time: no later one is of an earlier day.
fn payment_day(purchase: &Document) -> Option<Day> {
    let day = purchase.get("day").and_then(day_in)?;
    let time = purchase.get_datetime("ts").ok()?;
    let cents = purchase.get("cents").and_then(number_in)?;
    (cents > 0.0 && Day::of(time.timestamp_millis()) == day).then_some(day)
}

fn id_of(row: &Document) -> Option<Bson> {
    row.get("_id").cloned()
}

/// Purchases whose `day` is one of the calendar: only then the smallest text is the first day.
fn existing_days() -> Document {
    let parsed = doc! { "$dateFromString": {
        "dateString": "$day", "format": DAY_FORMAT, "onError": null, "onNull": null,
    } };
    let again = doc! { "$dateToString": { "date": parsed, "format": DAY_FORMAT } };
    doc! { "day": { "$gte": "0", "$lt": ":" }, "$expr": { "$eq": ["$day", again] } }
}

fn row(row: &Document) -> Option<RevenueRow> {
    let key = row.get_document("_id").ok()?;
    let currency = match key.get("c") {
        Some(Bson::String(code)) => Some(code.clone()),
        _ => None,
    };
    Some(RevenueRow {
        day: key.get("d").and_then(day_in)?,
        currency,
        cents: row.get("a").and_then(number_in).unwrap_or_default(),
        payments: counted(row, "p"),
        payers: counted(row, "u"),
    })
}
