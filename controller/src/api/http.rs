//! Serves people who type the address into curl: one page says what listens here. `api::web`
//! answers so to everything that is no page of the dashboard.

use axum::{
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};

const PAGE: &str = "\
This is the controller of Besom: it keeps the runs of hyperparameter sweeps and hands out their
trials.

It speaks gRPC to its programs. A browser shows the dashboard at this address. In a terminal:

  export BESOM_CONTROLLER=...                 the address of this page
  export BESOM_TOKEN=...                      if the controller was started with a token
  export BESOM_TRUST=sha256:...               if it printed this at its start
  sweep ls                                    shows the sweeps
  sweep --help                                shows what else there is
  agent SWEEP                                 runs the trials of a sweep on this machine

A Python script that uses wandb logs to this controller, unchanged:

  export WANDB_BASE_URL=...                   the address of this page
  export WANDB_API_KEY=...                    a key, as `sweep key add` makes it
";

const NOWHERE: &str = "There is no such page. The address without a path says what this is.\n";

const READ_ONLY: &str = "This page can only be read, by GET or HEAD.\n";

/// Returns the answer to a request that no other page answers: the page for GET and HEAD of `/`,
/// and an error for everything else.
pub(crate) async fn answer(method: Method, path: Uri) -> Response {
    let is_read = matches!(method, Method::GET | Method::HEAD);
    let (status, text) = match path.path() {
        _ if !is_read => (StatusCode::METHOD_NOT_ALLOWED, READ_ONLY),
        "/" => (StatusCode::OK, PAGE),
        _ => (StatusCode::NOT_FOUND, NOWHERE),
    };
    let body = if method == Method::HEAD { "" } else { text };
    let mut answer = (status, body).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
    if !is_read {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    answer
}
