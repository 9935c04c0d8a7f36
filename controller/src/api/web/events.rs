//! Serves hints about changes as server-sent events, so that a page reads anew what has changed.

use axum::{
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use record::ids::ProjectId;
use serde::{Deserialize, Serialize};
use tokio_stream::StreamExt as _;

use super::{error::Problem, session::Call};
use crate::app::{
    Error,
    read::changes::{self, News, Subject, What},
};

/// The topics that a caller follows.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    topic: Vec<String>,
}

/// The data of an event `changed`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Changed {
    topic: String,
    #[cfg_attr(test, ts(type = "\"state\" | \"rows\" | \"console\" | \"files\""))]
    what: &'static str,
}

/// Follows topics until the controller shuts down.
pub(super) async fn follow(headers: HeaderMap, call: Call<Asked>) -> Result<Response, Problem> {
    let Call { app, caller, asked } = call;
    let topics = asked.topic;
    let subjects = topics.iter().map(|topic| subject(topic)).collect::<Result<_, _>>()?;
    let news = changes::follow(&app, &caller, subjects).await?;
    // The controller keeps no list of past changes. So a page that comes back may have missed some.
    let is_back = headers.contains_key("last-event-id");
    let first = match is_back {
        true => Event::default().id("0").event("resync").data("{}"),
        false => Event::default().comment("open"),
    };
    let mut number = 0_u64;
    let rest = news.map(move |news: Result<News, Error>| match news {
        Ok(News::Changed(at, what)) => {
            number += 1;
            let what = match what {
                What::State => "state",
                What::Rows => "rows",
                What::Console => "console",
                What::Files => "files",
            };
            let changed = Changed { topic: topics[at].clone(), what };
            Event::default().id(number.to_string()).event("changed").json_data(changed)
        }
        Ok(News::Nothing) => Ok(Event::default().comment("nothing new")),
        // The stream ends here, and the page finds out why when it connects anew.
        Err(error) => Err(axum::Error::new(error.to_string())),
    });
    let events = tokio_stream::once(Ok(first)).chain(rest);
    // Without this header, some proxies hold events back until they have many.
    Ok(([("x-accel-buffering", "no")], Sse::new(events)).into_response())
}

fn subject(topic: &str) -> Result<Subject, Problem> {
    let found = match topic.split_once(':') {
        None if topic == "home" => Some(Subject::Home),
        Some(("project", place)) => {
            place.split_once('/').map(|(team, name)| Subject::Project(ProjectId::new(team, name)))
        }
        Some(("sweep", id)) => Some(Subject::Sweep(id.into())),
        Some(("run", id)) => Some(Subject::Run(id.into())),
        _ => None,
    };
    found.ok_or_else(|| {
        let forms = "home, project:TEAM/NAME, sweep:ID or run:ID";
        Problem::wrong(format!("there is no topic `{topic}`: {forms}"))
    })
}
