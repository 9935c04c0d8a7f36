//! `sweep create`: creates a sweep from a YAML file and prints the command that starts an agent.

use std::path::PathBuf;

use proto::v1::{self, CreateSweep};
use serde_json::json;
use terminal::Failure;

use crate::{chance, check, connect, connect::Controller, json, source, source::Source, view};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep create sweep.yaml
  ID=$(sweep create --quiet sweep.yaml)
  python make_sweep.py | sweep create -")]
pub(crate) struct Args {
    /// YAML file of the sweep; - reads stdin
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Print JSON with `id` and `agent` (the command that starts an agent)
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// Print only the id
    #[arg(long, short)]
    quiet: bool,
}

/// Checks the file before any call, so that the user sees its problems even if no controller can be
/// reached. Then creates the sweep and prints its id.
pub(crate) async fn create(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let source = source::read(&args.file)?;
    check::accept(&source)?;
    let sweep = ask(controller, &source).await?;
    // `check::accept` has printed the warnings about the file, which have several lines. The
    // warnings that only the controller can give refer to no line of the file and have one line.
    for warning in sweep.warnings.iter().filter(|warning| !warning.contains('\n')) {
        terminal::warn(terminal::one_line(warning.trim_start_matches("warning: "), 300));
    }
    let agent = controller.agent_line(&sweep.id);
    if args.json {
        terminal::print(json::text(&json!({ "id": sweep.id, "agent": agent })));
    } else if args.quiet {
        terminal::print(view::one_word(&sweep.id));
    } else {
        terminal::print(view::sweep::created(&sweep, &agent, controller.has_token()));
    }
    Ok(())
}

/// Creates the sweep with an idempotency key, so that a repeat after a lost answer does not create
/// a second sweep.
async fn ask(controller: &Controller, source: &Source) -> Result<v1::Sweep, Failure> {
    let message = CreateSweep {
        yaml: source.text.clone(),
        source: source.name.clone(),
        idempotency_key: chance::key()?,
    };
    let mut sweeps = controller.dial().sweeps();
    connect::with_tries(async || sweeps.create(connect::within_patience(message.clone())).await)
        .await
        .map_err(|status| controller.failure(&status))
}
