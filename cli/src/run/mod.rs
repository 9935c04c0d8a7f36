//! `sweep run`: finds and deletes runs, and shows, exports or downloads what a run has. `main`
//! calls this module. Each subcommand has one file here, with its flags and its help; that of `rm`
//! is `crate::deleted`.

mod artifacts;
mod export;
mod files;
mod history;
mod ls;
mod show;

use clap::Subcommand;
use terminal::Failure;

use crate::connect::Controller;

/// The subcommands of `sweep run`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List runs, filtered and sorted
    Ls(ls::Args),
    /// Show a run's parameters, its summary and how it ended
    Show(show::Args),
    /// Show the newest rows that a run logged, with small charts
    History(history::Args),
    /// Write a run's rows as CSV, JSON, JSON lines or Parquet
    Export(export::Args),
    /// List a run's files, download them, or delete them
    Files(files::Args),
    /// List the artifacts that a run made and used
    Artifacts(artifacts::Args),
    /// Delete runs that are over
    Rm(crate::deleted::Runs),
}

/// Runs the subcommand.
pub(crate) async fn run(controller: &Controller, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Ls(args) => ls::ls(controller, args).await,
        Command::Show(args) => show::show(controller, args).await,
        Command::History(args) => history::history(controller, args).await,
        Command::Export(args) => export::export(controller, args).await,
        Command::Files(args) => files::files(controller, args).await,
        Command::Artifacts(args) => artifacts::artifacts(controller, args).await,
        Command::Rm(args) => crate::deleted::runs(controller, args).await,
    }
}
