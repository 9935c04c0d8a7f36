//! `sweep artifact ls`: lists artifacts with their newest version, or all versions of one artifact.

use terminal::Failure;

use super::name::versions;
use crate::{clock, connect::Controller, json, view};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep artifact ls
  sweep artifact ls digits
  sweep artifact ls --project mnist --json")]
pub(crate) struct Args {
    /// List all versions of this artifact
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// List only the artifacts of this project
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

/// Prints the newest version of each artifact, or all versions of the named artifact, in the order
/// of project and name.
pub(super) async fn list(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let (project, name) = (args.project.as_deref().unwrap_or_default(), args.name.as_deref());
    let mut found = versions(controller, project, name.unwrap_or_default()).await?;
    if name.is_none() {
        // Of each artifact, the newest version comes first in the list, and only this version
        // stays.
        found.dedup_by(|next, first| (&next.project, &next.name) == (&first.project, &first.name));
    }
    if args.json {
        terminal::print(json::text(&found.iter().map(json::artifact).collect::<Vec<_>>().into()));
    } else if found.is_empty() {
        terminal::say(match name {
            Some(name) => format!("no artifact `{}`", view::one_word(name)),
            None => "no artifacts yet".to_owned(),
        });
        terminal::hint("a run makes one with `run.log_artifact`");
    } else {
        terminal::print(view::artifact::list(&found, clock::wall_ms()));
    }
    Ok(())
}
