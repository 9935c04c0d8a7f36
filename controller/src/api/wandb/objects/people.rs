//! Describes the caller and the teams. W&B calls a team an entity.

use serde_json::{Value as Json, json};

use super::forms::connection;
use crate::{
    api::wandb::{names, session::Session},
    app::people::caller::Caller,
};

/// Describes the caller.
pub(super) fn viewer(session: &Session) -> Json {
    let (name, admin, teams) = match &session.caller {
        Caller::Person(person) => {
            let teams = person.grants.iter().map(|grant| grant.team.clone()).collect();
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

/// Describes a team; `None` means the caller's own.
pub(super) fn entity(session: &Session, name: Option<&str>) -> Json {
    let name = name.unwrap_or_else(|| session.caller.team());
    json!({
        "__typename": "Entity",
        "id": names::id("Entity", &[name]),
        "name": name,
        "organization": null,
    })
}
