//! Connection strings of the settings, as they are read and as they are written for our driver.

use super::reader::Uri;
use super::{check, target};
use crate::config::Config;

fn read(text: &str) -> Result<Uri, String> {
    Uri::read(text)
}

fn written(text: &str) -> String {
    read(text)
        .map_err(|problem| format!("{text}: {problem}"))
        .expect("valid")
        .text
}

#[test]
fn the_text_is_trimmed_and_percent_encoded_for_our_driver() {
    for (given, text) in [
        (" mongodb://h\n", "mongodb://h/?"),
        ("mongodb://h:1,[::1]:2/db?", "mongodb://h:1,[::1]:2/db?"),
        (
            "mongodb://h/?retryWrites=true&",
            "mongodb://h/?retryWrites=true",
        ),
        (
            "mongodb://h/?&REPLICASET=a+b",
            "mongodb://h/?replicaSet=a%20b",
        ),
        ("mongodb://h/?dbName=one", "mongodb://h/one?"),
        ("mongodb://h/two?dbName=one", "mongodb://h/two?"),
        ("mongodb://u:p%40@h/%64b#x", "mongodb://u:p%40@h/db?"),
        ("mongodb://u@h", "mongodb://u:@h/?"),
        (
            "mongodb+srv://c.example.org/d",
            "mongodb+srv://c.example.org/d?tls=true&tlsAllowInvalidCertificates=false",
        ),
        (
            "mongodb+srv://c.example.org/?ssl=false",
            "mongodb+srv://c.example.org/?tls=false",
        ),
    ] {
        assert_eq!(written(given), text);
    }
}

#[test]
fn values_are_read_as_the_driver_of_node_reads_them() {
    for (given, text) in [
        ("connectTimeoutMS=5000ms", "connectTimeoutMS=5000"),
        ("maxIdleTimeMS=1.9", "maxIdleTimeMS=1"),
        ("heartbeatFrequencyMS=10", "heartbeatFrequencyMS=500"),
        ("serverMonitoringMode=poll", "serverMonitoringMode=poll"),
        ("authMechanism=DEFAULT", ""),
        ("appName=%40game%40", "appName=%40game%40"),
    ] {
        assert_eq!(
            written(&format!("mongodb://h/?{given}")),
            format!("mongodb://h/?{text}")
        );
    }
    let long = "ö".repeat(100);
    let text = written(&format!("mongodb://h/?appName={long}"));
    assert_eq!(text.matches("%C3%B6").count(), 64);
}

#[test]
fn options_without_effect_are_named_unless_they_ask_for_what_is_done_anyway() {
    for (options, names) in [
        (
            "retryWrites=true&w=majority&journal=true&readPreference=primary",
            &[][..],
        ),
        (
            "compressors=zstd,zlib&socketTimeoutMS=1&family=4",
            &["compressors", "socketTimeoutMS", "family"],
        ),
        (
            "maxpoolsize=0&readPreferenceTags=a:b&readPreferenceTags=",
            &["maxPoolSize", "readPreferenceTags"],
        ),
        ("w=1&compressors=none", &["w"]),
        (
            "tls=false&tlsAllowInvalidHostnames=true&tlsCAFile=x",
            &["tlsAllowInvalidHostnames", "tlsCAFile"],
        ),
        ("tlsCAFile=x", &["tlsCAFile"]),
    ] {
        let uri = read(&format!("mongodb://h/?{options}"));
        let found = uri.map(|uri| uri.without_effect);
        assert_eq!(found.as_deref(), Ok(names), "{options}");
    }
}

#[test]
fn a_problem_names_the_option() {
    for (text, name) in [
        ("mongodb://h/?proxyHost=p", "proxyHost"),
        ("mongodb://h/?serverapi=1", "serverApi"),
        (
            "mongodb://h/?tls=true&tlsAllowInvalidHostnames=true",
            "tlsAllowInvalidHostnames",
        ),
        ("mongodb://h/?tls=true&ssl=false", "ssl"),
        (
            "mongodb://h/?tls=true&tlsInsecure=true&tlsAllowInvalidCertificates=true",
            "tlsInsecure",
        ),
        ("mongodb://h/?tls=1", "tls"),
        ("mongodb://h/?authMechanism=GSSAPI", "authMechanism"),
        ("mongodb://u@h/?authMechanism=MONGODB-AWS", "authMechanism"),
        ("mongodb://h/?connectTimeoutMS=-1", "connectTimeoutMS"),
        ("mongodb://h/?w=x&w", "w"),
        ("mongodb://h/?appName=a&APPNAME=b", "appName"),
        ("mongodb://h/?retryWritess=true", "retryWritess"),
        ("mongodb://a,b/?directConnection=true", "directConnection"),
        (
            "mongodb+srv://c.example.org/?directConnection=true",
            "directConnection",
        ),
        ("mongodb://a,b/?loadBalanced=true", "loadBalanced"),
        (
            "mongodb+srv://c.example.org/?loadBalanced=true&replicaSet=x",
            "loadBalanced",
        ),
        (
            "mongodb+srv://c.example.org/?srvMaxHosts=1&replicaSet=x",
            "srvMaxHosts",
        ),
        ("mongodb://h/?srvServiceName=x", "srvServiceName"),
    ] {
        let problem = read(text).err().expect(text);
        assert!(problem.contains(&format!(" {name} ")), "{problem}");
    }
}

#[test]
fn what_is_no_connection_string_is_refused_and_not_quoted() {
    for text in [
        "hunter2",
        "http://hunter2/",
        "MONGODB://hunter2",
        "mongodb://",
        "mongodb://hunter2:port",
        "mongodb://hunter2:0",
        "mongodb://u:hunter2@",
        "mongodb://u:hunter2@x@h",
        "mongodb://u:hunter2/@h",
        "mongodb://:hunter2@h",
        "mongodb://u:p?hunter2@h",
        "mongodb://u:p@a?hunter2&b=c@h",
        "mongodb://h/a%2Fhunter2",
        "mongodb+srv://hunter2.example.org:1",
        "mongodb+srv://a,hunter2",
        "mongodb://u:hunter2@h/?authMechanism=MONGODB-X509",
        "mongodb://h/?authMechanism=PLAIN&authSource=hunter2",
    ] {
        let problem = read(text).err().expect(text);
        assert!(!problem.contains("hunter2"), "{problem}");
    }
}

#[test]
fn the_process_is_trusted_where_tls_is_on_and_no_authority_is_named() {
    for (text, is_trusted) in [
        ("mongodb://h", false),
        ("mongodb://h/?tls=true", true),
        ("mongodb://h/?ssl=true", true),
        ("mongodb+srv://c.example.org", true),
        ("mongodb+srv://c.example.org/?tls=false", false),
        ("mongodb://h/?tls=true&tlsCAFile=x", false),
        ("mongodb://h/?tls=true&tlsInsecure=true", false),
        (
            "mongodb://h/?tls=true&tlsAllowInvalidCertificates=true&tlsAllowInvalidHostnames=true",
            false,
        ),
    ] {
        assert_eq!(read(text).expect(text).trusts_process, is_trusted, "{text}");
    }
}

#[test]
fn an_error_about_a_connection_string_names_the_field_as_the_user_wrote_it() {
    for (options, environment, field) in [
        (r#"{"uri": "localhost:27017"}"#, "{}", "uri"),
        (
            "{}",
            r#"{"ANALYTICS_MONGODB_URI": "localhost"}"#,
            "ANALYTICS_MONGODB_URI",
        ),
    ] {
        let (config, _) = Config::from_json(options, environment).expect("text");
        let error = check(&config.uri.expect("given"))
            .expect_err(field)
            .to_string();
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
    // The records of a process whose string is corrected later belong to the same database.
    assert_eq!(game, of(r#"{"uri": "mongodb://h/game?proxyHost=p"}"#));
    assert_eq!(game, of(r#"{"uri": " mongodb://h/?DBNAME=game "}"#));
    assert_ne!(game, of("{}"));
    assert_ne!(
        game,
        of(r#"{"database": "game", "collections": {"daily": "d"}}"#)
    );
}
