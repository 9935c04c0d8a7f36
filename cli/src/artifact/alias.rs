//! `sweep artifact alias`: other names for a version.

use proto::v1::AliasArtifact;
use terminal::{Failure, one_line};

use super::Name;
use crate::{
    connect::{Controller, within_patience},
    view,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A name that another version has moves to this one. `latest` always means the newest.

Examples:
  sweep artifact alias digits:v3 production
  sweep artifact alias digits:v2 --remove production")]
pub(crate) struct Args {
    /// The version: NAME, NAME:v3 or NAME:ALIAS, with PROJECT/ before it if need be
    #[arg(value_name = "NAME[:VERSION]")]
    name: Name,
    /// Names that it gets
    #[arg(value_name = "ALIAS", required_unless_present = "remove")]
    add: Vec<String>,
    /// A name that it loses
    #[arg(long, value_name = "ALIAS")]
    remove: Vec<String>,
}

/// Changes the names and says those that it has now.
pub(super) async fn alias(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let artifact = Some(args.name.find(controller).await?);
    let request = AliasArtifact { artifact, add: args.add.clone(), remove: args.remove.clone() };
    let named = controller.dial().artifacts().alias(within_patience(request)).await;
    let named = named.map_err(|status| controller.failure(&status))?.into_inner();
    let aliases = one_line(&named.aliases.join(", "), 100);
    terminal::say(format_args!(
        "{}: {}",
        view::artifact::title(&named),
        if aliases.is_empty() { "no aliases" } else { &aliases }
    ));
    Ok(())
}
