//! Reads a connection string as Node's driver does, and writes it for ours.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use mongodb::options::{ClientOptions, ConnectionString};
use percent_encoding::{NON_ALPHANUMERIC, PercentEncode, percent_decode_str, utf8_percent_encode};

use super::options::{self, Meaning, Options, Value};
use super::parts::Parts;
use super::tls;

type Problem = String;

/// The servers know no longer name.
const APP_NAME_BYTES: usize = 128;
/// Both drivers look at a server no more often.
const HEARTBEAT_MS: u64 = 500;
const MECHANISMS: [&str; 4] = ["SCRAM-SHA-1", "SCRAM-SHA-256", "MONGODB-X509", "PLAIN"];
const X509: &str = MECHANISMS[2];
const MODES: [&str; 3] = ["auto", "poll", "stream"];

/// It has no `Debug`: it holds credentials.
pub struct Uri {
    /// The connection string for our driver.
    pub text: String,
    /// Names of the options that have no effect here and were left out.
    pub without_effect: Vec<&'static str>,
    /// Whether it uses TLS and trusts whom the process trusts.
    pub trusts_process: bool,
}

impl Uri {
    pub fn read(text: &str) -> Result<Self, Problem> {
        let parts = Parts::split(text.trim())?;
        let (mut options, mut without_effect) = sort(&parts)?;
        let trust = tls::resolve(&mut options, parts.is_srv)?;
        without_effect.extend(trust.without_effect);
        adapt(&mut options)?;
        check_topology(&parts, &options)?;
        let text = write(&parts, &options, database_of(&parts)?);
        check_with_driver(&parts, &text)?;
        Ok(Self {
            text,
            without_effect,
            trusts_process: trust.is_of_process,
        })
    }
}

/// The database that a connection string names, also where our driver would refuse one of its options.
pub fn database(text: &str) -> Option<String> {
    database_of(&Parts::split(text.trim()).ok()?).ok()?
}

/// The path wins over the option.
fn database_of(parts: &Parts<'_>) -> Result<Option<String>, Problem> {
    let Some(path) = parts.path else {
        let mut options = parts.options.iter();
        let option = options.find(|(name, _)| name.eq_ignore_ascii_case("dbName"));
        return Ok(option.map(|(_, value)| value.clone()));
    };
    let decoded = percent_decode_str(path).decode_utf8();
    let problem = |_| "must have the name of the database percent-encoded";
    Ok(Some(decoded.map_err(problem)?.into_owned()))
}

/// The options that our driver gets, and the names of those that have no effect.
fn sort(parts: &Parts<'_>) -> Result<(Options, Vec<&'static str>), Problem> {
    let mut kept = Options::new();
    let mut seen = BTreeMap::new();
    let mut without_effect = Vec::new();
    for (given, value) in &parts.options {
        let (name, meaning) = options::find(given).ok_or_else(|| unknown(parts, given))?;
        if name != "readPreferenceTags" {
            match (seen.entry(name), value.as_str()) {
                (_, "") => return Err(format!("the option {name} has no value")),
                (Entry::Occupied(_), _) => return Err(format!("the option {name} is given twice")),
                (Entry::Vacant(entry), _) => entry.insert(()),
            };
        }
        match meaning {
            Meaning::Honoured(form) => {
                kept.insert(name, form_of(name, form, value)?);
            }
            Meaning::NoEffect(silent) if silent == value.as_str() => {}
            Meaning::NoEffect(_) if without_effect.contains(&name) => {}
            Meaning::NoEffect(_) => without_effect.push(name),
            Meaning::Unsupported => {
                return Err(format!(
                    "the option {name} cannot be honoured: use a connection string that works without it"
                ));
            }
        }
    }
    Ok((kept, without_effect))
}

/// A part of a password that is not percent-encoded may look like an option, so not every name is quoted.
fn unknown(parts: &Parts<'_>, name: &str) -> Problem {
    let is_name = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match is_name && (parts.user.is_none() || !parts.options.iter().any(|(_, value)| value.contains('@'))) {
        true => format!("the option {name} is not known: correct its name, or leave it out"),
        false => "has an option that is not known: correct its name, or leave it out; special characters \
                  of user and password must be percent-encoded"
            .to_owned(),
    }
}

fn form_of(name: &str, form: Value, value: &str) -> Result<String, Problem> {
    match form {
        Value::Bool if !matches!(value, "true" | "false") => {
            Err(format!("the option {name} must be true or false"))
        }
        Value::Uint => match leading_number(value) {
            Some(number) => Ok(number.to_string()),
            None => Err(format!(
                "the option {name} must be a whole number that is not negative"
            )),
        },
        Value::Bool | Value::Text => Ok(value.to_owned()),
    }
}

/// As `parseInt` of JavaScript: what follows the number is ignored.
fn leading_number(text: &str) -> Option<u32> {
    let text = text.trim_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    match &text[..end] {
        "" => None,
        digits => Some(digits.parse().unwrap_or(u32::MAX)),
    }
}

/// Values that our driver would understand in another way, or refuse.
fn adapt(options: &mut Options) -> Result<(), Problem> {
    options.remove("dbName");
    if let Some(name) = options.get_mut("appName") {
        name.truncate(name.floor_char_boundary(APP_NAME_BYTES));
    }
    if let Some(every) = options.get_mut("heartbeatFrequencyMS") {
        *every = every
            .parse()
            .unwrap_or(HEARTBEAT_MS)
            .max(HEARTBEAT_MS)
            .to_string();
    }
    one_of(options, "serverMonitoringMode", &MODES)?;
    if options
        .get("authMechanism")
        .is_some_and(|name| name.eq_ignore_ascii_case("DEFAULT"))
    {
        options.remove("authMechanism");
    }
    one_of(options, "authMechanism", &MECHANISMS)
}

fn one_of(options: &mut Options, name: &str, known: &[&str]) -> Result<(), Problem> {
    let Some(value) = options.get_mut(name) else {
        return Ok(());
    };
    match known.iter().find(|known| known.eq_ignore_ascii_case(value)) {
        Some(known) => {
            *value = (*known).to_owned();
            Ok(())
        }
        None => Err(format!(
            "the option {name} must be one of {}",
            known.join(", ")
        )),
    }
}

fn check_topology(parts: &Parts<'_>, options: &Options) -> Result<(), Problem> {
    let is_true = |name| options.get(name).is_some_and(|value| value == "true");
    let is_limited = options.get("srvMaxHosts").is_some_and(|most| most != "0");
    let has_set = options.contains_key("replicaSet");
    let of_srv = ["srvMaxHosts", "srvServiceName"];
    if let Some(name) = of_srv
        .iter()
        .find(|name| !parts.is_srv && options.contains_key(**name))
    {
        return Err(format!("the option {name} is for mongodb+srv:// only"));
    }
    let several = parts.hosts.contains(',');
    let contradictions = [
        (
            is_true("directConnection") && (parts.is_srv || several),
            "directConnection",
            "one host",
        ),
        (
            is_true("loadBalanced") && several,
            "loadBalanced",
            "one host",
        ),
        (
            is_true("loadBalanced") && has_set,
            "loadBalanced",
            "a string without replicaSet",
        ),
        (
            is_true("loadBalanced") && is_true("directConnection"),
            "loadBalanced",
            "a string without directConnection",
        ),
        (
            is_limited && has_set,
            "srvMaxHosts",
            "a string without replicaSet",
        ),
        (
            is_limited && is_true("loadBalanced"),
            "srvMaxHosts",
            "a string without loadBalanced",
        ),
    ];
    match contradictions.iter().find(|(is_given, ..)| *is_given) {
        Some((_, name, needed)) => Err(format!("the option {name} needs {needed}")),
        None => Ok(()),
    }
}

fn write(parts: &Parts<'_>, options: &Options, database: Option<String>) -> String {
    let scheme = if parts.is_srv {
        "mongodb+srv"
    } else {
        "mongodb"
    };
    let is_x509 = options
        .get("authMechanism")
        .is_some_and(|name| name == X509);
    let who = match (parts.user, parts.password.unwrap_or_default()) {
        (None, _) => String::new(),
        // Servers know the user by the certificate; elsewhere no password is an empty one.
        (Some(user), "") if is_x509 => format!("{user}@"),
        (Some(user), password) => format!("{user}:{password}@"),
    };
    let database = database.unwrap_or_default();
    let database = percent_encode(&database);
    let options: Vec<_> = options
        .iter()
        .map(|(name, value)| format!("{name}={}", percent_encode(value)))
        .collect();
    format!(
        "{scheme}://{who}{}/{database}?{}",
        parts.hosts,
        options.join("&")
    )
}

/// Whatever our driver would refuse later it refuses here; an SRV record is not looked up.
fn check_with_driver(parts: &Parts<'_>, text: &str) -> Result<(), Problem> {
    let is_taken = match parts.is_srv {
        true => ConnectionString::parse(text).is_ok(),
        false => {
            let parsing = pin!(ClientOptions::parse(text).into_future());
            let polled = parsing.poll(&mut Context::from_waker(Waker::noop()));
            !matches!(polled, Poll::Ready(Err(_)))
        }
    };
    match is_taken {
        true => Ok(()),
        // What it says may quote the string.
        false => Err(
            "has a user, a host, a port or a name of a database that is not valid, or lacks one: \
                      mongodb://user:password@host:27017/database"
                .to_owned(),
        ),
    }
}

fn percent_encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}
