//! `sweep artifact rm`: removes one version.

use terminal::{Exit, Failure};

use super::Name;
use crate::{
    connect::{Controller, within_patience},
    view,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Its number is not given again. Contents that nothing else refers to go a day later.

Examples:
  sweep artifact rm digits:v3")]
pub(crate) struct Args {
    /// The version, with its number or an alias
    #[arg(value_name = "NAME:VERSION")]
    name: Name,
}

/// Removes it and says what is gone.
pub(super) async fn remove(controller: &Controller, args: &Args) -> Result<(), Failure> {
    if args.name.version.is_empty() {
        let message = format!("which version of `{}`?", args.name.name);
        return Err(Failure::new(Exit::Input, message)
            .hint(format!("`sweep artifact ls {}` lists them", args.name.name)));
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
