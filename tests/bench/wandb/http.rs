//! One connection of HTTP/1.1, over which requests follow each other.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};
use terminal::{Exit, Failure};
use tests::Lab;

/// A connection to the controller.
pub(crate) struct Connection(BufReader<TcpStream>);

fn failed(what: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Refused, format!("a request failed: {what}"))
}

impl Connection {
    pub(crate) fn open(lab: &Lab) -> Result<Self, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", lab.port())).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request and waits for the answer.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Result<(), Failure> {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
            Content-Length: {length}\r\n\r\n"
        );
        let stream = self.0.get_mut();
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).map_err(failed)?;
        let (mut length, mut line, mut status) = (0, String::new(), String::new());
        while line != "\r\n" {
            line.clear();
            self.0.read_line(&mut line).map_err(failed)?;
            if status.is_empty() {
                status.clone_from(&line);
            }
            if let Some(said) = line.to_lowercase().strip_prefix("content-length:") {
                length = said.trim().parse().map_err(failed)?;
            }
            if line.is_empty() {
                return Err(failed("the controller hung up"));
            }
        }
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer).map_err(failed)?;
        match status.contains(" 200 ") {
            true => Ok(()),
            false => Err(failed(format!("{status}{}", String::from_utf8_lossy(&answer)))),
        }
    }

    /// Creates a run of the project `bench`.
    pub(crate) fn upsert(&mut self, name: &str, config: &Value) -> Result<(), Failure> {
        let query = "mutation U($input: UpsertBucketInput!) { upsertBucket(input: $input) \
            { bucket { id } } }";
        let input = json!({
            "name": name, "modelName": "bench", "entityName": crate::TEAM,
            "config": config.to_string(),
        });
        let body = json!({ "query": query, "variables": { "input": input } }).to_string();
        self.post("/graphql", body.as_bytes())
    }
}
