//! `sweep run show`: does the same as `sweep show RUN`, for users and scripts that know that the id
//! is a run's.

use terminal::Failure;

use crate::{connect::Controller, show};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep run show k3x9abcd-17
  sweep run show k3x9abcd-17 --json")]
pub(crate) struct Args {
    /// Id of a run
    #[arg(value_name = "RUN", value_parser = crate::args::id)]
    run: String,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the run.
pub(crate) async fn show(controller: &Controller, args: &Args) -> Result<(), Failure> {
    show::run(controller, &controller.run(&args.run).await?, args.json).await
}
