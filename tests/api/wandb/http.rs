//! Sends requests of HTTP/1.1 as W&B's client does.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::lab::Lab;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Returns the JSON of the answer.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    /// Returns the message of an error.
    pub(crate) fn error(&self) -> String {
        self.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
    }
}

/// Someone who calls with a key.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    address: String,
    key: Option<String>,
}

impl Caller {
    pub(crate) fn new(lab: &Lab, key: Option<&str>) -> Self {
        let address = lab.address().replace("http://", "");
        Self { address, key: key.map(str::to_owned) }
    }

    /// Sends one request with these further lines of its head.
    pub(crate) fn send(&self, method: &str, path: &str, lines: &[&str], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if let Some(key) = &self.key {
            let basic = STANDARD.encode(format!("api:{key}"));
            head += &format!("Authorization: Basic {basic}\r\n");
        }
        for line in lines {
            head += &format!("{line}\r\n");
        }
        head += &format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        tokio::task::block_in_place(|| {
            let mut stream = TcpStream::connect(&self.address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            // The controller may answer and close before it has read the whole body.
            let _ = stream.write_all(body);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
            let head = String::from_utf8(answer[..end].to_vec()).unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            let body = answer.split_off(end + 4);
            let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
            Answer { status, body: if chunked { unchunked(&body) } else { body }, head }
        })
    }

    /// Sends a document of GraphQL.
    pub(crate) fn ask(&self, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables }).to_string();
        self.send("POST", "/graphql", &["Content-Type: application/json"], body.as_bytes())
    }

    /// Creates a run or changes it.
    pub(crate) fn upsert(&self, input: Value) -> Answer {
        let query = "mutation U($input: UpsertBucketInput!) { upsertBucket(input: $input) \
            { inserted bucket { id name displayName historyLineCount project { name entity \
            { name } } } } }";
        self.ask(query, json!({ "input": input }))
    }

    /// Sends the rows of a run.
    pub(crate) fn stream(&self, run: &str, body: Value) -> Answer {
        let path = format!("/files/{run}/file_stream");
        self.send("POST", &path, &[], body.to_string().as_bytes())
    }

    /// Asks for the address of a file of a run.
    pub(crate) fn upload(&self, run: &str, path: &str) -> Answer {
        let mut names = run.split('/');
        let mut name = || names.next().unwrap();
        let query = "mutation C($entity: String!, $project: String!, $run: String!, \
            $files: [String!]!) { createRunFiles(input: {entityName: $entity, \
            projectName: $project, runName: $run, files: $files}) { files { name uploadUrl } } }";
        let said = json!({
            "entity": name(), "project": name(), "run": name(), "files": [path]
        });
        self.ask(query, said)
    }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 2 + size + 2..];
        if size == 0 {
            break;
        }
    }
    whole
}

/// Returns lines of history with these values, from this step on.
pub(crate) fn lines(first: u64, values: &[f64]) -> Value {
    let line = |(step, value): (u64, &f64)| {
        json!(format!("{{\"_step\": {step}, \"_timestamp\": 1.5, \"loss\": {value}}}"))
    };
    let content: Vec<Value> = (first..).zip(values).map(line).collect();
    json!({ "files": { "wandb-history.jsonl": { "offset": first, "content": content } } })
}
