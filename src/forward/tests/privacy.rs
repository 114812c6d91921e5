//! Privacy: whatever the data, no value that is redacted and no user id leaves, in no format, in no attempt,
//! in no replay.

use proptest::prelude::*;

use super::*;
use crate::util::proptest_config::config;

/// Each stands in every value that is redacted, and in the user's id.
const SECRET: &str = "s3cr3t";
const USER: &str = "ann-of-the-game";
const PRIVATE: &str =
    r#""redactKeys": ["email", "deep.key"], "hashUserId": {"secret": "0123456789abcdef"}"#;
/// HMAC-SHA256 of the user's id with that secret.
const HASH: &str = "e966a650163fafe50e692b12a29c3b41e10c6693e08cb2c1a33a6346c0c6bece";
const FORMATS: [&str; 6] = [RAW, MIXPANEL, SEGMENT, POSTHOG, AMPLITUDE, GAME];

/// JSON with secrets where they are redacted, and with none elsewhere.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<f64>().prop_map(|number| serde_json::json!(number).to_string()),
        any::<String>().prop_map(|text| serde_json::json!(text).to_string()),
        Just("null".to_owned()),
        Just("[]".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..4);
        let name = prop_oneof![
            Just("n".to_owned()),
            Just("key".to_owned()),
            any::<String>()
        ];
        let member = (name, inner.clone())
            .prop_map(|(name, value)| format!("{}:{value}", serde_json::json!(name)));
        let secret = inner.prop_map(|value| format!(r#"{{"a":[{value},"{SECRET}"]}}"#));
        let redacted = (secret, 0..3).prop_map(|(secret, place)| match place {
            0 => format!(r#""deep":{{"n":1,"key":{secret},"key":"{SECRET}"}}"#),
            1 => format!(r#""deep":[{{"n":{{"m":1}}}},[],{{"key":{secret}}}]"#),
            _ => format!(r#""email":{secret}"#),
        });
        let members = proptest::collection::vec(prop_oneof![member, redacted], 0..4);
        prop_oneof![
            list.prop_map(|items| format!("[{}]", items.join(","))),
            members.prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// The bodies of all requests: the first fails, one event is replayed.
fn sent(fields: &str, data: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(async {
        let mut failures = 1;
        let mut world = World::new(fields, move |_| {
            failures -= 1;
            answer(if failures >= 0 { 503 } else { 200 })
        });
        world.destination.begin_replay([0; 4]);
        world
            .destination
            .replay(&event(1, USER, data), Instant::now());
        world.destination.end_replay();
        world.seq = 1;
        world.enqueue(USER, data);
        assert_eq!(world.when_empty().await.counts.sent, 2);
        world.requests().into_iter().map(|(_, body)| body).collect()
    })
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn nothing_private_leaves_in_any_format_attempt_or_replay(data in json()) {
        for fields in FORMATS {
            let bodies = sent(&format!("{fields}, {PRIVATE}"), &data);
            prop_assert!(bodies.len() > 1, "nothing was sent again");
            for body in bodies {
                prop_assert!(!body.contains(SECRET), "{body}");
                prop_assert!(!body.contains(USER), "{body}");
                prop_assert!(body.contains(HASH), "{body}");
            }
        }
    }
}

#[test]
fn the_rest_of_an_event_stays_as_it_was() {
    let data = r#"{"n":1.50,"deep":{"key":[1],"b":1e21},"a":[{"email":"x"},"\u2028"]}"#;
    let [body, _, _] = &sent(&format!("{RAW}, {PRIVATE}"), data)[..] else {
        panic!("two attempts and another event");
    };
    let expected = format!(
        r#"{{"event":"quest.done","userId":"{HASH}","data":{{"n":1.50,"deep":{{"b":1e21}},"a":[{{}},"\u2028"]}},"ts":"2026-11-23T00:00:00.000Z"}}"#
    );
    assert_eq!(*body, expected);
}

#[test]
fn without_the_options_a_body_is_the_one_that_came() {
    for fields in [RAW.to_owned(), format!(r#"{RAW}, "redactKeys": []"#)] {
        let body = sent(&fields, r#"{ "email" : 1, "half": "\ud83d" }"#).remove(0);
        assert!(
            body.contains(r#""data":{ "email" : 1, "half": "\ud83d" }"#),
            "{body}"
        );
        assert!(body.contains(USER), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_is_not_sent_and_the_others_are() {
    let mut world = World::new(&format!("{RAW}, {PRIVATE}"), |_| answer(200));
    world.enqueue("ann", r#"{"email": s3cr3t"#);
    world.enqueue("ann", r#"{"n":2}"#);
    let report = world.when_empty().await;
    assert_eq!((report.counts.sent, report.counts.refused), (1, 1));
    assert_eq!(world.requests().concat_numbers(), [2]);
}
