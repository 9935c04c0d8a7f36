//! `sweep run ls`: lists runs in and outside of sweeps. The controller filters and sorts them.

use proto::v1::{FindRuns, Run};
use record::name;
use serde_json::Value;
use terminal::{Exit, Failure};

use crate::{
    clock,
    connect::{Controller, nearest},
    json,
    view::{
        self,
        runs::{COLUMNS, of_values},
    },
};

/// The number of runs shown without `--limit` and without `--json`.
const SHOWN: u32 = 50;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A filter is a name, one of = != < <= > >=, and a value. A run must pass all filters. The names are
config.KEY, summary.KEY, id, name, state, project, sweep, group, job_type, agent, tags, trial,
attempt, value, rows, slug (the run's name in its project, else its id) and created (as in
2026-01-31T09:30). A filter on tags needs one tag that passes. A value in quotes is text, nan and
inf are numbers, and null is a missing value. A KEY in quotes may contain any character, as in
'summary.\"a=b\" > 2'.

The newest runs come first: the newest 50, or as many as --limit says. JSON has all runs unless
--limit is given. --sort puts the smallest value first, or the largest with `-` before the name.
Runs without the value come last.

Examples:
  sweep run ls --project vision --filter 'state = finished' --filter 'config.lr < 0.01'
  sweep run ls --filter 'tags = baseline' --sort -summary.accuracy --limit 10
  sweep run ls --sweep k3x9abcd --columns id,state,config.lr,summary.val/loss")]
pub(crate) struct Args {
    /// List only runs of this project
    #[arg(long, value_name = "PROJECT", default_value = "", hide_default_value = true)]
    project: String,
    /// List only runs of this sweep
    #[arg(
        long,
        value_name = "SWEEP",
        value_parser = crate::args::id,
        default_value = "",
        hide_default_value = true
    )]
    sweep: String,
    /// List only runs that pass this filter; may be repeated
    #[arg(long = "filter", value_name = "FILTER")]
    filters: Vec<String>,
    /// Sort by this name; may be repeated
    #[arg(long, value_name = "[-]NAME", allow_hyphen_values = true)]
    sort: Vec<String>,
    /// List at most N runs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Show these columns
    #[arg(long, value_name = "NAME,...", conflicts_with = "json")]
    columns: Vec<String>,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

/// Prints the runs.
pub(crate) async fn ls(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let columns: Vec<String> = args.columns.iter().flat_map(|list| split(list)).collect();
    check_columns(&columns)?;
    let most = args.limit.or((!args.json).then_some(SHOWN));
    let mut runs = find(controller, args, most.map_or(0, |most| most.saturating_add(1))).await?;
    let more = most.is_some_and(|most| runs.len() > most as usize);
    runs.truncate(most.map_or(usize::MAX, |most| most as usize));
    if args.json {
        terminal::print(json::text(&runs.iter().map(json::run).collect::<Vec<Value>>().into()));
        return Ok(());
    }
    if runs.is_empty() {
        let asked = !(args.project.is_empty() && args.sweep.is_empty() && args.filters.is_empty());
        terminal::say(if asked { "no run matches" } else { "no runs yet" });
        return Ok(());
    }
    let columns = if columns.is_empty() {
        view::runs::usual(&runs, &args.project, &args.sweep, &args.sort)
    } else {
        columns
    };
    terminal::print(view::runs::table(&runs, &columns, clock::wall_ms()));
    if more && args.limit.is_none() {
        terminal::say(format_args!("... more than {SHOWN} runs match: `--limit` shows more"));
    }
    Ok(())
}

async fn find(controller: &Controller, args: &Args, limit: u32) -> Result<Vec<Run>, Failure> {
    let message = FindRuns {
        project: args.project.clone(),
        sweep: args.sweep.clone(),
        filters: args.filters.clone(),
        sort: args.sort.clone(),
        limit,
    };
    match controller.dial().runs().find(message).await {
        Err(status) => Err(controller.failure_about(&args.sweep, &status).await),
        answer => controller.all(answer).await,
    }
}

/// Splits a list of columns at its commas. Commas inside a quoted key do not split the list.
fn split(list: &str) -> Vec<String> {
    let (mut names, mut rest) = (Vec::new(), list);
    loop {
        let from = name::quoted_end(rest);
        let Some(length) = rest[from..].find(',') else { break };
        names.push(rest[..from + length].trim().to_owned());
        rest = &rest[from + length + 1..];
    }
    names.push(rest.trim().to_owned());
    names
}

fn check_columns(columns: &[String]) -> Result<(), Failure> {
    let is_known = |name: &str| COLUMNS.contains(&name) || of_values(name).is_some();
    let unknown: Vec<&str> =
        columns.iter().map(String::as_str).filter(|name| !is_known(name)).collect();
    let Some(first) = unknown.first() else { return Ok(()) };
    let names: Vec<String> =
        unknown.iter().map(|name| format!("`{}`", view::one_word(name))).collect();
    let failure = Failure::new(Exit::Input, format!("no column {}", names.join(", ")));
    Err(match nearest(first, COLUMNS.map(str::to_owned)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("use config.KEY, summary.KEY, {}", COLUMNS.join(", "))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_within_quotes_do_not_separate_columns() {
        assert_eq!(
            split("id, summary.\"c,omma\",config.'a,b'"),
            ["id", "summary.\"c,omma\"", "config.'a,b'"]
        );
        assert_eq!(split("id,,\""), ["id", "", "\""]);
        let columns =
            |list: &str| check_columns(&split(list)).map_err(|failure| format!("{failure:?}"));
        assert!(columns("id,summary.\"c,omma\"").is_ok());
        assert!(columns("id,summary.\"c,omma").unwrap_err().contains("no column"));
    }
}
