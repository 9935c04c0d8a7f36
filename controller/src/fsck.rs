//! Runs `controller fsck`, the check of a data folder, for people and for scripts. `main` calls it.

use std::path::PathBuf;

use controller::{Report, StartError, settings::Settings};
use terminal::{Exit, Failure, count, one_line, progress, size};

/// The longest line of the report, in columns.
const WIDTH: usize = 200;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The controller must not run during the check. The check decodes every row and hashes every content,
which takes as long as reading the folder does. It changes no file, so it also checks a folder that
cannot be written, or one that an older controller has written.

Examples:
  controller fsck --data /srv/besom
  controller fsck --json | jq .problems

Exit codes: 0 everything is intact, 1 something is missing, damaged or unreadable, 2 there is no
such data folder")]
pub(crate) struct Args {
    /// The folder of the database
    #[arg(long, value_name = "DIR", default_value = "besom-data")]
    data: PathBuf,
    /// Print {"runs": ..., "problems": [{"place": ..., "what": ...}]}
    #[arg(long)]
    json: bool,
}

/// Checks the folder and prints every problem.
pub(crate) async fn check(args: &Args) -> Result<(), Failure> {
    let settings = Settings { data: args.data.clone(), ..Settings::default() };
    let spinner = progress::spinner("checking");
    let seen = |report: &Report| {
        spinner.set_message(format!("{}, {}", count(report.runs, "run"), size(report.bytes)));
    };
    let report = controller::fsck(settings, &seen).await;
    spinner.finish_and_clear();
    let report = report.map_err(|error| match error {
        StartError::InUse(_) => Failure::new(Exit::Refused, error.to_string())
            .hint("stop the controller first: `fsck` cannot check a folder that changes"),
        error => crate::failure(error),
    })?;
    let found = report.problems.len();
    if args.json {
        terminal::print(json(&report));
    } else {
        for problem in &report.problems {
            terminal::print(one_line(&format!("{}: {}", problem.place, problem.what), WIDTH));
        }
        let verdict = if found == 0 { ": nothing is missing and nothing is damaged" } else { "" };
        terminal::say(format_args!("{}{verdict}", holds(&report)));
    }
    match found {
        0 => Ok(()),
        1 => Err(Failure::new(Exit::Refused, "there is 1 problem in this folder")),
        more => {
            Err(Failure::new(Exit::Refused, format!("there are {more} problems in this folder")))
        }
    }
}

/// Describes what a folder holds: `2 runs, 10 rows, 4 contents of 20 B`.
pub(crate) fn holds(report: &Report) -> String {
    let Report { runs, rows, contents, bytes, .. } = report;
    let [runs, rows] = [count(*runs, "run"), count(*rows, "row")];
    format!("{runs}, {rows}, {} of {}", count(*contents, "content"), size(*bytes))
}

pub(crate) fn json(report: &Report) -> serde_json::Value {
    let problem = |problem: &controller::Problem| // One member of `problems`.
        serde_json::json!({ "place": problem.place, "what": problem.what });
    let problems: Vec<_> = report.problems.iter().map(problem).collect();
    let Report { runs, rows, contents, bytes, .. } = report;
    serde_json::json!({
        "runs": runs, "rows": rows, "contents": contents, "bytes": bytes, "problems": problems,
    })
}
