//! Exports data for other programs. `sweep export` writes the trials of a sweep, or all values that
//! they logged. `sweep run export` uses parts of this module: the columns, the writer of each
//! format, and the output file that appears only when it is complete.

mod columns;
mod curves;
mod output;
mod parquet;
mod rows;
mod spool;
#[cfg(test)]
mod tests;
mod text;
mod trials;

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::ValueEnum as _;
pub(crate) use columns::Kind;
use curves::Failed;
pub(crate) use output::{Output, failure};
use proto::v1::Run;
pub(crate) use rows::{Format as RowFormat, Rows, Stopped};
use terminal::{Exit, Failure, sanitise};

use crate::{connect::Controller, json, view};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
CSV and Parquet files have one row per trial, with these columns: run, trial, state, attempt,
value, the parameters (nested ones as `optimizer.lr`), the keys of the summary, agent, and the
times in UTC. Names that two columns would share get the prefix `params.` or `summary.`.

With --curves, a file has one row per value that any run logged, with the columns run, attempt,
step, time, key, value and text. `value` holds numbers. `text` holds all other values, and the
exact digits of whole numbers beyond 2^53.

Examples:
  sweep export k3x9abcd > trials.csv
  sweep export k3x9abcd --format json --output trials.json
  sweep export k3x9abcd --curves --output curves.parquet")]
pub(crate) struct Args {
    /// Id of a sweep
    #[arg(value_name = "SWEEP", value_parser = crate::args::id)]
    id: String,
    /// Output format [default: by the file's extension, else csv]
    #[arg(long, value_enum)]
    format: Option<RowFormat>,
    /// Write all values that the runs logged, instead of one row per trial
    #[arg(long)]
    curves: bool,
    /// Write to this file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes the trials, or all values that they logged, to stdout or to a file. An existing file
/// stays unchanged until the export is complete.
pub(crate) async fn export(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let path = args.output.as_deref();
    let format = format_for(args.format, path)?;
    let sweep = controller.sweep(&args.id).await?;
    let runs = controller.runs_of(&sweep.id).await?;
    let lost = |error: io::Error| failure(path, &error);
    let output = Output::open(path).map_err(lost)?;
    let (output, what) = if args.curves {
        match curves::write(controller, &runs, format, output).await {
            Ok((output, values)) => (output, view::count(values, "value")),
            Err(Failed::Write(error)) => return Err(lost(error)),
            Err(Failed::Read(failure)) => return Err(failure),
        }
    } else {
        (
            write_trials(&runs, format, output).map_err(lost)?,
            view::count(runs.len() as u64, "trial"),
        )
    };
    output.finish().map_err(lost)?;
    wrote(path, &what);
    Ok(())
}

fn write_trials(runs: &[Run], format: RowFormat, mut output: Output) -> io::Result<Output> {
    let objects = runs.iter().map(json::run);
    let text = match format {
        RowFormat::Parquet => return trials::write(runs, output),
        RowFormat::Csv => view::csv::csv(runs),
        RowFormat::Json => json::text(&objects.collect::<Vec<_>>().into()) + "\n",
        RowFormat::Jsonl => objects.map(|object| format!("{object}\n")).collect(),
    };
    output.write_all(text.as_bytes())?;
    Ok(output)
}

/// Returns the requested format. Without a request, returns the format of the file's extension, or
/// CSV. Fails if Parquet would go to a terminal.
pub(crate) fn format_for(
    asked: Option<RowFormat>,
    path: Option<&Path>,
) -> Result<RowFormat, Failure> {
    let path = path.filter(|path| path.as_os_str() != output::STDOUT);
    let named = || RowFormat::from_str(path?.extension()?.to_str()?, true).ok();
    let format = asked.or_else(named).unwrap_or(RowFormat::Csv);
    if format == RowFormat::Parquet && path.is_none() && terminal::columns().is_some() {
        let failure = Failure::new(Exit::Input, "Parquet is not text; a terminal cannot show it");
        return Err(failure.hint("write it to a file: `-o rows.parquet`"));
    }
    Ok(format)
}

/// Prints to stderr what was written to a file. Prints nothing for an export to stdout.
pub(crate) fn wrote(path: Option<&Path>, what: &str) {
    if let Some(path) = path.filter(|path| path.as_os_str() != output::STDOUT) {
        terminal::say(format_args!("wrote {what} to {}", sanitise(&path.display().to_string())));
    }
}
