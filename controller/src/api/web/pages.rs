//! Answers everything that is neither a call of the API nor of another door: the files of the
//! dashboard, its pages, and the links that W&B's client prints.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Method, Uri, header},
    response::{IntoResponse as _, Redirect, Response},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{assets, session};
use crate::{
    api::http,
    app::{
        App,
        people::caller::Caller,
        read::{projects, views},
        runs::lookup::Named,
    },
};

/// The bytes of a name that stand for themselves in a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Answers a request.
pub(super) async fn answer(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return http::answer(method, uri).await;
    }
    let path = uri.path().trim_start_matches('/');
    let is_browser = is_browser(&headers);
    let found = match path.split('/').collect::<Vec<_>>()[..] {
        [""] | ["login" | "share" | "fleet" | "settings"] | ["p", ..] if is_browser => {
            Some(assets::index(&headers))
        }
        _ => assets::file(path, &headers),
    };
    let found = match found {
        None if is_browser && !path.starts_with(assets::HASHED) => link(&app, path, &headers).await,
        found => found,
    };
    match found {
        // The length stays in the headers.
        Some(answer) if method == Method::HEAD => without_body(answer),
        Some(answer) => answer,
        None => http::answer(method, uri).await,
    }
}

fn is_browser(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

fn without_body(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    if let Some(length) = http_body::Body::size_hint(&body).exact() {
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Response::from_parts(parts, Body::empty())
}

/// Returns the page behind a link that `sweep open` or W&B's client prints; `None` if it is no such
/// link.
async fn link(app: &Arc<App>, path: &str, headers: &HeaderMap) -> Option<Response> {
    let parts = path.split('/').map(|part| percent_decode_str(part).decode_utf8());
    let parts = parts.collect::<Result<Vec<_>, _>>().ok()?;
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    let page = match parts[..] {
        ["home"] => "/".to_owned(),
        ["authorize"] => "/settings?tab=keys".to_owned(),
        ["open", id] => match session::caller(app, headers) {
            Ok(caller) => of_id(app, &caller, id).await?,
            Err(_) => return Some(to_login(path)),
        },
        [team] => match session::caller(app, headers) {
            // Another name is no link, and gets the answer of a path that does not exist.
            Ok(caller) => {
                let found = projects::list(app, &caller, team.to_owned()).await.ok()?;
                found.first().map(|_| "/".to_owned())?
            }
            Err(_) => return None,
        },
        [team, project, "runs", name] => {
            // Only a known caller learns the id of a run from its name.
            let Ok(caller) = session::caller(app, headers) else { return Some(to_login(path)) };
            let (project_id, name) = (format!("{team}/{project}"), name.to_owned());
            let named = Named { id: None, project: project_id, name: name.clone() };
            let found = views::find_run(app, &caller, named).await.ok().flatten();
            let id = found.map_or(name, |view| view.run.id.to_string());
            to(&["p", team, project, "r", &id])
        }
        _ => of_project(&parts)?,
    };
    Some(Redirect::to(&page).into_response())
}

/// Returns our page for a link of W&B into a project; `None` if it is no such link.
fn of_project(parts: &[&str]) -> Option<String> {
    let (&[team, project], rest) = parts.split_first_chunk::<2>()?;
    let at = ["p", team, project];
    Some(match *rest {
        [] | ["workspace" | "overview" | "runs"] => to(&at),
        ["table"] => format!("{}?tab=table", to(&at)),
        ["sweeps"] => to(&["p", team, project, "sweeps"]),
        ["sweeps", sweep] => to(&["p", team, project, "s", sweep]),
        ["artifacts"] | ["artifacts", _] => to(&["p", team, project, "artifacts"]),
        ["artifacts", _, name] => to(&["p", team, project, "artifacts", name]),
        ["artifacts", _, name, version] => to(&["p", team, project, "artifacts", name, version]),
        // The last part is a tab of W&B's page.
        ["artifacts", _, name, version, tab] => {
            let tab = match tab {
                "files" => "?tab=files",
                "lineage" | "graph" => "?tab=lineage",
                _ => "",
            };
            to(&["p", team, project, "artifacts", name, version]) + tab
        }
        _ => return None,
    })
}

/// Leads a stranger to the login, and from there back to this path.
fn to_login(path: &str) -> Response {
    let next = utf8_percent_encode(path, PLAIN);
    Redirect::to(&format!("/login?next=%2F{next}")).into_response()
}

/// Returns the path of the page of a sweep or a run; `None` if the caller sees none with this id.
async fn of_id(app: &Arc<App>, caller: &Caller, id: &str) -> Option<String> {
    if let Ok(sweep) = views::get_sweep(app, caller, id.into()).await {
        let project = &sweep.plan.project;
        return Some(to(&["p", project.team(), project.name(), "s", id]));
    }
    let run = views::get_run(app, caller, id.into()).await.ok()?.run;
    Some(to(&["p", run.project.team(), run.project.name(), "r", id]))
}

/// Returns the path with these parts.
fn to(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("/{}", utf8_percent_encode(part, PLAIN))).collect()
}
