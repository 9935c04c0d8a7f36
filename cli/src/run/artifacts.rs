//! `sweep run artifacts`: lists the artifacts that a run has made and those that it has used.

use proto::v1::{Artifact, RunRef};
use terminal::Failure;

use crate::{clock, connect::Controller, json, view};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep run artifacts k3x9abcd-17
  sweep run artifacts k3x9abcd-17 --json")]
pub(crate) struct Args {
    /// Id of a run
    #[arg(value_name = "RUN", value_parser = crate::args::id)]
    run: String,
    /// Print a JSON object with the lists `made` and `used`
    #[arg(long)]
    json: bool,
}

/// Prints the artifacts that the run has made, then those that it has used.
pub(super) async fn artifacts(controller: &Controller, args: &Args) -> Result<(), Failure> {
    // This request comes first because its failure has a hint for a user who typed a wrong id.
    controller.run(&args.run).await?;
    let request = RunRef { run: args.run.clone() };
    let found = controller.all(controller.dial().artifacts().of_run(request).await).await?;
    let (made, used): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.made);
    let [made, used] = [made, used]
        .map(|found| found.into_iter().filter_map(|one| one.artifact).collect::<Vec<Artifact>>());
    if args.json {
        let list = |versions: &[Artifact]| versions.iter().map(json::artifact).collect::<Vec<_>>();
        terminal::print(json::text(
            &serde_json::json!({ "made": list(&made), "used": list(&used) }),
        ));
        return Ok(());
    }
    if made.is_empty() && used.is_empty() {
        terminal::say(format_args!(
            "run `{}` has neither made nor used an artifact",
            view::one_word(&args.run)
        ));
    }
    for (what, versions) in [("made", made), ("used", used)] {
        if !versions.is_empty() {
            terminal::print(format_args!(
                "{what}\n{}",
                view::artifact::list(&versions, clock::wall_ms())
            ));
        }
    }
    Ok(())
}
