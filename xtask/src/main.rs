//! Besom's own tasks, as `cargo xtask TASK`. Runs cargo and our programs; needs nothing of ours to
//! compile, so that the first words appear at once.

mod cargo;
mod demo;
mod install;
mod libtorch;
mod say;
mod test;

use std::{fmt, process::ExitCode};

const HELP: &str = "\
Besom's own tasks

Usage: cargo xtask TASK

Tasks:
  demo              runs a real sweep, from nothing to the best config, and leaves nothing running
  test              everything that CI checks
  simulate [..]     a fleet under all kinds of trouble, from seeds: --seeds 100000, or --seed 7 \
  for one of them
  soak [N]          kills controllers and trainers that log, 1,000 times, and looks for what was \
  acknowledged; kills controller,
                    agents, shims and trainers of a grid, 1,000 times, and looks at each cell; \
                    stops badly behaved trials,
                    1,000 of them, and looks for what lives on; fills a disk; holds all of them \
                    to their times
  install           builds controller, agent and sweep, and puts them on the PATH
  libtorch          fetches libtorch into the cache folder (demo and test do it by themselves)
  libtorch --env    prints the line for your shell that lets a plain `cargo build -p examples` \
  find it
  bench loop [...]  asks and tells a second through a real controller, beside the floor of raw \
  SQLite
  bench fleet [...] 300 agents beside 32, stops with 200 agents connected; --grid 100000: each \
  point once, in bounded memory
  bench outage [..] how fast what was logged without a controller arrives once it is back
  bench history     many runs listed, curves and rows of a long history, through a real \
  controller, beside raw SQLite
  bench search [..] regret of the search on many small problems, beside random search and peers
  bench track [...] what a call of log costs and points a second until durable, beside floors and \
  peers";

/// Why a task failed, with what to do about it.
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

/// Tests of CI, for longer.
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
        ["demo"] => demo::run(),
        ["test"] => test::run(),
        ["soak"] => soak("1000"),
        ["soak", times] if times.parse::<u32>().is_ok_and(|times| times > 0) => soak(times),
        ["simulate", flags @ ..] => {
            cargo::run(["run", "--quiet", "--package", "simulation", "--"].iter().chain(flags))
        }
        ["install"] => install::run(),
        ["libtorch"] => libtorch::ensure().map(|folder| say::line(folder.display())),
        ["libtorch", "--env"] => libtorch::ensure()
            .map(|folder| say::result(format_args!("export LIBTORCH={}", folder.display()))),
        ["bench", "loop", flags @ ..] => cargo::bench("bench_loop", flags),
        ["bench", "fleet", flags @ ..] => cargo::bench("bench_fleet", flags),
        ["bench", "outage", flags @ ..] => cargo::bench("bench_outage", flags),
        ["bench", "history"] => cargo::run(
            [
                "test",
                "--package",
                "controller",
                "--test",
                "api",
                "--",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
                "bench::",
            ]
            .iter(),
        ),
        ["bench", "track", flags @ ..] => cargo::bench("bench_track", flags),
        ["bench", "search", flags @ ..] => cargo::bench("bench_search", flags),
        ["help" | "--help" | "-h"] | [] => {
            say::result(HELP);
            Ok(())
        }
        other => Err(Failure::new(format!("no task `{}`", other.join(" ")))
            .hint("`cargo xtask help` lists them")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::line(failure);
            ExitCode::FAILURE
        }
    }
}
