//! `sweep rm`, `sweep restore`, `sweep bin` and `sweep run rm`: delete sweeps and runs, restore
//! them, and list what is deleted.

use proto::v1::{BinRefs, Binned, ListBin, RunList, SweepRef};
use serde_json::{Value, json};
use terminal::{Failure, one_line, table::Table};

use crate::{
    clock,
    connect::{Controller, within_patience},
    json, view,
};

/// The most runs that one call deletes or restores.
const MOST: usize = 256;
/// The widest cell of the table, in columns.
const CELL: usize = 40;
const DAY_MS: u64 = 24 * 3600 * 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Only a run that is over can be deleted. A deleted trial is not shown any more, but still counts for
the search of its sweep. `sweep restore` restores it for 30 days.

Examples:
  sweep run rm k3x9abcd-17
  sweep run ls --project digits --filter 'state = failed' --json | jq -r '.[].id' | xargs \\
    sweep run rm")]
pub(crate) struct Runs {
    /// Ids of runs
    #[arg(value_name = "RUN", required = true, value_parser = crate::args::id)]
    runs: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep restore k3x9abcd              restore a sweep with all of its trials
  sweep restore k3x9abcd-17 baseline  restore two runs")]
pub(crate) struct Restore {
    /// Ids of deleted runs and sweeps
    #[arg(value_name = "ID", required = true, value_parser = crate::args::id)]
    ids: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
After the days that are left, the controller removes a run or sweep for good.

Examples:
  sweep bin
  sweep bin --json | jq -r '.[].id'")]
pub(crate) struct Bin {
    /// Show at most this many entries, the last deleted
    #[arg(long, value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

/// Deletes runs.
pub(crate) async fn runs(controller: &Controller, args: &Runs) -> Result<(), Failure> {
    let (mut deleted, mut purge_ms) = (0, 0);
    for some in args.runs.chunks(MOST) {
        let wanted = RunList { runs: some.to_vec() };
        match controller.dial().bin().delete_runs(within_patience(wanted)).await {
            Ok(answer) => purge_ms = answer.into_inner().purge_ms,
            Err(status) => {
                let failure = controller.failure(&status);
                return Err(match deleted {
                    0 => failure,
                    _ => failure.detail(format!("  the first {deleted} runs are deleted")),
                });
            }
        }
        deleted += some.len();
    }
    terminal::say(format_args!("deleted {}", view::count(deleted as u64, "run")));
    match &args.runs[..] {
        [run] => say_until(&view::one_word(run), "it", purge_ms),
        _ => say_until("ID...", "them", purge_ms),
    }
    Ok(())
}

/// Deletes a sweep with its trials.
pub(crate) async fn sweep(controller: &Controller, id: &str) -> Result<(), Failure> {
    let wanted = SweepRef { sweep: id.to_owned() };
    match controller.dial().bin().delete_sweep(within_patience(wanted)).await {
        Ok(answer) => {
            terminal::say(format_args!("deleted the sweep {} with its trials", view::one_word(id)));
            say_until(&view::one_word(id), "it", answer.into_inner().purge_ms);
            Ok(())
        }
        Err(status) => Err(controller.failure_about(id, &status).await),
    }
}

/// Advises how to restore what was just deleted.
fn say_until(ids: &str, what: &str, purge_ms: i64) {
    let left = view::count(days(purge_ms, clock::wall_ms()), "day");
    terminal::hint(format!("for {left}, `sweep restore {ids}` restores {what}"));
}

/// Returns for how many days something can be restored. A part of a day counts as a day, so that
/// right after a deletion all days are left.
fn days(purge_ms: i64, now_ms: i64) -> u64 {
    purge_ms.saturating_sub(now_ms).max(0).unsigned_abs().div_ceil(DAY_MS)
}

/// Restores runs and sweeps.
pub(crate) async fn restore(controller: &Controller, args: &Restore) -> Result<(), Failure> {
    for some in args.ids.chunks(MOST) {
        let wanted = BinRefs { ids: some.to_vec() };
        let answer = controller.dial().bin().restore(within_patience(wanted)).await;
        for one in answer.map_err(|status| controller.failure(&status))?.into_inner().restored {
            let (kind, id) = (view::one_word(&one.kind), view::one_word(&one.id));
            terminal::say(format_args!("restored the {kind} {id}"));
            if !one.renamed.is_empty() {
                let name = view::one_word(&one.renamed);
                terminal::hint(format!(
                    "another run has its name in the project, so W&B's client finds it as {name}"
                ));
            }
        }
    }
    Ok(())
}

/// Prints what is in the bin, the last deleted first.
pub(crate) async fn bin(controller: &Controller, args: &Bin) -> Result<(), Failure> {
    let wanted = ListBin { limit: args.limit };
    let entries = controller.dial().bin().list(within_patience(wanted)).await;
    let entries = entries.map_err(|status| controller.failure(&status))?.into_inner().entries;
    let now_ms = clock::wall_ms();
    if args.json {
        let shown = entries.iter().map(|entry| shown(entry, now_ms)).collect::<Vec<_>>();
        terminal::print(json::text(&shown.into()));
    } else if entries.is_empty() {
        terminal::say("the bin is empty");
    } else {
        terminal::print(table(&entries, now_ms));
    }
    Ok(())
}

fn table(entries: &[Binned], now_ms: i64) -> Table {
    let mut table = Table::new(["id", "", "name", "project", ">deleted", "by", ">left", ">size"]);
    for entry in entries {
        let [id, kind, name, project, by] =
            [&entry.id, &entry.kind, &entry.name, &entry.project, &entry.deleted_by]
                .map(|cell| one_line(cell, CELL));
        let ago = terminal::age(now_ms.saturating_sub(entry.deleted_ms));
        let left = view::count(days(entry.purge_ms, now_ms), "day");
        table.row([id, kind, name, project, ago, by, left, terminal::size(entry.bytes)]);
    }
    table
}

fn shown(entry: &Binned, now_ms: i64) -> Value {
    json!({
        "id": entry.id,
        "kind": entry.kind,
        "name": entry.name,
        "project": entry.project,
        "sweep": entry.sweep,
        "deleted": json::time(Some(entry.deleted_ms)),
        "deleted_by": entry.deleted_by,
        "purged": json::time(Some(entry.purge_ms)),
        "days_left": days(entry.purge_ms, now_ms),
        "bytes": entry.bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bin_in_columns() {
        let entry = |id: &str, kind: &str, days: i64| Binned {
            id: id.to_owned(),
            kind: kind.to_owned(),
            name: "first try\u{1b}[2J".to_owned(),
            project: "vision/digits".to_owned(),
            deleted_ms: -days * 24 * 3600 * 1000,
            deleted_by: "ann, key abcdefgh".to_owned(),
            purge_ms: (30 - days) * 24 * 3600 * 1000,
            bytes: 3 << 20,
            ..Binned::default()
        };
        let entries =
            [entry("k3x9abcd", "sweep", 0), entry("baseline", "run", 29), entry("old", "run", 31)];
        insta::assert_snapshot!(view::fixtures::plain(&table(&entries, 0).to_string()));
    }
}
