//! Tests the dashboard's API over real HTTP.

mod foundation;

use serde_json::Value;

use crate::wandb::http::{Answer, Caller};

/// Returns the JSON that a caller gets from a path of the API.
fn get(caller: &Caller, path: &str) -> Value {
    let answer = ask(caller, path);
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

fn ask(caller: &Caller, path: &str) -> Answer {
    caller.send("GET", &format!("/api/v1{path}"), &[], b"")
}

/// Returns the detail of a problem, whose status must be this one.
fn problem(answer: &Answer, status: u16) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, status, "{body}");
    assert!(answer.head.contains("application/problem+json"), "{}", answer.head);
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    problem["detail"].as_str().unwrap().to_owned()
}
