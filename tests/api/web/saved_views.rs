//! Tests the views that people save: their life, their limits, and which page opens with one.

use record::ids::HOME;
use serde_json::{Value, json};

use super::{ask, get, problem, send, sent};
use crate::{
    lab::{Lab, RANDOM},
    wandb::http::Caller,
};

fn all() -> String {
    format!("/projects/{HOME}/digits/views")
}

fn names(caller: &Caller) -> Vec<String> {
    let found = get(caller, &all());
    let views = found["views"].as_array().unwrap().iter();
    views.map(|view| view["name"].as_str().unwrap().to_owned()).collect()
}

fn view(page: &str, name: &str) -> Value {
    json!({ "page": page, "name": name, "query": "sort=-value&filter=config.lr%3C1" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_saved_renamed_made_standard_and_removed() {
    let mut lab = Lab::start().await;
    lab.create(&format!("{RANDOM}\nproject: digits\n")).await;
    let caller = Caller::new(&lab, None);
    assert_eq!(names(&caller), Vec::<String>::new());
    let first = sent(&caller, "POST", &all(), &view("project", " best runs "));
    assert_eq!((&first["name"], &first["standard"]), (&json!("best runs"), &json!(false)));
    let second = sent(&caller, "POST", &all(), &view("project", "slow runs"));
    let of_sweep = sent(&caller, "POST", &all(), &view("sweep", "best runs"));
    assert_eq!(names(&caller), ["best runs", "slow runs", "best runs"]);
    let path = |view: &Value| format!("{}/{}", all(), view["id"].as_str().unwrap());
    // One view of a page is the standard.
    for one in [&of_sweep, &first, &second] {
        sent(&caller, "PATCH", &path(one), &json!({ "standard": true }));
    }
    let standard: Vec<Value> = get(&caller, &all())["views"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|view| view["standard"] == true)
        .map(|view| view["id"].clone())
        .collect();
    assert_eq!(standard, [second["id"].clone(), of_sweep["id"].clone()]);
    let edit = json!({ "name": "fast runs", "query": "q=fast" });
    let edited = sent(&caller, "PATCH", &path(&first), &edit);
    assert_eq!((&edited["query"], &edited["page"]), (&json!("q=fast"), &json!("project")));
    lab.restart().await;
    let caller = Caller::new(&lab, None);
    assert_eq!(names(&caller), ["fast runs", "slow runs", "best runs"]);
    assert_eq!(send(&caller, "DELETE", &path(&second), "").status, 204);
    assert_eq!(names(&caller), ["fast runs", "best runs"]);
    problem(&send(&caller, "DELETE", &path(&second), ""), 404);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_views_and_too_many_of_them_are_refused() {
    let mut lab = Lab::with(|settings| {
        settings.limits.pages.saved_views = 2;
        settings.limits.pages.saved_view_bytes = 100;
    })
    .await;
    lab.create(&format!("{RANDOM}\nproject: digits\n")).await;
    let caller = Caller::new(&lab, None);
    let post =
        |body: &Value, status| problem(&send(&caller, "POST", &all(), &body.to_string()), status);
    assert!(post(&view("fleet", "all"), 400).contains("fleet"));
    assert!(post(&view("project", " "), 400).contains("name"));
    let large = json!({ "page": "project", "name": "x", "query": "x".repeat(101) });
    assert!(post(&large, 400).contains("101 bytes"));
    let one = sent(&caller, "POST", &all(), &view("project", "one"));
    assert!(post(&view("project", "one"), 409).contains("`one` already"));
    sent(&caller, "POST", &all(), &view("project", "two"));
    assert!(post(&view("project", "three"), 409).contains("2 saved views"));
    let path = format!("{}/{}", all(), one["id"].as_str().unwrap());
    problem(&send(&caller, "PATCH", &path, r#"{"name": "two"}"#), 409);
    problem(&send(&caller, "PATCH", &path, r#"{"page": "sweep"}"#), 400);
    problem(&ask(&caller, &all().replace("digits", "nothing")), 404);
    lab.shutdown().await;
}
