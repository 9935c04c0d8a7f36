//! `sweep artifact alias`: changes the aliases of a version.

use proto::v1::AliasArtifact;
use terminal::{Failure, one_line};

use super::name::Name;
use crate::{
    connect::{Controller, within_patience},
    view,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
An alias that another version has moves to this one. `latest` always means the newest version.

Examples:
  sweep artifact alias digits:v3 production
  sweep artifact alias digits:v2 --remove production")]
pub(crate) struct Args {
    /// Version: NAME, NAME:v3 or NAME:ALIAS, with PROJECT/ in front if needed
    #[arg(value_name = "NAME[:VERSION]")]
    name: Name,
    /// Aliases to add
    #[arg(value_name = "ALIAS", required_unless_present = "remove")]
    add: Vec<String>,
    /// Alias to remove
    #[arg(long, value_name = "ALIAS")]
    remove: Vec<String>,
}

/// Changes the aliases of the version and prints all aliases that it has afterwards.
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
