//! `sweep audit`: shows who created, changed and removed what.

use proto::v1::GetAudit;
use terminal::{Failure, one_line, table::Table};

use crate::{
    clock,
    connect::{Controller, within_patience},
    json,
};

/// The widest cell of the table, in columns.
const CELL: usize = 40;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Administrators see everything; the administrator of a team or project sees what was done in its
projects.

Examples:
  sweep audit --limit 20
  sweep audit --json | jq '.[] | select(.what == \"cancel sweep\")'")]
pub(crate) struct Args {
    /// Show at most this many entries, the newest
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

/// Prints the newest entries of the audit, the newest first.
pub(crate) async fn audit(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let wanted = GetAudit { limit: args.limit };
    let deeds = controller.dial().people().audit(within_patience(wanted)).await;
    let deeds = deeds.map_err(|status| controller.failure(&status))?.into_inner().deeds;
    if args.json {
        terminal::print(json::text(&deeds.iter().map(json::deed).collect::<Vec<_>>().into()));
        return Ok(());
    }
    let (mut table, now_ms) =
        (Table::new([">ago", "who", "what", "", "project"]), clock::wall_ms());
    for deed in &deeds {
        let cells = [&deed.who, &deed.what, &deed.object, &deed.project];
        let ago = terminal::age(now_ms - deed.at_ms);
        table.row([ago].into_iter().chain(cells.map(|cell| one_line(cell, CELL))));
    }
    terminal::print(table);
    Ok(())
}
