//! `sweep artifact rm`: removes one version.

use terminal::{Exit, Failure};

use super::name::Name;
use crate::{
    connect::{Controller, within_patience},
    view,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The number of a removed version is not used again. One day later, the controller deletes those of
its files that nothing else refers to.

Examples:
  sweep artifact rm digits:v3")]
pub(crate) struct Args {
    /// Version with its number or an alias: NAME:v3 or NAME:ALIAS
    #[arg(value_name = "NAME:VERSION")]
    name: Name,
}

/// Removes the version and prints what was removed.
pub(super) async fn remove(controller: &Controller, args: &Args) -> Result<(), Failure> {
    if args.name.version.is_empty() {
        let message = format!("`{}` names an artifact but no version", args.name.name);
        return Err(Failure::new(Exit::Input, message)
            .hint(format!("`sweep artifact ls {}` lists its versions", args.name.name)));
    }
    let wanted = args.name.find(controller).await?;
    let removed = controller.dial().artifacts().remove(within_patience(wanted)).await;
    let removed = removed.map_err(|status| controller.failure(&status))?.into_inner();
    let files = view::count(removed.files, "file");
    terminal::say(format_args!(
        "removed {}: {files}, {}",
        view::artifact::title(&removed),
        terminal::size(removed.size)
    ));
    Ok(())
}
