//! The purchases of an instance: which events say that something was paid, and in which of their fields. The
//! option `purchases` adds to the built-in entry, replaces it or takes it out.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::ConfigError;
use super::event_map::{self, is_field};
use super::source::Source;

/// The fields of a payload that hold the price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceFields {
    pub amount: String,
    /// `None`: all prices are in the default currency.
    pub currency: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Purchases(BTreeMap<String, PriceFields>);

impl Default for Purchases {
    fn default() -> Self {
        let stripe = PriceFields {
            amount: "amountCents".to_owned(),
            currency: Some("currency".to_owned()),
        };
        Self(BTreeMap::from([("stripe.payment".to_owned(), stripe)]))
    }
}

impl Purchases {
    /// The events that are purchases.
    pub fn events(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub fn of(&self, event: &str) -> Option<&PriceFields> {
        self.0.get(event)
    }

    pub(super) fn read(source: &mut Source) -> Result<Self, ConfigError> {
        let mut purchases = Self::default();
        let given = source.option("purchases");
        event_map::read("purchases", given, |event, value| {
            purchases.set(event, value)
        })?;
        Ok(purchases)
    }

    fn set(&mut self, event: String, value: Value) -> Result<(), &'static str> {
        match value {
            Value::Null => self.0.remove(&event),
            value => self.0.insert(event, price_fields(value)?),
        };
        Ok(())
    }
}

fn price_fields(value: Value) -> Result<PriceFields, &'static str> {
    let Value::Object(mut fields) = value else {
        return Err("must be an object { amount, currency } or null");
    };
    let mut field = |name| match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(field)) if is_field(&field) => Ok(Some(field)),
        Some(_) => Err("must name fields of data as amount and currency: 1 to 256 bytes each"),
    };
    let (amount, currency) = (field("amount")?, field("currency")?);
    match (amount, fields.is_empty()) {
        (Some(amount), true) => Ok(PriceFields { amount, currency }),
        (None, _) => Err("must have an amount that names a field of data: 1 to 256 bytes"),
        (_, false) => Err("must have no fields but amount and currency"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::config::source::object;

    fn read(json: &str) -> Result<Purchases, String> {
        let options = object("options", json).expect("an object");
        Purchases::read(&mut Source::new(options, Map::new())).map_err(|error| error.to_string())
    }

    fn fields<'a>(purchases: &'a Purchases, event: &str) -> Option<(&'a str, Option<&'a str>)> {
        let found = purchases.of(event)?;
        Some((&found.amount, found.currency.as_deref()))
    }

    #[test]
    fn entries_are_added_replaced_and_taken_out() {
        let built_in = Some(("amountCents", Some("currency")));
        assert_eq!(
            fields(&read("{}").expect("valid"), "stripe.payment"),
            built_in
        );
        let json = r#"{"purchases": {"steam.buy": {"amount": "cents", "currency": "iso"}, "ads": {"amount": "c"}}}"#;
        let purchases = read(json).expect("valid");
        assert_eq!(fields(&purchases, "stripe.payment"), built_in);
        assert_eq!(
            fields(&purchases, "steam.buy"),
            Some(("cents", Some("iso")))
        );
        assert_eq!(fields(&purchases, "ads"), Some(("c", None)));
        let purchases = read(r#"{"purchases": {"stripe.payment": null}}"#).expect("valid");
        assert_eq!(purchases.events().count(), 0);
    }

    #[test]
    fn an_error_names_the_entry() {
        for entry in [
            "5",
            "[]",
            "{}",
            r#""cents""#,
            r#"{"currency": "c"}"#,
            r#"{"amount": 5}"#,
            r#"{"amount": ""}"#,
            r#"{"amount": "a", "currency": ["c"]}"#,
            r#"{"amount": "a", "total": "stripeRevenue"}"#,
        ] {
            let json = format!(r#"{{"purchases": {{"steam.buy": {entry}}}}}"#);
            let error = read(&json).expect_err(entry);
            assert!(
                error.starts_with(r#"purchases["steam.buy"]: must "#),
                "{error}"
            );
        }
    }
}
