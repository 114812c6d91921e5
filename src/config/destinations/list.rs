//! The list of destinations: the option `webhookUrl`, then those of `destinations`, or one destination from
//! the environment. With either option no variable is read.

use serde_json::{Map, Value};

use super::fields::{Fields, TOKEN};
use super::settings::DestinationSettings;
use crate::config::error::ConfigError;
use crate::config::source::Source;

/// The fields of the destination from the environment, and their variables.
const VARIABLES: [(&str, &str); 5] = [
    ("format", "ANALYTICS_WEBHOOK_FORMAT"),
    ("url", "ANALYTICS_WEBHOOK_URL"),
    (TOKEN, "ANALYTICS_WEBHOOK_TOKEN"),
    ("allow", "ANALYTICS_WEBHOOK_ALLOW"),
    ("deny", "ANALYTICS_WEBHOOK_DENY"),
];

pub fn read(source: &mut Source) -> Result<Vec<DestinationSettings>, ConfigError> {
    let webhook = source.option("webhookUrl");
    let listed = source.option("destinations");
    if webhook.is_none() && listed.is_none() {
        return from_environment(source);
    }
    let mut destinations = Vec::new();
    if let Some(url) = webhook {
        let label = |field: &str| match field {
            "url" => "webhookUrl".to_owned(),
            field => field.to_owned(),
        };
        let given = Map::from_iter([("url".to_owned(), url)]);
        destinations.push(Fields::new(given, &label).destination()?);
    }
    let listed = match listed {
        None => Vec::new(),
        Some(Value::Array(listed)) => listed,
        Some(_) => return Err(ConfigError::new("destinations", "must be an array")),
    };
    for (index, given) in listed.into_iter().enumerate() {
        let label = |field: &str| format!("destinations[{index}].{field}");
        let Value::Object(given) = given else {
            let field = format!("destinations[{index}]");
            return Err(ConfigError::new(field, "must be an object"));
        };
        let destination = Fields::new(given, &label).destination()?;
        if destinations
            .iter()
            .any(|other| other.name.eq_ignore_ascii_case(&destination.name))
        {
            let problem = format!(
                "must be given, and differ from the others: {} is another destination's",
                destination.name
            );
            return Err(ConfigError::new(label("name"), problem));
        }
        destinations.push(destination);
    }
    Ok(destinations)
}

fn from_environment(source: &Source) -> Result<Vec<DestinationSettings>, ConfigError> {
    let variable = |(field, name): &(&str, &str)| {
        let text = source.variable(name)?;
        let value = match *field {
            "allow" | "deny" => text.split(',').map(str::trim).collect(),
            _ => Value::String(text),
        };
        Some(((*field).to_owned(), value))
    };
    let mut given: Map<String, Value> = VARIABLES.iter().filter_map(variable).collect();
    if !given.contains_key("url") && !given.contains_key("format") {
        return Ok(Vec::new());
    }
    let credentials: &[&str] = match given.get("format").and_then(Value::as_str) {
        Some("segment") => &["writeKey"],
        Some("posthog" | "amplitude") => &["apiKey"],
        Some("gameanalytics") => &["gameKey", "secretKey"],
        _ => &[TOKEN],
    };
    // Of two, with a colon between them.
    if let Some(Value::String(token)) = given.remove(TOKEN) {
        let parts = token.splitn(credentials.len(), ':');
        let parts = credentials.iter().zip(parts);
        given.extend(parts.map(|(field, part)| ((*field).to_owned(), Value::from(part))));
    }
    let label = |field: &str| {
        let is_credential = credentials.contains(&field);
        let field = if is_credential { TOKEN } else { field };
        let found = VARIABLES.iter().find(|(known, _)| *known == field);
        found.map_or(field, |(_, variable)| variable).to_owned()
    };
    Ok(vec![Fields::new(given, &label).destination()?])
}
