//! Settings that make destinations, and the errors about others.

use std::time::Duration;

use super::DestinationSettings;
use crate::config::Config;

fn read(options: &str, env: &str) -> Result<Vec<DestinationSettings>, String> {
    let read = Config::from_json(options, env).map_err(|e| e.to_string());
    read.map(|(config, _)| config.destinations)
}

fn shown(destinations: &[DestinationSettings]) -> Vec<String> {
    let show = |d: &DestinationSettings| format!("{} {} {}", d.name, d.access.format(), d.url);
    destinations.iter().map(show).collect()
}

#[test]
fn a_url_alone_is_the_raw_webhook() {
    let expected = ["webhook raw http://h/x?y"];
    let by_option = read(r#"{"webhookUrl": "http://h/x?y"}"#, "{}").expect("valid");
    assert_eq!(shown(&by_option), expected);
    let by_env = read("{}", r#"{"ANALYTICS_WEBHOOK_URL": "http://h/x?y"}"#).expect("valid");
    assert_eq!(shown(&by_env), expected);
    assert_eq!(by_env[0].max_queue_bytes, 64 << 20);
    assert_eq!(by_env[0].max_age, Duration::from_secs(86_400));
    assert_eq!(by_env[0].request_timeout, Duration::from_secs(10));
}

#[test]
fn options_leave_the_environment_unread() {
    let env = r#"{"ANALYTICS_WEBHOOK_URL": "http://env/"}"#;
    assert!(
        read(r#"{"destinations": []}"#, env)
            .expect("valid")
            .is_empty()
    );
    let both =
        r#"{"webhookUrl": "http://h/", "destinations": [{"format": "posthog", "apiKey": "k"}]}"#;
    assert_eq!(
        shown(&read(both, env).expect("valid")),
        [
            "webhook raw http://h/",
            "posthog posthog https://us.i.posthog.com"
        ]
    );
}

#[test]
fn one_destination_of_any_format_comes_out_of_the_environment() {
    for (format, default) in [
        ("mixpanel", "https://api.mixpanel.com"),
        ("segment", "https://api.segment.io"),
        ("posthog", "https://us.i.posthog.com"),
        ("amplitude", "https://api2.amplitude.com"),
        ("gameanalytics", "https://api.gameanalytics.com"),
    ] {
        let env = format!(
            r#"{{"ANALYTICS_WEBHOOK_FORMAT": "{format}", "ANALYTICS_WEBHOOK_TOKEN": "t:u",
                "ANALYTICS_WEBHOOK_ALLOW": "a, b", "ANALYTICS_WEBHOOK_DENY": "c"}}"#
        );
        let found = read("{}", &env).expect("valid");
        assert_eq!(shown(&found), [format!("{format} {format} {default}")]);
        let allow = found[0].allow.clone().expect("a list");
        assert_eq!(allow.into_iter().collect::<Vec<_>>(), ["a", "b"]);
        assert!(found[0].deny.contains("c"));
    }
}

#[test]
fn each_error_names_the_field_or_the_variable() {
    for (options, env, field) in [
        (r#"{"destinations": {}}"#, "{}", "destinations"),
        (r#"{"destinations": [5]}"#, "{}", "destinations[0]"),
        (r#"{"destinations": [{}]}"#, "{}", "destinations[0].url"),
        (
            r#"{"destinations": [{"format": "gzip"}]}"#,
            "{}",
            "destinations[0].format",
        ),
        (
            r#"{"destinations": [{"format": "mixpanel"}]}"#,
            "{}",
            "destinations[0].token",
        ),
        (
            r#"{"destinations": [{"format": "mixpanel", "username": "u", "secret": "s"}]}"#,
            "{}",
            "destinations[0].projectId",
        ),
        (
            r#"{"destinations": [{"format": "segment", "writeKey": ""}]}"#,
            "{}",
            "destinations[0].writeKey",
        ),
        (
            r#"{"destinations": [{"format": "posthog", "apiKey": "k", "url": "http://h/?q"}]}"#,
            "{}",
            "destinations[0].url",
        ),
        (
            r#"{"destinations": [{"url": "http://h/", "apiKey": "k"}]}"#,
            "{}",
            "destinations[0].apiKey",
        ),
        (
            r#"{"destinations": [{"url": "http://h/"}, {"url": "http://i/"}]}"#,
            "{}",
            "destinations[1].name",
        ),
        (
            r#"{"destinations": [{"url": "http://h/", "name": "a b"}]}"#,
            "{}",
            "destinations[0].name",
        ),
        (
            r#"{"destinations": [{"url": "http://h/", "allow": "a"}]}"#,
            "{}",
            "destinations[0].allow",
        ),
        (
            r#"{"destinations": [{"format": "gameanalytics", "gameKey": "k"}]}"#,
            "{}",
            "destinations[0].secretKey",
        ),
        (
            r#"{"destinations": [{"format": "gameanalytics", "gameKey": "a/b", "secretKey": "s"}]}"#,
            "{}",
            "destinations[0].gameKey",
        ),
        (
            r#"{"destinations": [{"format": "gameanalytics", "gameKey": "k", "secretKey": "s",
                "platform": "windows", "os_version": "linux 6"}]}"#,
            "{}",
            "destinations[0].os_version",
        ),
        (
            "{}",
            r#"{"ANALYTICS_WEBHOOK_FORMAT": "gameanalytics", "ANALYTICS_WEBHOOK_TOKEN": "key"}"#,
            "ANALYTICS_WEBHOOK_TOKEN",
        ),
        (
            r#"{"destinations": [{"url": "http://h/", "sessions": 1}]}"#,
            "{}",
            "destinations[0].sessions",
        ),
        (
            r#"{"destinations": [{"url": "http://h/", "redactKeys": "email"}]}"#,
            "{}",
            "destinations[0].redactKeys",
        ),
        (
            r#"{"destinations": [{"url": "http://h/", "redactKeys": [""]}]}"#,
            "{}",
            "destinations[0].redactKeys",
        ),
        (
            r#"{"destinations": [{"url": "http://h/", "hashUserId": {"secret": "short"}}]}"#,
            "{}",
            "destinations[0].hashUserId",
        ),
        (
            r#"{"destinations": [{"url": "http://h/", "hashUserId": {"secret": "long enough, is it?", "x": 1}}]}"#,
            "{}",
            "destinations[0].hashUserId",
        ),
        (
            r#"{"destinations": [{"url": "http://h/", "signingSecrets": []}]}"#,
            "{}",
            "destinations[0].signingSecrets",
        ),
        (
            r#"{"destinations": [{"url": "http://h/", "signingSecrets": ["whsec_c2hvcnQ="]}]}"#,
            "{}",
            "destinations[0].signingSecrets",
        ),
        (
            r#"{"destinations": [{"format": "posthog", "apiKey": "k", "signingSecrets": []}]}"#,
            "{}",
            "destinations[0].signingSecrets",
        ),
        (
            r#"{"destinations": [{"url": "http://h/", "maxAgeMs": 5}]}"#,
            "{}",
            "destinations[0].maxAgeMs",
        ),
        (
            "{}",
            r#"{"ANALYTICS_WEBHOOK_FORMAT": "Raw"}"#,
            "ANALYTICS_WEBHOOK_FORMAT",
        ),
        (
            "{}",
            r#"{"ANALYTICS_WEBHOOK_FORMAT": "raw"}"#,
            "ANALYTICS_WEBHOOK_URL",
        ),
        (
            "{}",
            r#"{"ANALYTICS_WEBHOOK_FORMAT": "segment"}"#,
            "ANALYTICS_WEBHOOK_TOKEN",
        ),
        (
            "{}",
            r#"{"ANALYTICS_WEBHOOK_URL": "http://h/", "ANALYTICS_WEBHOOK_TOKEN": "t"}"#,
            "ANALYTICS_WEBHOOK_TOKEN",
        ),
    ] {
        let error = read(options, env).err().expect(options);
        assert!(error.starts_with(&format!("{field}: ")), "{error}");
    }
}
