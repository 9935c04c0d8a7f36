//! Serves the mutations with which the client changes collections of artifacts and removes them.

use serde_json::json;
use tonic::async_trait;

use super::forms::tags;
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        link::{Link, Name},
        names,
        session::Session,
    },
    app::{
        files::collections::{self, Described, Edit, Which},
        people::{caller::Right, permit},
    },
};

/// Serves a mutation of collections; `None` if there is none of this name.
pub(super) async fn field(
    session: &Session,
    name: &str,
    input: &Asked<'_>,
) -> Result<Option<Answer>, Fault> {
    let (sequence, portfolio) = ("artifactSequenceID", "artifactPortfolioID");
    Ok(Some(match name {
        "updateArtifactSequence" => update(session, input, sequence).await?,
        "updateArtifactPortfolio" => update(session, input, portfolio).await?,
        "moveArtifactSequence" => set_kind(session, input).await?,
        "createArtifactCollectionTagAssignments" => tag(session, input, true).await?,
        "deleteArtifactCollectionTagAssignments" => tag(session, input, false).await?,
        "deleteArtifactSequence" => remove(session, input, sequence).await?,
        "deleteArtifactPortfolio" => remove(session, input, portfolio).await?,
        _ => return Ok(None),
    }))
}

/// The answer to a change of a collection.
struct Changed(Name);

#[async_trait]
impl Object for Changed {
    fn kind(&self) -> &'static str {
        "UpdateArtifactCollectionPayload"
    }

    async fn field(&self, _: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        Ok(Some(match asked.name {
            "artifactCollection" => Answer::Link(Link::Collection(self.0.clone())),
            _ => return Ok(None),
        }))
    }
}

fn changed(Described { project, name, .. }: Described, portfolio: bool) -> Answer {
    Answer::Object(Box::new(Changed(Name { project, name, portfolio })))
}

/// Returns the collection whose id is under this key of the arguments.
fn named(input: &Asked<'_>, key: &str) -> Result<Name, Fault> {
    let id = input.text(key).unwrap_or_default();
    let found = names::collection(id);
    found.ok_or_else(|| Fault::wrong(format!("`{id}` is no id of a collection of artifacts")))
}

fn which(Name { project, name, .. }: Name) -> Which {
    Which { project, name }
}

/// Changes the name and the description of a collection. Its id is under this key.
async fn update(session: &Session, input: &Asked<'_>, key: &str) -> Result<Answer, Fault> {
    let named = named(input, key)?;
    let text = |name: &str| input.text(name).map(str::to_owned);
    let edit = Edit { name: text("name"), description: text("description"), ..Edit::default() };
    let portfolio = named.portfolio;
    let done = collections::edit(session.app(), &session.caller, which(named), edit).await?;
    Ok(changed(done, portfolio))
}

/// Gives all versions of a name another type.
async fn set_kind(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let which = which(named(input, "artifactSequenceID")?);
    let kind = input.text("destinationArtifactTypeName").unwrap_or_default().to_owned();
    let done = collections::set_kind(session.app(), &session.caller, which, kind).await?;
    Ok(changed(done, false))
}

/// Gives tags to a collection, or takes them away.
async fn tag(session: &Session, input: &Asked<'_>, add: bool) -> Result<Answer, Fault> {
    let said = names::project(input.text("entityName"), input.text("projectName"));
    let project = permit::project(&session.caller, Right::See, &said)?;
    let which = Which {
        project: project.ok_or_else(|| Fault::wrong(format!("no project `{said}`")))?,
        name: input.text("artifactCollectionName").unwrap_or_default().to_owned(),
    };
    let named = input.objects("tags");
    let named = named.iter().filter_map(|tag| tag.text("tagName").map(str::to_owned)).collect();
    let edit = match add {
        true => Edit { add_tags: named, ..Edit::default() },
        false => Edit { remove_tags: named, ..Edit::default() },
    };
    let done = collections::edit(session.app(), &session.caller, which, edit).await?;
    Ok(json!({ "tags": tags(done.tags), "success": true }).into())
}

/// Removes a collection. Its id is under this key.
async fn remove(session: &Session, input: &Asked<'_>, key: &str) -> Result<Answer, Fault> {
    let named = named(input, key)?;
    let kind = if named.portfolio { names::PORTFOLIO } else { names::SEQUENCE };
    collections::remove(session.app(), &session.caller, which(named)).await?;
    let removed = json!({ "__typename": kind, "state": "DELETED" });
    Ok(json!({ "artifactCollection": removed }).into())
}
