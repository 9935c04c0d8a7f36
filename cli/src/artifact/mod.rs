//! `sweep artifact`: lists, shows, downloads and removes the versions of artifacts, and changes
//! their aliases. `main` calls it. Each subcommand has one file here, with its flags and its help.

mod alias;
mod get;
mod list;
mod name;
mod remove;
mod show;

use clap::Subcommand;
use terminal::Failure;

use crate::connect::Controller;

/// The subcommands of `sweep artifact`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the artifacts with their newest versions, or all versions of one
    Ls(list::Args),
    /// Show the files of a version and the runs that made and used it
    Show(show::Args),
    /// Download a version and verify the hash of every file
    Get(get::Args),
    /// Add aliases to a version, or remove them
    Alias(alias::Args),
    /// Remove a version
    Rm(remove::Args),
}

/// Runs the subcommand.
pub(crate) async fn artifact(controller: &Controller, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Ls(args) => list::list(controller, args).await,
        Command::Show(args) => show::show(controller, args).await,
        Command::Get(args) => get::get(controller, args).await,
        Command::Alias(args) => alias::alias(controller, args).await,
        Command::Rm(args) => remove::remove(controller, args).await,
    }
}
