//! `sweep run history`: shows the rows that a run logged, newest last, to users and scripts.

use proto::v1::{CurveBucket, HistoryKey, HistoryKeys, ReadCurve, ReadHistory};
use terminal::{Exit, Failure};

use crate::{
    connect::{Controller, nearest, within_patience},
    json,
    view::{
        self,
        history::{CHART, Chart, Shown},
    },
};

/// The number of rows shown without `--last`.
const ROWS: u64 = 20;
/// The most charts that are shown on a terminal.
const CHARTS: usize = 8;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Shows the newest 20 rows, with the attempts in order. If an attempt continued from a checkpoint,
the rows that the attempt before logged after that checkpoint are left out. CSV and JSON have
every row unless --last is given. With --keys, only rows that have one of the keys are shown. On a
terminal, a small chart of each number comes first.

Examples:
  sweep run history k3x9abcd-17
  sweep run history k3x9abcd-17 --keys train/loss,val/loss --last 100
  sweep run history k3x9abcd-17 --keys val/loss --csv > loss.csv")]
pub(crate) struct Args {
    /// Id of a run
    #[arg(value_name = "RUN", value_parser = crate::args::id)]
    run: String,
    /// Show only these keys
    #[arg(long, value_name = "KEY,...", value_delimiter = ',')]
    keys: Vec<String>,
    /// Show only the newest N rows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    last: Option<u64>,
    /// Include rows after the checkpoint where the next attempt continued
    #[arg(long)]
    all_attempts: bool,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

/// Prints the rows, and on a terminal also charts. Fails if the run has not logged a requested key.
pub(crate) async fn history(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let asked = within_patience(HistoryKeys { run: args.run.clone() });
    let logged = match controller.dial().history().keys(asked).await {
        Ok(answer) => answer.into_inner().keys,
        Err(status) => return Err(controller.failure_about(&args.run, &status).await),
    };
    if let Some(unknown) =
        args.keys.iter().find(|key| logged.iter().all(|known| known.key != **key))
    {
        return Err(not_logged(&args.run, unknown, &logged));
    }
    let is_for_scripts = args.csv || args.json;
    let rows = read(controller, args, if is_for_scripts { 0 } else { ROWS }).await?;
    let keys = if args.keys.is_empty() {
        logged.iter().map(|known| known.key.clone()).collect()
    } else {
        args.keys.clone()
    };
    if args.json {
        terminal::print(json::text(&view::history::json(&rows)));
    } else if args.csv {
        terminal::data(&view::history::csv(&rows, &keys));
    } else if rows.is_empty() {
        terminal::say(format_args!("run `{}` has logged nothing", view::one_word(&args.run)));
    } else {
        let columns = terminal::columns();
        if columns.is_some() {
            terminal::print(view::history::charts(
                &charts(controller, args, &keys, &logged).await?,
            ));
            terminal::print("");
        }
        let (table, left_out) = view::history::table(&rows, &keys, columns);
        terminal::print(table);
        if left_out > 0 {
            let more = view::count(left_out as u64, "more key");
            terminal::say(format_args!("... {more}: `--keys` chooses, `--csv` has all"));
        }
    }
    Ok(())
}

async fn read(controller: &Controller, args: &Args, most: u64) -> Result<Vec<Shown>, Failure> {
    let last = args.last.unwrap_or(most);
    let message = ReadHistory {
        run: args.run.clone(),
        keys: args.keys.clone(),
        last,
        all: args.all_attempts,
        ..ReadHistory::default()
    };
    let lost = |status| controller.failure(&status);
    let mut blocks = controller.dial().history().rows(message).await.map_err(lost)?.into_inner();
    let mut rows = Vec::new();
    while let Some(block) = blocks.message().await.map_err(lost)? {
        let read = record::rows(&block.frames).map_err(|reason| {
            Failure::new(
                Exit::Bug,
                format!("the history of run `{}` cannot be read: {reason}", args.run),
            )
            .hint("are `sweep` and the controller of the same version?")
        })?;
        let shown = |row| Shown { attempt: block.attempt, fenced: block.fenced, row };
        rows.extend(read.into_iter().map(shown));
    }
    Ok(rows)
}

/// Reads a chart for each of the first [`CHARTS`] numeric keys.
async fn charts(
    controller: &Controller,
    args: &Args,
    keys: &[String],
    logged: &[HistoryKey],
) -> Result<Vec<Chart>, Failure> {
    let known = |key: &String| logged.iter().find(|known| known.key == *key).cloned();
    let is_number = |known: &HistoryKey| known.types.iter().any(|name| name == "number");
    let wanted: Vec<HistoryKey> =
        keys.iter().filter_map(known).filter(is_number).take(CHARTS).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let message = ReadCurve {
        run: args.run.clone(),
        keys: wanted.iter().map(|known| known.key.clone()).collect(),
        buckets: CHART as u32,
        ..ReadCurve::default()
    };
    let answer = controller.dial().history().curve(within_patience(message)).await;
    let curves = answer.map_err(|status| controller.failure(&status))?.into_inner().curves;
    let buckets = curves.into_iter().map(|curve| curve.buckets);
    let chart = |(key, buckets): (HistoryKey, Vec<CurveBucket>)| Chart { key, buckets };
    Ok(wanted.into_iter().zip(buckets).map(chart).collect())
}

fn not_logged(run: &str, key: &str, logged: &[HistoryKey]) -> Failure {
    let (run, key_shown) = (view::one_word(run), view::one_word(key));
    let failure = Failure::new(Exit::Input, format!("run `{run}` has not logged `{key_shown}`"));
    let known = || logged.iter().map(|known| known.key.clone());
    match nearest(key, known()) {
        Some(near) => failure.hint(format!("did you mean `{}`?", view::one_word(&near))),
        None if logged.is_empty() => failure.hint("it has logged nothing yet"),
        None => {
            let some: Vec<String> = known().take(8).map(|key| view::one_word(&key)).collect();
            failure.hint(format!("it has logged {}", some.join(", ")))
        }
    }
}
