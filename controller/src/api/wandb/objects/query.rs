//! Serves the fields that a query begins with.

use serde_json::json;
use tonic::async_trait;

use super::{collection, making, people, schema};
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        link::Link,
        names,
        session::Session,
    },
    app::{
        people::{caller::Right, permit},
        read::projects,
    },
};

/// The oldest and the newest version that the client accepts for itself without a warning.
const VERSIONS: (&str, &str) = ("0.16.0", "99.0.0");

/// The forms of requests that the client may use. It uses older forms in place of those that are
/// not here.
const FEATURES: [&str; 9] = [
    "LARGE_FILENAMES",
    "TOTAL_COUNT_IN_FILE_CONNECTION",
    "FILESTREAM_GZIP",
    "ARTIFACT_TAGS",
    "CLIENT_IDS",
    "ARTIFACT_COLLECTION_MEMBERSHIP_FILES",
    "USE_ARTIFACT_WITH_ENTITY_AND_PROJECT_INFORMATION",
    "PROJECT_ARTIFACT_COLLECTION_MEMBERSHIP",
    "ARTIFACT_MEMBERSHIP_IN_LINK_ARTIFACT_RESPONSE",
];

/// The object at the root of every query.
pub(super) struct Query;

#[async_trait]
impl Object for Query {
    fn kind(&self) -> &'static str {
        "Query"
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        Ok(Some(match asked.name {
            "viewer" => people::viewer(session).into(),
            "entity" => people::entity(session, asked.text("name")),
            "serverInfo" => server().into(),
            "project" | "model" => {
                let said = names::project(asked.text("entityName"), asked.text("name"));
                let found = permit::project(&session.caller, Right::See, &said)?;
                let Some(id) = found else { return Ok(Some(Answer::null())) };
                let (app, caller) = (session.app(), &session.caller);
                let known = projects::created_ms(app, caller, id.clone()).await?;
                known.map_or_else(Answer::null, |_| Answer::Link(Link::Project(id)))
            }
            "organization" => Answer::null(),
            "__type" => schema::describe(asked.text("name").unwrap_or_default()).into(),
            "models" => {
                let team = asked.text("entityName").unwrap_or(session.caller.team()).to_owned();
                let all = projects::list(session.app(), &session.caller, team).await?;
                let links = all.into_iter().map(|(project, _)| Link::Project(project)).collect();
                collection::page(asked, links)
            }
            "artifact" => making::by_id(session, asked).await?,
            "artifactCollection" => {
                let id = asked.text("id").unwrap_or_default();
                let known = collection::by_id(session, id).await?;
                known.map_or_else(Answer::null, |name| Answer::Link(Link::Collection(name)))
            }
            "clientIDMapping" => making::client_id(session, asked).await?,
            _ => return Ok(None),
        }))
    }
}

fn server() -> serde_json::Value {
    let feature = |name| json!({ "name": name, "isEnabled": true });
    json!({
        "__typename": "ServerInfo",
        "cliVersionInfo": { "min_cli_version": VERSIONS.0, "max_cli_version": VERSIONS.1 },
        "latestLocalVersionInfo": null,
        "features": FEATURES.map(feature),
    })
}
