//! The connection string of the settings, read by the driver's parser. Nothing is looked up.

use mongodb::options::ConnectionString;

use crate::config::{Config, ConfigError};
use crate::record::target::Target;
use crate::util::fnv::fnv1a;

/// Fails if the connection string is not valid.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    match &config.uri {
        Some(uri) if ConnectionString::parse(&uri.text).is_err() => {
            let problem = "must be a MongoDB connection string, mongodb://… or mongodb+srv://…";
            Err(ConfigError::new(uri.field, problem))
        }
        _ => Ok(()),
    }
}

/// The configured database and collections. Configurations that take the database from the
/// host's connection share one.
pub fn target(config: &Config) -> Target {
    let of_uri = || {
        let uri = config.uri.as_ref()?;
        ConnectionString::parse(&uri.text).ok()?.default_database
    };
    let database = config.database.clone().or_else(of_uri);
    let names = &config.collections;
    let parts = [
        &database.unwrap_or_default(),
        &names.sessions,
        &names.daily,
        &names.events,
        &names.uniques,
    ];
    Target(fnv1a(parts.map(String::as_str).join("\0").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_about_a_connection_string_names_the_field_as_the_user_wrote_it() {
        for (options, environment, field) in [
            (r#"{"uri": "localhost:27017"}"#, "{}", "uri"),
            (
                "{}",
                r#"{"ANALYTICS_MONGODB_URI": "mongodb://a:b"}"#,
                "ANALYTICS_MONGODB_URI",
            ),
        ] {
            let (config, _) = Config::from_json(options, environment).expect("text");
            let error = check(&config).expect_err(field).to_string();
            let expected = format!("{field}: must be a MongoDB connection string");
            assert!(error.starts_with(&expected), "{error}");
        }
    }

    #[test]
    fn a_target_follows_the_configured_database_and_collections() {
        let of = |options: &str| target(&Config::from_json(options, "{}").expect("valid").0);
        let game = of(r#"{"uri": "mongodb://h/game"}"#);
        assert_eq!(game, of(r#"{"database": "game"}"#));
        assert_eq!(
            game,
            of(r#"{"uri": "mongodb://other/x", "database": "game"}"#)
        );
        assert_ne!(game, of("{}"));
        assert_ne!(
            game,
            of(r#"{"database": "game", "collections": {"daily": "d"}}"#)
        );
    }
}
