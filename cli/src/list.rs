//! `sweep ls`: lists the sweeps.

use proto::v1::ListSweeps;
use terminal::Failure;

use crate::{clock, connect, connect::Controller, json, view};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// List all sweeps, not only the newest 50
    #[arg(long)]
    all: bool,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

/// The number of sweeps shown without `--all` and without `--json`.
const SHOWN: usize = 50;

/// Prints the sweeps, newest first.
pub(crate) async fn list(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let limit = if args.all || args.json { u32::MAX } else { SHOWN as u32 + 1 };
    let answer =
        controller.dial().sweeps().list(connect::within_patience(ListSweeps { limit })).await;
    let mut sweeps = answer.map_err(|status| controller.failure(&status))?.into_inner().sweeps;
    if args.json {
        terminal::print(json::text(&sweeps.iter().map(json::sweep).collect::<Vec<_>>().into()));
        return Ok(());
    }
    let more = !args.all && sweeps.len() > SHOWN;
    if more {
        sweeps.truncate(SHOWN);
    }
    if sweeps.is_empty() {
        terminal::say("no sweeps yet");
        terminal::hint("`sweep create sweep.yaml` makes one");
        return Ok(());
    }
    terminal::print(view::list::sweeps(&sweeps, clock::wall_ms()));
    if more {
        terminal::say("... older sweeps: sweep ls --all");
    }
    Ok(())
}
