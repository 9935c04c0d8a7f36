//! Describes the caller and the teams. W&B calls a team an entity.

use serde_json::{Value as Json, json};
use tonic::async_trait;

use super::forms::connection;
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        names,
        session::Session,
    },
    app::people::{
        caller::Caller,
        members::{self, Member},
    },
};

/// Describes the caller.
pub(super) fn viewer(session: &Session) -> Json {
    let (name, admin, teams) = match &session.caller {
        Caller::Person(person) => {
            let teams = person.known_grants().iter().map(|grant| grant.team.clone()).collect();
            (person.user.name.clone(), person.is_admin(), teams)
        }
        Caller::Admin => ("administrator".to_owned(), true, Vec::new()),
        Caller::Run(own) => (own.run.to_string(), false, Vec::new()),
    };
    let mut teams: Vec<String> = teams;
    teams.sort();
    teams.dedup();
    let teams = teams.into_iter().map(|name| json!({ "name": name })).collect();
    json!({
        "__typename": "User",
        "id": names::id("User", &[&name]),
        "entity": session.caller.team(),
        "username": name,
        "name": name,
        "email": null,
        "admin": admin,
        "flags": "{}",
        "deletedAt": null,
        "teams": connection(teams),
        "apiKeys": connection(Vec::new()),
    })
}

/// Describes the owner of a run or a project. These belong to a team: Besom does not record which
/// user has begun them.
pub(super) fn of_team(team: &str) -> Json {
    json!({
        "__typename": "User",
        "id": names::id("User", &[team]),
        "name": team,
        "username": team,
        "email": null,
        "admin": false,
        "flags": "{}",
        "entity": team,
        "deletedAt": null,
        "teams": connection(Vec::new()),
        "apiKeys": connection(Vec::new()),
    })
}

/// A team, which W&B calls an entity.
struct Entity(String);

#[async_trait]
impl Object for Entity {
    fn kind(&self) -> &'static str {
        "Entity"
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let Self(name) = self;
        Ok(Some(match asked.name {
            "id" => names::id("Entity", &[name]).into(),
            "name" => name.clone().into(),
            "organization" | "available" | "photoUrl" | "entityType" | "isPaid" => Answer::null(),
            "isTeam" | "privateOnly" | "codeSavingEnabled" => true.into(),
            "readOnly" | "readOnlyAdmin" => false.into(),
            "defaultAccess" => "PRIVATE".into(),
            "storageBytes" => 0.into(),
            "members" => {
                let members = members::of_team(session.app(), &session.caller, name)?;
                Answer::List(members.into_iter().map(|member| described(&member).into()).collect())
            }
            _ => return Ok(None),
        }))
    }
}

/// Describes a member of a team.
fn described(member: &Member) -> Json {
    json!({
        "__typename": "Member",
        "id": names::id("User", &[&member.name]),
        "admin": member.admin,
        "pending": false,
        "email": null,
        "username": member.name,
        "name": member.name,
        "photoUrl": null,
        "accountType": "USER",
        "apiKey": null,
    })
}

/// Returns a team; `None` means the caller's own.
pub(super) fn entity(session: &Session, name: Option<&str>) -> Answer {
    let name = name.unwrap_or_else(|| session.caller.team());
    Answer::Object(Box::new(Entity(name.to_owned())))
}

/// Returns the error of a mutation that would change teams and their members.
pub(super) fn unchanged() -> Fault {
    Fault::wrong(
        "teams and their members are not changed here: `controller team` and `controller user` \
        do it, on the controller's machine",
    )
}
