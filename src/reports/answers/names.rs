//! Sums by name over some days, out of the lists of their reports. What a report has summed up as its rest stays
//! in the rest.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};

use super::rows::value;
use crate::record::document::number_in;

#[derive(Debug, Default)]
pub struct Names {
    sums: BTreeMap<Option<String>, Sum>,
    rest: Sum,
    /// The largest rest of a day, in names: which ones these are, nobody knows.
    more: f64,
}

#[derive(Debug, Default, Clone, Copy)]
pub struct Sum {
    pub amount: f64,
    pub count: f64,
}

impl Names {
    pub fn add(&mut self, list: &[&Document]) {
        for entry in list {
            let number = |field| entry.get(field).and_then(number_in).unwrap_or_default();
            let sum = match entry.get("other").and_then(number_in) {
                Some(names) => {
                    self.more = self.more.max(names);
                    &mut self.rest
                }
                None => {
                    let name = entry.get_str("k").ok().map(str::to_owned);
                    self.sums.entry(name).or_default()
                }
            };
            sum.amount += number("a");
            sum.count += number("n");
        }
    }

    /// The largest by `size`, then the rest as one row; `row` makes a row of a name, how many other names it sums
    /// up, and their sums.
    pub fn rows(
        mut self,
        limit: usize,
        size: fn(&Sum) -> f64,
        row: impl Fn(Document, Sum) -> Document,
    ) -> Vec<Document> {
        let mut sums: Vec<(Option<String>, Sum)> =
            std::mem::take(&mut self.sums).into_iter().collect();
        sums.sort_by(|(_, one), (_, other)| size(other).total_cmp(&size(one)));
        let cut = sums.split_off(limit.min(sums.len()));
        for (_, sum) in &cut {
            self.rest.amount += sum.amount;
            self.rest.count += sum.count;
        }
        let others = cut.len() as f64 + self.more;
        let named = |(name, sum): (Option<String>, Sum)| {
            let name = name.map_or(Bson::Null, Bson::String);
            row(doc! { "name": name, "others": 0 }, sum)
        };
        let mut rows: Vec<Document> = sums.into_iter().map(named).collect();
        if others > 0.0 {
            let rest = doc! { "name": null, "others": value(Some(others)) };
            rows.push(row(rest, self.rest));
        }
        rows
    }
}
