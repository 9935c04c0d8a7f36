//! `sweep key`: makes, lists and revokes keys of the caller. An administrator does so for all
//! users.

use std::time::Duration;

use clap::Subcommand;
use proto::v1::{Key, KeyRef, ListKeysRequest, NewKey, only::Thing};
use terminal::{Failure, one_line, table::Table};

use crate::{
    connect::{Controller, within_patience},
    json,
};

/// The widest cell of the table, in columns.
const CELL: usize = 40;

/// The subcommands of `sweep key`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key, and print it
    Add(Add),
    /// List your keys, without their secrets
    Ls(List),
    /// Revoke a key
    Rm(Remove),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The key is shown once. It goes where a token goes: BESOM_TOKEN, `--token`, or `sweep login`. What it
opens is never more than what its user may do:
  full    everything
  read    reading, of the named projects if there are any
  agent   getting and logging trials of the named sweeps and projects
  ingest  logging runs to the one named project

Examples:
  sweep key add --kind read --label notebook
  sweep key add --kind agent --sweep k3x9abcd --expires 7d
  sweep key add --kind ingest --project vision/digits")]
pub(crate) struct Add {
    /// The user whose key it is, for administrators [default: you]
    #[arg(long, value_name = "USER", default_value = "", hide_default_value = true)]
    user: String,
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

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    /// Id of a key, which `sweep key ls` shows
    #[arg(value_name = "KEY")]
    id: String,
}

/// Runs the subcommand.
pub(crate) async fn key(controller: &Controller, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Add(args) => add(controller, args).await,
        Command::Ls(args) => list(controller, args).await,
        Command::Rm(args) => remove(controller, args).await,
    }
}

async fn add(controller: &Controller, args: &Add) -> Result<(), Failure> {
    let new = NewKey {
        user: args.user.clone(),
        label: args.label.clone(),
        kind: args.kind.clone(),
        sweeps: args.sweeps.clone(),
        projects: args.projects.clone(),
        lasts_s: args.expires.map_or(0, |expires| expires.as_secs()),
        only: None,
    };
    let added = controller.dial().people().add_key(within_patience(new)).await;
    let added = added.map_err(|status| controller.failure(&status))?.into_inner();
    let key = added.key.unwrap_or_default();
    let user = one_line(&key.user, CELL);
    terminal::say(format_args!("key {} of {user}: it is shown only now", key.id));
    terminal::print(added.secret);
    Ok(())
}

async fn list(controller: &Controller, args: &List) -> Result<(), Failure> {
    let keys = controller.dial().people().list_keys(within_patience(ListKeysRequest {})).await;
    let keys = keys.map_err(|status| controller.failure(&status))?.into_inner().keys;
    if args.json {
        terminal::print(json::text(&keys.iter().map(json::key).collect::<Vec<_>>().into()));
    } else if keys.is_empty() {
        terminal::say("no keys yet");
        terminal::hint("`sweep key add` makes one");
    } else {
        terminal::print(table(&keys));
    }
    Ok(())
}

async fn remove(controller: &Controller, args: &Remove) -> Result<(), Failure> {
    let gone = KeyRef { id: args.id.clone() };
    let gone = controller.dial().people().remove_key(within_patience(gone)).await;
    let gone = gone.map_err(|status| controller.failure(&status))?.into_inner();
    let user = one_line(&gone.user, CELL);
    terminal::say(format_args!("revoked the key {} of {user}", one_line(&gone.id, CELL)));
    Ok(())
}

fn table(keys: &[Key]) -> Table {
    let mut table = Table::new(["key", "user", "kind", "opens", "ends", "label"]);
    for key in keys {
        let named: Vec<_> = key.sweeps.iter().chain(&key.projects).map(String::as_str).collect();
        let opens = match key.only.as_ref().and_then(|only| only.thing.as_ref()) {
            Some(Thing::Run(id)) => format!("run {id}"),
            Some(Thing::Sweep(id)) => format!("sweep {id}"),
            Some(Thing::Report(id)) => format!("report {id}"),
            None if named.is_empty() => "all of its user's".to_owned(),
            None => named.join(", "),
        };
        let ends = json::time(key.expires_ms).map_or("never".to_owned(), |at| at[..10].to_owned());
        let cells = [&key.id, &key.user, &key.kind, &opens, &ends, &key.label];
        table.row(cells.map(|cell| one_line(cell, CELL)));
    }
    table
}
