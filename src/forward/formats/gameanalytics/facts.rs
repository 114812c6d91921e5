//! Facts: what an event of the game is to GameAnalytics.
//!
//! | event | fact |
//! |---|---|
//! | `<currency>.earn`, `<currency>.spend` with an amount | resource `Source:…`, `Sink:…` |
//! | a purchase with an amount | business, in minor units |
//! | any other | design, its name with colons for dots |

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::{Config, Purchases};
use crate::forward::event::Kind;
use crate::forward::formats::payload::{Field, Fields};

/// The longest part of an id, and the most parts of one.
const PART: usize = 64;
const PARTS: usize = 5;
/// Most fields of an event, and the longest text in one.
const CUSTOM_FIELDS: usize = 50;
const CUSTOM_TEXT: usize = 256;
/// Longest session, in seconds.
const SESSION_S: u64 = 172_800;
const UNKNOWN: &str = "unknown";

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "category", rename_all = "snake_case")]
pub enum Fact {
    User,
    SessionEnd {
        length: u64,
    },
    Resource {
        event_id: String,
        /// Negative for what is spent.
        amount: f64,
    },
    Business {
        event_id: String,
        /// In minor units of the currency.
        amount: i64,
        currency: String,
        /// How many purchases the user has made is not known here.
        transaction_num: u8,
    },
    Design {
        event_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<f64>,
    },
}

/// What the events of this game mean.
pub struct Facts {
    currencies: Vec<String>,
    reasons: Vec<String>,
    items: Vec<String>,
    purchases: Purchases,
}

impl Facts {
    pub fn new(config: &Config) -> Self {
        Self {
            currencies: config.reports.currencies.clone(),
            reasons: config.reports.reason_fields.clone(),
            items: config.reports.item_fields.clone(),
            purchases: config.purchases.clone(),
        }
    }

    pub fn of(&self, kind: Kind, name: &str, fields: &Fields<'_>) -> Fact {
        match kind {
            Kind::SessionStart => Fact::User,
            Kind::SessionEnd { duration_s } => Fact::SessionEnd {
                length: duration_s.min(SESSION_S),
            },
            Kind::Tracked => {
                let resource = self.resource(name, fields);
                let fact = resource.or_else(|| self.business(name, fields));
                fact.unwrap_or_else(|| design(name, fields))
            }
        }
    }

    fn resource(&self, name: &str, fields: &Fields<'_>) -> Option<Fact> {
        let (currency, way) = name.rsplit_once('.')?;
        if !self.currencies.iter().any(|one| one == currency) {
            return None;
        }
        let (flow, sign) = match way {
            "earn" => ("Source", 1.0),
            "spend" => ("Sink", -1.0),
            _ => return None,
        };
        // The name of a currency has letters only.
        let letters = currency.chars().filter(char::is_ascii_alphabetic);
        let letters: String = letters.take(PART).collect();
        let amount = number(fields, "amount").filter(|amount| *amount > 0.0)?;
        let why = self.why(fields).unwrap_or_else(|| UNKNOWN.to_owned());
        let item = self.item(fields).unwrap_or_else(|| UNKNOWN.to_owned());
        (!letters.is_empty()).then(|| Fact::Resource {
            event_id: format!("{flow}:{letters}:{why}:{item}"),
            amount: sign * amount,
        })
    }

    fn business(&self, name: &str, fields: &Fields<'_>) -> Option<Fact> {
        let price = self.purchases.of(name)?;
        let currency = price.currency.as_deref().and_then(|key| text(fields, key));
        let code = currency.map(|code| code.to_ascii_uppercase());
        let is_code =
            |code: &String| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
        let why = self.why(fields).unwrap_or_else(|| "purchase".to_owned());
        let item = self.item(fields).unwrap_or_else(|| part(name));
        Some(Fact::Business {
            event_id: format!("{why}:{item}"),
            amount: number(fields, &price.amount)?.round() as i64,
            currency: code.filter(is_code).unwrap_or_else(|| "USD".to_owned()),
            transaction_num: 1,
        })
    }

    /// Why something was earned, spent or bought.
    fn why(&self, fields: &Fields<'_>) -> Option<String> {
        let texts = self.reasons.iter().filter_map(|key| text(fields, key));
        texts.map(|text| part(&text)).next()
    }

    fn item(&self, fields: &Fields<'_>) -> Option<String> {
        let texts = self.items.iter().filter_map(|key| text(fields, key));
        texts.map(|text| part(&text)).next()
    }
}

fn design(name: &str, fields: &Fields<'_>) -> Fact {
    let parts: Vec<String> = name.splitn(PARTS, ['.', ':']).map(part).collect();
    let value = number(fields, "value").or_else(|| number(fields, "amount"));
    Fact::Design {
        event_id: parts.join(":"),
        value,
    }
}

/// A part of an id, with `_` for characters that GameAnalytics does not take.
fn part(text: &str) -> String {
    let is_taken = |c: &char| c.is_ascii_alphanumeric() || " -_.()!?".contains(*c);
    let taken = text.chars().map(|c| if is_taken(&c) { c } else { '_' });
    match text.trim().is_empty() {
        true => "_".to_owned(),
        false => taken.take(PART).collect(),
    }
}

/// The text of a field, if it has characters.
fn text(fields: &Fields<'_>, key: &str) -> Option<String> {
    let Some(Field::Given(json)) = fields.get(key) else {
        return None;
    };
    let text: String = serde_json::from_str(json.get()).ok()?;
    (!text.trim().is_empty()).then_some(text)
}

/// A number, or a text that is one.
fn number(fields: &Fields<'_>, key: &str) -> Option<f64> {
    let Some(Field::Given(json)) = fields.get(key) else {
        return None;
    };
    let of_text = || text(fields, key)?.trim().parse().ok();
    let number: Option<f64> = json.get().parse().ok();
    number.or_else(of_text).filter(|number| number.is_finite())
}

/// The fields that GameAnalytics takes: numbers, texts and truth values with plain names.
pub fn custom_fields(fields: Fields<'_>) -> BTreeMap<String, Field<'_>> {
    let is_plain = |key: &str| {
        let is_taken = |c: char| c.is_ascii_alphanumeric() || c == '_';
        (1..=PART).contains(&key.len()) && key.chars().all(is_taken)
    };
    let plain = fields.into_iter().filter(|(key, _)| is_plain(key));
    let custom = plain.filter_map(|(key, value)| Some((key, custom_field(value)?)));
    custom.take(CUSTOM_FIELDS).collect()
}

fn custom_field(value: Field<'_>) -> Option<Field<'_>> {
    let Field::Given(json) = value else {
        return Some(value);
    };
    match json.get().as_bytes() {
        [b'0'..=b'9' | b'-', ..] => Some(value),
        b"true" | b"false" => Some(Field::Text(json.get().into())),
        [b'"', ..] => {
            let text: String = serde_json::from_str(json.get()).ok()?;
            let text: String = text.chars().take(CUSTOM_TEXT).collect();
            (!text.is_empty()).then(|| Field::Text(text.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(options: &str, name: &str, data: &str) -> Fact {
        let (config, _) = Config::from_json(options, "{}").expect("valid");
        let given: BTreeMap<String, &serde_json::value::RawValue> =
            serde_json::from_str(data).expect("JSON");
        let fields = given.into_iter();
        let fields = fields.map(|(key, value)| (key, Field::Given(value)));
        Facts::new(&config).of(Kind::Tracked, name, &fields.collect())
    }

    fn resource(event_id: &str, amount: f64) -> Fact {
        let event_id = event_id.to_owned();
        Fact::Resource { event_id, amount }
    }

    fn design_of(event_id: &str, value: Option<f64>) -> Fact {
        let event_id = event_id.to_owned();
        Fact::Design { event_id, value }
    }

    fn business(event_id: &str, amount: i64, currency: &str) -> Fact {
        Fact::Business {
            event_id: event_id.to_owned(),
            amount,
            currency: currency.to_owned(),
            transaction_num: 1,
        }
    }

    #[test]
    fn amounts_of_currencies_are_resources() {
        for (name, data, expected) in [
            (
                "gems.spend",
                r#"{"amount":5,"on":"shop","item":"sword 2"}"#,
                resource("Sink:gems:shop:sword 2", -5.0),
            ),
            (
                "credits.earn",
                r#"{"amount":"12.5","reason":"quest"}"#,
                resource("Source:credits:quest:unknown", 12.5),
            ),
            (
                "credits.earn",
                r#"{"amount":1,"reason":"a:b/ü"}"#,
                resource("Source:credits:a_b__:unknown", 1.0),
            ),
            (
                "credits.earn",
                r#"{"amount":-1}"#,
                design_of("credits:earn", Some(-1.0)),
            ),
            ("credits.earn", r#"{}"#, design_of("credits:earn", None)),
            (
                "credits.lose",
                r#"{"amount":1}"#,
                design_of("credits:lose", Some(1.0)),
            ),
            (
                "gold.earn",
                r#"{"amount":1}"#,
                design_of("gold:earn", Some(1.0)),
            ),
        ] {
            assert_eq!(fact("{}", name, data), expected, "{name} {data}");
        }
        let own = r#"{"currencies": ["gold_2"], "reasonFields": ["by"], "itemFields": ["what"]}"#;
        let data = r#"{"amount":1,"by":"boss","what":"helmet","reason":"no"}"#;
        assert_eq!(
            fact(own, "gold_2.earn", data),
            resource("Source:gold:boss:helmet", 1.0)
        );
    }

    #[test]
    fn purchases_are_business_in_minor_units() {
        for (data, expected) in [
            (
                r#"{"amountCents":499,"currency":"eur","sku":"pack"}"#,
                business("purchase:pack", 499, "EUR"),
            ),
            (
                r#"{"amountCents":"499.4"}"#,
                business("purchase:stripe.payment", 499, "USD"),
            ),
            (
                r#"{"amountCents":-499,"currency":"dollars"}"#,
                business("purchase:stripe.payment", -499, "USD"),
            ),
            (r#"{"currency":"EUR"}"#, design_of("stripe:payment", None)),
        ] {
            assert_eq!(fact("{}", "stripe.payment", data), expected, "{data}");
        }
        let own = r#"{"purchases": {"paypal": {"amount": "total", "currency": null}}}"#;
        let data = r#"{"total":100,"currency":"EUR"}"#;
        assert_eq!(
            fact(own, "paypal", data),
            business("purchase:paypal", 100, "USD")
        );
    }

    #[test]
    fn all_other_events_are_design_events_of_at_most_five_parts() {
        for (name, data, expected) in [
            (
                "quest.done",
                r#"{"value":3,"amount":4}"#,
                design_of("quest:done", Some(3.0)),
            ),
            ("a.b.c.d.e.f", "{}", design_of("a:b:c:d:e.f", None)),
            ("a..b", "{}", design_of("a:_:b", None)),
            ("ünïcode", "{}", design_of("_n_code", None)),
        ] {
            assert_eq!(fact("{}", name, data), expected, "{name}");
        }
        let long = fact("{}", &"x".repeat(70), "{}");
        assert_eq!(long, design_of(&"x".repeat(64), None));
    }

    #[test]
    fn plain_fields_are_kept() {
        let data = r#"{"n":1e21,"t":"text","yes":true,"no":null,"list":[1],"a.b":1,"empty":""}"#;
        let given: BTreeMap<String, &serde_json::value::RawValue> =
            serde_json::from_str(data).expect("JSON");
        let fields = given.into_iter();
        let fields = fields.map(|(key, value)| (key, Field::Given(value)));
        let custom = custom_fields(fields.collect());
        let json = serde_json::to_string(&custom).expect("JSON");
        assert_eq!(json, r#"{"n":1e21,"t":"text","yes":"true"}"#);
    }
}
