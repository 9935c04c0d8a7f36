//! Tells who is in a team. `api::wandb` calls this module.

use super::caller::Caller;
use crate::{
    app::{App, error::Error},
    store::people::Role,
};

/// A user with a role in a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The user's name.
    pub(crate) name: String,
    /// Whether the user administers the team.
    pub(crate) admin: bool,
}

/// Returns the users with a role in a team or in one of its projects, sorted by name.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such team, or the caller is none of its members and
/// no administrator.
pub(crate) fn of_team(app: &App, caller: &Caller, team: &str) -> Result<Vec<Member>, Error> {
    let people = app.roster.people();
    let is_member = match caller {
        Caller::Person(person) => person.known_grants().iter().any(|grant| grant.team == team),
        Caller::Admin | Caller::Run(_) => false,
    };
    let is_known = people.teams.iter().any(|known| known == team);
    if !is_known || !(is_member || caller.is_admin()) {
        return Err(Error::missing(format!("no team `{team}` that you may see"))
            .hint(format!("`controller team add {team}` makes it, on the controller's machine")));
    }
    let mut members: Vec<Member> = Vec::new();
    for grant in people.grants.iter().filter(|grant| grant.team == team) {
        let admin = grant.role == Role::Admin && grant.project.is_empty();
        match members.iter_mut().find(|member| member.name == grant.user) {
            Some(member) => member.admin |= admin,
            None => members.push(Member { name: grant.user.clone(), admin }),
        }
    }
    members.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(members)
}
