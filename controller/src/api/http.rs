//! Serves browsers, and people who type the address into curl: one page says what listens here.
//! `port` calls it for every request that is no gRPC.

use tonic::{
    body::Body,
    codegen::http::{
        HeaderValue, Method, Response, StatusCode,
        header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE},
    },
};

const PAGE: &str = "\
This is the controller of Besom: it keeps the runs of hyperparameter sweeps and hands out their
trials.

It speaks gRPC to its programs. There is no dashboard for browsers yet. In a terminal:

  export BESOM_CONTROLLER=...                 the address of this page
  export BESOM_TOKEN=...                      if the controller was started with a token
  export BESOM_TRUST=sha256:...               if it printed this at its start
  sweep ls                                    shows the sweeps
  sweep --help                                shows what else there is
  agent SWEEP                                 runs the trials of a sweep on this machine
";

const NOWHERE: &str = "There is no such page. The address without a path says what this is.\n";

const READ_ONLY: &str = "This page can only be read, by GET or HEAD.\n";

/// Returns the answer to a request that is no gRPC: the page for GET and HEAD of `/`, and an error
/// for everything else.
pub(crate) fn answer(method: &Method, path: &str) -> Response<Body> {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    let (status, text) = match path {
        _ if !is_read => (StatusCode::METHOD_NOT_ALLOWED, READ_ONLY),
        "/" => (StatusCode::OK, PAGE),
        _ => (StatusCode::NOT_FOUND, NOWHERE),
    };
    let body = if *method == Method::HEAD { Body::empty() } else { Body::new(text.to_owned()) };
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
    if !is_read {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    answer
}
