//! Requests that are too deep, too large, or not what they seem.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::json;

use super::http::{Caller, lines};
use crate::lab::Lab;

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_bounded_and_answered_with_a_sentence() {
    let lab = Lab::start().await;
    let client = Caller::new(&lab, None);
    client.upsert(json!({"name": "r", "modelName": "p"}));
    let (inner, outer) =
        ("project { run(name: \"r\") { ", "project(name: \"p\") { run(name: \"r\") { ");
    let deep = format!("{{ {outer} {} id {} }}", inner.repeat(15), "}".repeat(32));
    let circle = "{ viewer { ...A } } fragment A on User { ...A }".to_owned();
    let wide = format!(
        "{{ {} }}",
        (0..9000).map(|n| format!("a{n}: viewer {{ id }} ")).collect::<String>()
    );
    for (document, says) in [
        ("{".to_owned(), "no document"),
        (deep, "levels"),
        (circle, "levels"),
        ("{ viewer { ...B } }".to_owned(), "no fragment `B`"),
        ("subscription { x }".to_owned(), "no subscriptions"),
        ("mutation { launchTheMissiles }".to_owned(), "does not serve `launchTheMissiles`"),
        (format!("{{ viewer {{ id }} }} #{}", "x".repeat(300_000)), "more than"),
    ] {
        let answer = client.ask(&document, json!({}));
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.error().contains(says), "{says}: {}", answer.error());
    }
    assert_eq!(client.ask(&wide, json!({})).status, 200);
    let unknown = client.ask("{ viewer { id unheardOf { of } } }", json!({})).json();
    assert_eq!(unknown["data"]["viewer"]["unheardOf"], json!(null), "{unknown}");
    let broken = client.send("POST", "/graphql", &[], b"{\"query\": 1}");
    assert_eq!(broken.status, 400, "{broken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_of_ten_megabytes_is_accepted_and_one_of_forty_is_not() {
    let lab = Lab::start().await;
    let client = Caller::new(&lab, None);
    let query = "query($name: String) { entity(name: $name) { id } }";
    let answer = client.ask(query, json!({ "name": "x".repeat(10 << 20) }));
    assert_eq!(answer.status, 200);
    let answer = client.ask(query, json!({ "name": "x".repeat(40 << 20) }));
    assert_eq!(answer.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_rows_are_read_and_bombs_are_refused() {
    let lab = Lab::start().await;
    let client = Caller::new(&lab, None);
    client.upsert(json!({"name": "r", "modelName": "p"}));
    let send = |body: &[u8]| {
        let path = format!("/files/{}/file_stream", "home/p/r");
        client.send("POST", &path, &["Content-Encoding: gzip"], body)
    };
    assert_eq!(send(&gzipped(lines(0, &[1.5]).to_string().as_bytes())).status, 200);
    assert_eq!(send(&gzipped(&vec![b' '; 64 << 20])).status, 400);
    assert_eq!(send(b"not compressed").status, 400);
    for (body, says) in [
        (json!([1]), "no rows"),
        (json!({"files": {"wandb-history.jsonl": {"content": ["{"]}}}), "line 0"),
        (json!({"files": {"wandb-history.jsonl": {"offset": 7, "content": ["[]"]}}}), "line 7"),
    ] {
        let answer = client.stream("home/p/r", body);
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.error().contains(says), "{}", answer.error());
    }
    let missing = client.stream("home/p/nothing", lines(0, &[1.5]));
    assert_eq!(missing.status, 404, "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_of_steps_comes_whole_or_not_at_all() {
    let lab = Lab::with(|settings| settings.limits.read_bytes = 2000).await;
    let client = Caller::new(&lab, None);
    client.upsert(json!({"name": "r", "modelName": "p"}));
    client.stream("home/p/r", lines(0, &[0.5; 40]));
    let ask = |asked: &str| {
        let query =
            format!("{{ project(name: \"p\") {{ run(name: \"r\") {{ history({asked}) }} }} }}");
        client.ask(&query, json!({}))
    };
    let rows = |asked: &str| {
        let answer = ask(asked).json();
        answer["data"]["project"]["run"]["history"].as_array().unwrap().len()
    };
    assert_eq!(rows("minStep: 0, maxStep: 5"), 5);
    let refused = ask("minStep: 0, maxStep: 40");
    assert!(refused.error().ends_with("ask for fewer steps"), "{refused:?}");
    let sampled = rows("samples: 40");
    assert!((2..40).contains(&sampled), "{sampled}");
}
