//! Tests the dashboard's API over real HTTP.

mod artifacts;
mod attempts;
mod bin;
mod console;
mod edits;
mod events;
mod explain;
mod fleet;
mod foundation;
mod groups;
mod linked;
mod links;
mod login;
mod media;
mod overview;
mod parquet;
mod reports;
mod rights;
mod runs;
mod saved_views;
mod series;
mod settings;
mod sweeps;

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

/// Sends a request with a body of JSON to a path of the API.
fn send(caller: &Caller, method: &str, path: &str, body: &str) -> Answer {
    caller.send(method, &format!("/api/v1{path}"), &[], body.as_bytes())
}

/// Returns the JSON of the answer to a request with a body.
fn sent(caller: &Caller, method: &str, path: &str, body: &Value) -> Value {
    let answer = send(caller, method, path, &body.to_string());
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// Binary columns, as a browser reads them.
struct Table {
    head: Value,
    data: Vec<u8>,
}

impl Table {
    fn of(caller: &Caller, path: &str, body: &Value) -> Self {
        let answer = send(caller, "POST", path, &body.to_string());
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        assert!(answer.head.contains("application/x-columns"), "{}", answer.head);
        let (length, rest) = answer.body.split_at(4);
        let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
        let (head, data) = rest.split_at(length);
        assert_eq!((4 + length) % 8, 0, "the data is aligned");
        Self { head: serde_json::from_slice(head).unwrap(), data: data.to_vec() }
    }

    /// Returns the kind and the bytes of a column; the bytes of one value are so many.
    fn column(&self, name: &str) -> (&Value, &[u8]) {
        let columns = self.head["columns"].as_array().unwrap();
        let column = columns.iter().find(|column| column["name"] == name).unwrap();
        let [offset, count] = ["offset", "count"].map(|key| column[key].as_u64().unwrap() as usize);
        let width = if column["kind"] == "f64" { 8 } else { 4 };
        (column, &self.data[offset..][..count * width])
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        let (column, bytes) = self.column(name);
        assert_eq!(column["kind"], "f64", "{column}");
        bytes.chunks(8).map(|chunk| f64::from_le_bytes(chunk.try_into().unwrap())).collect()
    }

    fn texts(&self, name: &str) -> Vec<Option<String>> {
        let (column, bytes) = self.column(name);
        assert_eq!(column["kind"], "dictionary", "{column}");
        let codes = bytes.chunks(4).map(|chunk| u32::from_le_bytes(chunk.try_into().unwrap()));
        codes.map(|code| Some(column["values"].get(code as usize)?.as_str()?.to_owned())).collect()
    }
}
