//! Runs Besom's development tasks: `cargo xtask TASK`. The program starts cargo and Besom's
//! programs. It depends on none of Besom's crates, so it compiles quickly and its first output
//! appears at once.

mod browser;
mod cache;
mod cargo;
mod demo;
mod fuzzing;
mod install;
mod libtorch;
mod say;
mod stamp;
mod test;
mod wandb;
mod web;

use std::{fmt, process::ExitCode};

const HELP: &str = "\
Besom's development tasks

Usage: cargo xtask TASK

Tasks:
  demo [--keep]      run a real sweep, show the best configuration, leave nothing running;
                     --keep: keep the controller running until Ctrl+C, to look at its dashboard
  test               run everything that CI checks
  simulate [..]      simulate a fleet with all kinds of faults, from seeds:
                     --seeds 100000, or --seed 7 for one of them
  soak [N]           run each of these tests with N rounds, 1,000 by default:
                     kill controllers and trainers, and look for acknowledged rows that are lost;
                     kill all kinds of programs of a grid sweep, and check the result of each cell;
                     stop badly behaved trials, and look for processes that survive;
                     fill the controller's disk. All tests must keep to their time limits.
  fuzz [NAME [S]]    feed arbitrary bytes to each decoder, or only to NAME, for 60 or S seconds;
                     needs a nightly Rust and `cargo install cargo-fuzz`
  wandb-clients [V]  run the tests of W&B's client with its older versions, or with these
  web                build the dashboard, which the next build of the controller embeds;
                     needs Node.js and npm
  install            build controller, agent and sweep, and put them on the PATH
  libtorch           fetch libtorch into the cache folder (demo and test do it themselves)
  libtorch --env     print the shell line with which a plain `cargo build -p examples`
                     finds libtorch
  bench loop [..]    asks and tells per second through a real controller, beside raw SQLite
  bench fleet [..]   the cost of 300 agents beside 32, and the time to a stop with 200 agents;
                     --grid 100000: run each point of a grid once, and measure the memory
  bench outage [..]  how fast rows that were logged without a controller arrive once it is back
  bench history      lists of many runs, and curves and rows of a long history, through a real
                     controller, beside raw SQLite
  bench search [..]  regret of the search on many small problems, beside random search and peers
  bench wandb [..]   rows of W&B's client per second, their cost beside the client's own, and
                     lists of many runs beside our own
  bench dashboard [--minutes N]
                     the dashboard's times in Chromium beside their budgets, its charts beside
                     React and ECharts, and its memory after N minutes, 30 by default
  bench track [..]   the cost of a call of `log`, and durable points per second, beside lower
                     bounds and peers";

/// How long each decoder is fuzzed by default, in seconds.
const FUZZ_SECONDS: u32 = 60;

/// The reason why a task failed, with a hint.
#[derive(Debug)]
struct Failure {
    what: String,
    hint: Option<String>,
}

impl Failure {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", say::red("error"), self.what)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\n{}: {hint}", say::cyan("hint")))
    }
}

type Result<T> = std::result::Result<T, Failure>;

/// Runs the end-to-end tests of kills, stops and a full disk with `times` rounds each.
fn soak(times: &str) -> Result<()> {
    let test =
        |name| ["test", "--package", "tests", "--test", "end_to_end", name, "--", "--nocapture"];
    for part in ["kills::", "hunt::", "stops::", "full::"] {
        let mut command = cargo::command(test(part));
        command.env("BESOM_KILLS", times).env("BESOM_STOPS", times).env("BESOM_MEASURES", "true");
        cargo::finish(&mut command)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["demo"] => demo::run(false),
        ["demo", "--keep"] => demo::run(true),
        ["test"] => test::run(),
        ["soak"] => soak("1000"),
        ["soak", times] if times.parse::<u32>().is_ok_and(|times| times > 0) => soak(times),
        ["simulate", flags @ ..] => {
            let run = ["run", "--quiet", "--release", "--package", "simulation", "--"];
            cargo::run(run.iter().chain(flags))
        }
        ["fuzz"] => fuzzing::run(None, FUZZ_SECONDS),
        ["fuzz", target] => fuzzing::run(Some(target), FUZZ_SECONDS),
        ["fuzz", target, seconds] => match seconds.parse() {
            Ok(seconds) => fuzzing::run(Some(target), seconds),
            Err(_) => Err(Failure::new(format!("`{seconds}` is not a number of seconds"))),
        },
        ["wandb-clients", versions @ ..] => wandb::older(versions),
        ["web"] => web::build(),
        ["install"] => install::run(),
        ["libtorch"] => libtorch::ensure().map(|folder| say::line(folder.display())),
        ["libtorch", "--env"] => libtorch::ensure()
            .map(|folder| say::result(format_args!("export LIBTORCH={}", folder.display()))),
        ["bench", "loop", flags @ ..] => cargo::bench("bench_loop", flags),
        ["bench", "fleet", flags @ ..] => cargo::bench("bench_fleet", flags),
        ["bench", "outage", flags @ ..] => cargo::bench("bench_outage", flags),
        ["bench", "history"] => cargo::run([
            "test",
            "--release",
            "--package",
            "tests",
            "--test",
            "api",
            "--",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
            "bench::",
        ]),
        ["bench", "track", flags @ ..] => cargo::bench("bench_track", flags),
        ["bench", "wandb", flags @ ..] => wandb::bench(flags),
        ["bench", "dashboard", flags @ ..] => web::bench(flags),
        ["bench", "search", flags @ ..] => cargo::bench("bench_search", flags),
        ["help" | "--help" | "-h"] | [] => {
            say::result(HELP);
            Ok(())
        }
        other => Err(Failure::new(format!("there is no task `{}`", other.join(" ")))
            .hint("`cargo xtask help` lists the tasks")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::line(failure);
            ExitCode::FAILURE
        }
    }
}
