//! Runs `controller user`, `controller team` and `controller key`, for the owner of a data folder.
//! `main` calls it. No controller may serve the folder meanwhile; with a running controller,
//! `sweep key` makes keys.

use std::{path::PathBuf, time::Duration};

use clap::Subcommand;
use controller::{
    StartError,
    offline::{ListedKey, ListedTeam, ListedUser, Member, Offline, Refused, WantedKey},
};
use serde_json::json;
use terminal::{Exit, Failure, count, one_line, secret, table::Table};

/// The widest cell of a table, in columns.
const CELL: usize = 40;

/// The data folder that a command changes.
#[derive(Debug, clap::Args)]
pub(crate) struct Folder {
    /// The folder of the database
    #[arg(long, value_name = "DIR", default_value = "besom-data")]
    data: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Listing {
    #[command(flatten)]
    folder: Folder,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    #[command(flatten)]
    folder: Folder,
    /// The name
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user, who needs a key or a password next
    Add(AddUser),
    /// List the users with their roles
    Ls(Listing),
    /// Give a user a role in a team or project, or take it away
    Role(GiveRole),
    /// Set the password of a user, for logins in a browser
    Password(SetPassword),
    /// Remove a user with the password and all roles and keys
    Rm(Named),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The command asks twice for the password, and does not show it. A password has 8 to 1024 bytes. A new
password ends all sessions of the user. Programs use keys and no passwords.

Examples:
  controller user password ann
  controller user password ann --stdin < password.txt")]
pub(crate) struct SetPassword {
    #[command(flatten)]
    named: Named,
    /// Read the password from the first line of the input
    #[arg(long)]
    stdin: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
As soon as there is a user, every call needs a key, or the controller's token. A project that the
user names without a team is in the user's own team.

Examples:
  controller user add ann --admin
  controller user add bob --team vision --role viewer")]
pub(crate) struct AddUser {
    #[command(flatten)]
    named: Named,
    /// The user's own team; made when missing [default: a team of the user's name]
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    /// The role in this team: viewer, member or admin
    #[arg(long, value_name = "ROLE", default_value = "member")]
    role: String,
    /// Let the user do everything
    #[arg(long)]
    admin: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A viewer sees everything of the place, a member also logs runs, runs agents and creates and steers
sweeps, an admin also reads the audit.

Examples:
  controller user role bob vision member
  controller user role eve vision/digits viewer
  controller user role eve vision/digits --none")]
pub(crate) struct GiveRole {
    #[command(flatten)]
    named: Named,
    /// A team, or one of its projects
    #[arg(value_name = "TEAM[/PROJECT]")]
    place: String,
    /// viewer, member or admin
    #[arg(value_name = "ROLE", required_unless_present = "none")]
    role: Option<String>,
    /// Take the role away
    #[arg(long, conflicts_with = "role")]
    none: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TeamCommand {
    /// Add a team
    Add(Named),
    /// List the teams with their members
    Ls(Listing),
    /// Remove a team; what its projects hold stays
    Rm(Named),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key of a user, and print it
    Add(AddKey),
    /// List the keys, without their secrets
    Ls(Listing),
    /// Revoke a key
    Rm(Named),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The key is shown once and stored as a hash. It goes where a token goes: BESOM_TOKEN, `--token`, or
`sweep login`. What it opens is never more than what its user may do:
  full    everything
  read    reading, of the named projects if there are any
  agent   getting and logging trials of the named sweeps and projects
  ingest  logging runs to the one named project

Examples:
  controller key add ann
  controller key add ann --kind agent --project vision/digits --expires 30d --label 'node 7'")]
pub(crate) struct AddKey {
    #[command(flatten)]
    named: Named,
    /// What the key opens: full, read, agent or ingest
    #[arg(long, value_name = "KIND", default_value = "full")]
    kind: String,
    /// A sweep that the key of an agent opens; may be repeated
    #[arg(long = "sweep", value_name = "SWEEP")]
    sweeps: Vec<String>,
    /// A project that the key opens; may be repeated, but not for logging
    #[arg(long = "project", value_name = "PROJECT")]
    projects: Vec<String>,
    /// How long the key is valid, such as 12h or 7d [default: for ever]
    #[arg(long, value_name = "TERM", value_parser = terminal::term)]
    expires: Option<Duration>,
    /// What the key is for
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    label: String,
}

/// Runs `controller user`.
pub(crate) async fn user(command: &UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Add(AddUser { named, team, role, admin }) => {
            let (name, team) = (named.name.clone(), team.clone());
            let folder = open_or_make(&named.folder).await?;
            settle(folder, |folder| folder.add_user(name, team, role, *admin)).await?;
            let name = &named.name;
            terminal::say(format_args!("added the user {name}"));
            terminal::hint(format_args!("`controller key add {name}` makes a key for {name}"));
            terminal::hint(format_args!(
                "`controller user password {name}` sets a password, for browsers"
            ));
            Ok(())
        }
        UserCommand::Password(command) => password(command).await,
        UserCommand::Ls(listing) => list(listing, Offline::users, user_json, users).await,
        UserCommand::Role(GiveRole { named, place, role, .. }) => {
            let (name, at) = (named.name.clone(), place.clone());
            let folder = open(&named.folder).await?;
            settle(folder, |folder| folder.grant(name, at, role.as_deref())).await?;
            let (name, role) = (&named.name, role.as_deref().unwrap_or("nobody"));
            terminal::say(format_args!("{name} is {role} in {place}"));
            Ok(())
        }
        UserCommand::Rm(named) => {
            let name = named.name.clone();
            let folder = open(&named.folder).await?;
            settle(folder, |folder| folder.remove_user(name)).await?;
            terminal::say(format_args!("removed the user {} with all keys", named.name));
            Ok(())
        }
    }
}

async fn password(SetPassword { named, stdin }: &SetPassword) -> Result<(), Failure> {
    let password = if *stdin { secret::line("password")? } else { secret::ask_twice("password")? };
    let (name, folder) = (named.name.clone(), open(&named.folder).await?);
    settle(folder, |folder| folder.set_password(name, password)).await?;
    terminal::say(format_args!("set the password of {}", named.name));
    Ok(())
}

/// Runs `controller team`.
pub(crate) async fn team(command: &TeamCommand) -> Result<(), Failure> {
    match command {
        TeamCommand::Add(named) => {
            let name = named.name.clone();
            settle(open_or_make(&named.folder).await?, |folder| folder.add_team(name)).await?;
            terminal::say(format_args!("added the team {}", named.name));
            Ok(())
        }
        TeamCommand::Ls(listing) => list(listing, Offline::teams, team_json, teams).await,
        TeamCommand::Rm(named) => {
            let name = named.name.clone();
            settle(open(&named.folder).await?, |folder| folder.remove_team(name)).await?;
            terminal::say(format_args!("removed the team {}", named.name));
            Ok(())
        }
    }
}

/// Runs `controller key`.
pub(crate) async fn key(command: &KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::Add(AddKey { named, kind, sweeps, projects, expires, label }) => {
            let wanted = WantedKey {
                user: named.name.clone(),
                label: label.clone(),
                kind: kind.clone(),
                sweeps: sweeps.clone(),
                projects: projects.clone(),
                lasts: *expires,
            };
            let folder = open(&named.folder).await?;
            let (secret, key) = settle(folder, |folder| folder.add_key(wanted)).await?;
            terminal::say(format_args!(
                "key {} of {}: it is shown only now",
                key.id,
                one_line(&key.user, CELL)
            ));
            terminal::print(secret);
            Ok(())
        }
        KeyCommand::Ls(listing) => list(listing, Offline::keys, key_json, keys).await,
        KeyCommand::Rm(named) => {
            let id = named.name.clone();
            settle(open(&named.folder).await?, |folder| folder.remove_key(id)).await?;
            terminal::say(format_args!("revoked the key {}", named.name));
            Ok(())
        }
    }
}

/// Opens the folder, which must hold a database already.
async fn open(folder: &Folder) -> Result<Offline, Failure> {
    Offline::existing(&folder.data).await.map_err(unopened)
}

/// Opens the folder, which may be new: the first user may come before the first start.
async fn open_or_make(folder: &Folder) -> Result<Offline, Failure> {
    Offline::open(&folder.data).await.map_err(unopened)
}

fn unopened(error: StartError) -> Failure {
    match error {
        StartError::InUse(_) => Failure::new(Exit::Refused, error.to_string())
            .hint("stop the controller first; `sweep key` makes keys while it runs"),
        error => crate::failure(error),
    }
}

/// Makes one change of the folder, and closes the folder.
async fn settle<T>(
    folder: Offline,
    change: impl FnOnce(&Offline) -> controller::Boxed<'_, Result<T, Refused>>,
) -> Result<T, Failure> {
    let done = change(&folder).await;
    folder.close().await;
    done.map_err(|Refused { message, hint }| {
        let failure = Failure::new(Exit::Refused, message);
        hint.into_iter().fold(failure, Failure::hint)
    })
}

/// Prints all that `of` returns, as a JSON list or as a table.
async fn list<T>(
    listing: &Listing,
    of: impl FnOnce(&Offline) -> Vec<T>,
    json: impl Fn(&T) -> serde_json::Value,
    table: impl FnOnce(&[T]) -> String,
) -> Result<(), Failure> {
    let folder = open(&listing.folder).await?;
    let found = of(&folder);
    folder.close().await;
    if listing.json {
        terminal::print(serde_json::Value::from(found.iter().map(json).collect::<Vec<_>>()));
    } else {
        terminal::print(table(&found));
    }
    Ok(())
}

fn users(users: &[ListedUser]) -> String {
    let mut table = Table::new(["user", "team", "password", "roles"]);
    for ListedUser { name, team, admin, password, roles } in users {
        let own = roles.iter().map(|(place, role)| format!("{role} of {place}"));
        let all = admin.then(|| "administrator".to_owned()).into_iter().chain(own);
        let roles = all.collect::<Vec<_>>().join(", ");
        let (name, team) = (one_line(name, CELL), one_line(team, CELL));
        let password = if *password { "yes" } else { "no" };
        table.row([name, team, password.to_owned(), one_line(&roles, 2 * CELL)]);
    }
    table.to_string()
}

fn user_json(user: &ListedUser) -> serde_json::Value {
    let ListedUser { name, team, admin, password, roles } = user;
    let role = |(place, role): &(String, String)| json!({ "place": place, "role": role });
    let roles: Vec<_> = roles.iter().map(role).collect();
    json!({
        "name": name, "team": team, "admin": admin, "password": password, "roles": roles,
    })
}

fn teams(teams: &[ListedTeam]) -> String {
    let mut table = Table::new(["team", "members"]);
    for ListedTeam { name, members } in teams {
        let member = |Member { user, role, place }: &Member| match place == name {
            true => format!("{user} ({role})"),
            false => format!("{user} ({role} of {place})"),
        };
        let members = members.iter().map(member).collect::<Vec<_>>().join(", ");
        table.row([one_line(name, CELL), one_line(&members, 2 * CELL)]);
    }
    table.to_string()
}

fn team_json(ListedTeam { name, members }: &ListedTeam) -> serde_json::Value {
    let members: Vec<_> = members.iter().map(member_json).collect();
    json!({ "name": name, "members": members })
}

fn member_json(Member { user, role, place }: &Member) -> serde_json::Value {
    json!({ "user": user, "role": role, "place": place })
}

fn keys(keys: &[ListedKey]) -> String {
    let mut table = Table::new(["key", "user", "kind", "opens", "label"]);
    for ListedKey { id, user, label, kind, opens, .. } in keys {
        let opens =
            if opens.is_empty() { "all of its user's".to_owned() } else { opens.join(", ") };
        let cells = [id, user, kind, &opens, label];
        table.row(cells.map(|cell| one_line(cell, CELL)));
    }
    format!("{table}\n{}", count(keys.len(), "key"))
}

fn key_json(key: &ListedKey) -> serde_json::Value {
    let ListedKey { id, user, label, kind, opens, expires_ms } = key;
    json!({
        "id": id, "user": user, "label": label, "kind": kind, "opens": opens,
        "expires_ms": expires_ms,
    })
}
