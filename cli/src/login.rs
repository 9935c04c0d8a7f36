//! `sweep login` and `sweep logout`: store a key for the controller, remove it, and show what it
//! opens.

use std::io::{self, BufRead as _, IsTerminal as _};

use proto::{
    dial::keys,
    v1::{Caller, GetMe},
};
use terminal::{Exit, Failure, one_line};

use crate::{
    connect::{Controller, Reach, within_patience},
    json,
};

/// The widest name that is shown, in columns.
const CELL: usize = 60;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The command asks the controller who the key belongs to, and stores the key in
~/.config/besom/keys.json, which only you can read. From then on `sweep`, `agent` and programs with
the SDK use it for this controller, unless BESOM_TOKEN or `--token` says otherwise. Without KEY, the
command reads the key from its input.

Examples:
  sweep login
  sweep login --controller https://besom.example:7070 < key.txt
  sweep login --show                  who am I, and what may I do?")]
pub(crate) struct Args {
    /// The key; it is read from the input if it is missing
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// Store nothing; show who the calls come from now
    #[arg(long, conflicts_with = "key")]
    show: bool,
    /// Print {"user": ..., "team": ..., "admin": ..., "roles": [...], "key": ...}
    #[arg(long)]
    json: bool,
}

/// Asks the controller who a key belongs to, and stores the key.
pub(crate) async fn login(reach: &Reach, args: &Args) -> Result<(), Failure> {
    if args.show {
        let me = me(&Controller::new(reach)?).await?;
        tell(&me, args.json);
        return Ok(());
    }
    let key = match &args.key {
        Some(key) => key.clone(),
        None => read()?,
    };
    let key = key.trim();
    if key.is_empty() {
        return Err(Failure::new(Exit::Input, "there is no key").hint(
            "`sweep key add` makes one, or `controller key add` on the controller's machine",
        ));
    }
    let named = Reach { token: Some(key.to_owned()), ..reach.clone() };
    let me = me(&Controller::new(&named)?).await?;
    let path = path()?;
    keys::store(&path, &reach.controller, Some(key)).map_err(|error| unstored(&path, &error))?;
    tell(&me, args.json);
    terminal::say(format_args!("stored in {}", path.display()));
    Ok(())
}

/// Removes the stored key.
pub(crate) fn logout(reach: &Reach) -> Result<(), Failure> {
    let path = path()?;
    keys::store(&path, &reach.controller, None).map_err(|error| unstored(&path, &error))?;
    terminal::say(format_args!("no key for {} is stored any more", reach.controller));
    Ok(())
}

async fn me(controller: &Controller) -> Result<Caller, Failure> {
    let me = controller.dial().people().me(within_patience(GetMe {})).await;
    Ok(me.map_err(|status| controller.failure(&status))?.into_inner())
}

fn tell(me: &Caller, as_json: bool) {
    if as_json {
        terminal::print(json::text(&json::caller(me)));
        return;
    }
    if me.user.is_empty() {
        terminal::print("the administrator: everything is allowed");
        return;
    }
    let key = me.key.clone().unwrap_or_default();
    let (user, team) = (one_line(&me.user, CELL), one_line(&me.team, CELL));
    terminal::print(format_args!("{user}, team {team}, key {} ({})", key.id, key.kind));
    if me.admin {
        terminal::print("administrator: everything is allowed");
    }
    for grant in &me.grants {
        terminal::print(format_args!("{} of {}", grant.role, one_line(&grant.place, CELL)));
    }
}

fn read() -> Result<String, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        terminal::say("paste the key, and press Enter:");
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(|error| {
        Failure::new(Exit::Input, format!("the key cannot be read from the input: {error}"))
    })?;
    Ok(line)
}

fn path() -> Result<std::path::PathBuf, Failure> {
    keys::path().ok_or_else(|| {
        Failure::new(Exit::Input, "there is no folder for the key")
            .hint("set HOME or XDG_CONFIG_HOME, or pass the key in BESOM_TOKEN")
    })
}

fn unstored(path: &std::path::Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Refused, format!("the key cannot be stored in {}: {error}", path.display()))
}
