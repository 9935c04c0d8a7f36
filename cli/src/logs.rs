//! `sweep logs`: prints what a run wrote to stdout and stderr.

use std::{collections::HashMap, time::Duration};

use proto::{
    dial,
    v1::{Block, ReadRows},
};
use record::{Corrupt, Value};
use terminal::{Exit, Failure};
use tokio::time::{Instant, sleep};
use tonic::Status;

use crate::{connect::Controller, view};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  sweep logs k3x9abcd-3 --follow")]
pub(crate) struct Args {
    /// Id of a run; for a trial, the sweep's id, a hyphen and the trial's number
    #[arg(value_name = "RUN", value_parser = crate::args::id)]
    run: String,
    /// Wait for more output until the run is over
    #[arg(long, short)]
    follow: bool,
}

/// The longest time without a new row that `--follow` waits for a controller that is out of reach.
const PATIENCE: Duration = Duration::from_secs(300);

/// Prints the console of every attempt, oldest first.
pub(crate) async fn logs(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let run = controller.run(&args.run).await?;
    let mut console = Console::default();
    let mut away: Option<(Instant, u32)> = None;
    while let Err(stopped) = read(controller, args, &mut console).await {
        let status = match stopped {
            Stopped::Corrupt(reason) => return Err(corrupt(&args.run, reason)),
            Stopped::Status(status) if args.follow && dial::is_transient(&status) => status,
            Stopped::Status(status) => return Err(controller.failure(&status)),
        };
        let (since, tries) = away.filter(|_| !console.progressed).unwrap_or_else(|| {
            terminal::say("the controller is out of reach; waiting for it");
            (Instant::now(), 0)
        });
        if since.elapsed() > PATIENCE {
            return Err(controller.failure(&status));
        }
        sleep(dial::backoff(tries, 0.5)).await;
        away = Some((since, tries + 1));
        console.progressed = false;
    }
    if console.next.is_empty() {
        terminal::say(format_args!(
            "run `{}` has printed nothing; it is {}",
            run.id,
            view::one_word(&run.state)
        ));
    }
    Ok(())
}

/// The reason why a stream of rows ended early.
enum Stopped {
    Status(Status),
    Corrupt(Corrupt),
}

impl From<Corrupt> for Stopped {
    fn from(corrupt: Corrupt) -> Self {
        Stopped::Corrupt(corrupt)
    }
}

impl From<Status> for Stopped {
    fn from(status: Status) -> Self {
        Stopped::Status(status)
    }
}

async fn read(controller: &Controller, args: &Args, console: &mut Console) -> Result<(), Stopped> {
    let message = ReadRows {
        run: args.run.clone(),
        stream: "console".to_owned(),
        attempt: 0,
        follow: args.follow,
    };
    let mut blocks = controller.dial().runs().read(message).await?.into_inner();
    while let Some(block) = blocks.message().await? {
        let news = console.take(&block)?;
        news.heading.into_iter().for_each(terminal::say);
        news.lines.iter().for_each(terminal::print);
    }
    Ok(())
}

/// The progress of the output: which rows of the console were printed already.
#[derive(Default)]
struct Console {
    /// The offset after the last printed row of each attempt and writer.
    next: HashMap<(u32, String), u64>,
    /// The attempt whose lines were printed last; 0 before the first line.
    attempt: u32,
    /// Whether a new row has arrived since the last wait for the controller.
    progressed: bool,
}

/// The part of a block that was not printed before.
#[derive(Debug, Default, PartialEq)]
struct NewLines {
    /// The line that announces a new attempt; `None` if no new attempt begins.
    heading: Option<String>,
    lines: Vec<String>,
}

impl Console {
    /// Returns the lines of the block that no earlier block had. If rows are missing before the
    /// block, the first line says how many.
    fn take(&mut self, block: &Block) -> Result<NewLines, Corrupt> {
        let end = block.offset + block.rows;
        let next = self.next.entry((block.attempt, block.writer.clone())).or_insert(0);
        if end <= *next {
            return Ok(NewLines::default());
        }
        let seen = usize::try_from(next.saturating_sub(block.offset)).unwrap_or(usize::MAX);
        let missing = block.offset.saturating_sub(*next);
        let rows = record::rows(&block.frames)?;
        *next = end;
        self.progressed = true;
        let begins = self.attempt != block.attempt;
        // The first attempt gets no heading, because most runs have no other attempt.
        let only = self.attempt == 0 && block.attempt == 1 && !block.fenced;
        self.attempt = block.attempt;
        let heading = (begins && !only).then(|| view::logs::attempt(block.attempt, block.fenced));
        let values = rows.into_iter().skip(seen).flat_map(|row| row.values);
        let lines = values.filter_map(|(key, value)| match value {
            Value::Text(line) => Some(view::logs::line(&key, &line)),
            _ => None,
        });
        // The controller keeps only the first and the last part of a long console.
        let gap = (missing > 0).then(|| view::logs::left_out(missing));
        Ok(NewLines { heading, lines: gap.into_iter().chain(lines).collect() })
    }
}

fn corrupt(run: &str, reason: Corrupt) -> Failure {
    Failure::new(Exit::Bug, format!("the console of run `{run}` cannot be read: {reason}"))
        .hint("are `sweep` and the controller of the same version?")
}

#[cfg(test)]
mod tests {
    use record::{Row, Writer};

    use super::*;

    fn block(attempt: u32, offset: u64, lines: &[&str]) -> Block {
        let row = |line: &&str| Row {
            values: vec![("stdout".to_owned(), Value::Text((*line).to_owned()))],
            ..Row::default()
        };
        let rows: Vec<Row> = lines.iter().map(row).collect();
        let mut frames = Vec::new();
        Writer::default().frame(&rows, &mut frames);
        Block {
            attempt,
            writer: "agent".to_owned(),
            offset,
            rows: rows.len() as u64,
            frames,
            fenced: false,
        }
    }

    #[test]
    fn a_reopened_stream_repeats_no_line() {
        let mut console = Console::default();
        assert_eq!(console.take(&block(1, 0, &["a", "b"])).unwrap().lines, ["a", "b"]);
        assert_eq!(console.take(&block(1, 0, &["a", "b"])).unwrap(), NewLines::default());
        assert_eq!(console.take(&block(1, 1, &["b", "c"])).unwrap().lines, ["c"]);
        let later = console.take(&block(1, 7, &["h"])).unwrap();
        assert_eq!(later.lines.len(), 2);
        assert!(later.lines[0].contains("[4 lines left out]"), "{later:?}");
        let second = console.take(&block(2, 0, &["a"])).unwrap();
        assert_eq!((second.heading.is_some(), second.lines), (true, vec!["a".to_owned()]));
    }
}
