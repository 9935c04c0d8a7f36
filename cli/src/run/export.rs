//! `sweep run export`: writes the rows of one stream of some runs, as they were logged, for other
//! programs.

use std::path::{Path, PathBuf};

use proto::v1::{ReadHistory, ReadRows};
use terminal::{Exit, Failure};

use crate::{
    connect::{Controller, nearest},
    export::{self, Output, RowFormat, Rows, Stopped},
    stream::Stream,
    view,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rows are in the order of attempt, writer and sequence, as they were logged, with late and repeated
ones. The columns before the keys are `_attempt`, `_writer`, `_sequence`, `_step`, `_wall_ms` (the
writer's clock, in milliseconds since 1970) and `_fenced` (whether another attempt had taken
over). A key with such a name gets the prefix `logged.`. Several runs are written one after the
other, with their ids in a first column `_run`.

Values are exact. Floats that are not finite are NaN, inf and -inf in CSV, the strings \"NaN\",
\"Infinity\" and \"-Infinity\" in JSON, and floats in Parquet. In Parquet, each key has one type:
whole numbers beside floats become floats if that is exact, and values without a common type
become text. The file appears only when it is complete.

Examples:
  sweep run export k3x9abcd-17 -o rows.parquet
  sweep run export k3x9abcd-17 k3x9abcd-4 --keys loss,val/loss > losses.csv
  sweep run export k3x9abcd-17 --stream console --format jsonl | grep Error")]
pub(crate) struct Args {
    /// Ids of runs
    #[arg(value_name = "RUN", required = true, value_parser = crate::args::id)]
    runs: Vec<String>,
    /// Output format [default: by the file's extension, else csv]
    #[arg(long, value_enum)]
    format: Option<RowFormat>,
    /// Rows to write
    #[arg(long, value_enum, default_value_t = Stream::History)]
    stream: Stream,
    /// Include history after the checkpoint where the next attempt continued
    #[arg(long)]
    all_attempts: bool,
    /// Write only these keys, in this order; rows without them stay
    #[arg(long, value_name = "KEY,...", value_delimiter = ',')]
    keys: Vec<String>,
    /// Write to this file instead of stdout
    #[arg(long, short, value_name = "FILE|-")]
    output: Option<PathBuf>,
}

/// Reads all rows of the stream, then writes them to stdout or to a file. Fails if a requested key
/// occurs in no row.
pub(crate) async fn export(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let path = args.output.as_deref().filter(|path| path.as_os_str() != "-");
    let format = export::format_for(args.format, path)?;
    let mut runs: Vec<String> = Vec::new();
    for run in &args.runs {
        let run = controller.run(run).await?;
        if !runs.contains(&run.id) {
            runs.push(run.id);
        }
    }
    // The output is opened first, so that an unusable destination fails before the rows are read.
    let output = Output::open(path).map_err(|error| export::failure(path, &error))?;
    let rows = read(controller, args, &runs).await?;
    let missing = rows.survey().missing();
    if !missing.is_empty() {
        return Err(unknown(args, &runs, &missing, rows.survey().keys()));
    }
    let count = rows.count();
    let output = rows.write(format, output).map_err(|stopped| failed(&runs, path, stopped))?;
    output.finish().map_err(|error| export::failure(path, &error))?;
    if count == 0 {
        let stream = args.stream.name();
        terminal::say(match runs.as_slice() {
            [run] => format!("run `{}` has no rows in its {stream}", view::one_word(run)),
            _ => format!("none of these runs has rows in its {stream}"),
        });
    }
    export::wrote(path, &view::count(count, "row"));
    Ok(())
}

async fn read(controller: &Controller, args: &Args, runs: &[String]) -> Result<Rows, Failure> {
    let lost = |status| controller.failure(&status);
    let mut rows = Rows::new(runs, &args.keys).map_err(|error| failed(runs, None, error.into()))?;
    let dial = controller.dial();
    for (number, run) in (0..).zip(runs) {
        let (run, stream) = (run.clone(), args.stream.name().to_owned());
        let temporary = |stopped| failed(std::slice::from_ref(&run), None, stopped);
        let answer = match args.stream {
            Stream::History => {
                let message = ReadHistory {
                    run: run.clone(),
                    all: args.all_attempts,
                    ..ReadHistory::default()
                };
                dial.history().rows(message).await
            }
            _ => {
                let message = ReadRows { run: run.clone(), stream, attempt: 0, follow: false };
                dial.runs().read(message).await
            }
        };
        let mut blocks = answer.map_err(lost)?.into_inner();
        while let Some(block) = blocks.message().await.map_err(lost)? {
            rows.take(number, &block).map_err(temporary)?;
        }
    }
    Ok(rows)
}

fn failed(runs: &[String], path: Option<&Path>, stopped: Stopped) -> Failure {
    match stopped {
        Stopped::Io(error) => export::failure(path, &error),
        Stopped::Corrupt(reason) => {
            let message = format!("the rows of {} cannot be read: {reason}", named(runs));
            Failure::new(Exit::Bug, message)
                .hint("are `sweep` and the controller of the same version?")
        }
    }
}

/// Names the runs in a sentence: `run `a`` or `runs `a`, `b``.
fn named(runs: &[String]) -> String {
    let ids: Vec<String> = runs.iter().map(|run| format!("`{}`", view::one_word(run))).collect();
    format!("{} {}", if ids.len() == 1 { "run" } else { "runs" }, ids.join(", "))
}

fn unknown<'a>(
    args: &Args,
    runs: &[String],
    missing: &[&str],
    known: impl Iterator<Item = &'a str>,
) -> Failure {
    let known: Vec<String> = known.map(str::to_owned).collect();
    let names: Vec<String> =
        missing.iter().map(|key| format!("`{}`", view::one_word(key))).collect();
    let message =
        format!("the {} of {} has no {}", args.stream.name(), named(runs), names.join(", "));
    let failure = Failure::new(Exit::Input, message);
    let near = missing.iter().find_map(|key| nearest(key, known.iter().cloned()));
    match near {
        Some(near) => failure.hint(format!("did you mean `{}`?", view::one_word(&near))),
        None if known.is_empty() => failure.hint("it has no rows yet"),
        None => {
            let some: Vec<String> = known.iter().take(8).map(|key| view::one_word(key)).collect();
            failure.hint(format!("it has, among others: {}", some.join(", ")))
        }
    }
}
