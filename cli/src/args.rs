//! The command line: every command, its flags and its help. Read by `main`; knows no controller.

use std::path::PathBuf;

use clap::{
    Parser, Subcommand,
    builder::{Styles, styling::AnsiColor},
};
use sweeps::search::Ingredient;

use crate::export::RowFormat;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  sweep check sweep.yaml              find every mistake before anything runs
  sweep create sweep.yaml             store the sweep, print its id
  agent k3x9abcd                      work on it; on every machine that should
  sweep watch k3x9abcd                see how it goes
  sweep show k3x9abcd                 its trials, best first
  sweep best k3x9abcd --json          the winner's parameters
  sweep explain k3x9abcd              which parameters matter, and how
  sweep export k3x9abcd > trials.csv  all of it

Exit codes: 0 done, 1 refused, 2 wrong input, 3 controller out of reach, 70 a bug of ours";

/// Hyperparameter sweeps on your own machines
#[derive(Debug, Parser)]
#[command(name = "sweep", version, styles = STYLES, after_help = EXAMPLES, arg_required_else_help = true)]
#[command(subcommand_required = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the controller is.
#[derive(Debug, clap::Args)]
pub(crate) struct Reach {
    /// Where the controller is
    #[arg(long, global = true, value_name = "URL", env = proto::dial::CONTROLLER_VAR)]
    #[arg(default_value = proto::dial::DEFAULT_CONTROLLER, hide_env_values = true, display_order = 100)]
    pub(crate) controller: String,
    /// Token that the controller wants
    #[arg(long, global = true, env = proto::dial::TOKEN_VAR, hide_env_values = true, display_order = 101)]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a sweep from a YAML file
    Create(Create),
    /// Check a YAML file, without a controller
    Check(Check),
    /// List the sweeps, newest first
    Ls(Ls),
    /// Show a sweep with its trials ranked, or one run
    Show(Show),
    /// Show the best run of a sweep and its parameters
    Best(Best),
    /// Show which parameters matter and how, or why a run was chosen and stopped
    Explain(Explain),
    /// Watch a sweep until it is over
    Watch(OneSweep),
    /// Hand out no new trials until resumed; running ones go on
    Pause(OneSweep),
    /// Go on after a pause
    Resume(OneSweep),
    /// Hand out no new trials; the sweep is over once running ones have ended
    Stop(OneSweep),
    /// End a sweep and its running trials now
    Cancel(OneSweep),
    /// Queue failed, crashed or stopped runs again
    Retry(Retry),
    /// Write all trials, or all that they logged, as CSV, JSON or Parquet
    Export(Export),
    /// Bring in the runs of TensorBoard or W&B
    #[command(subcommand)]
    Import(crate::import::Command),
    /// Print what a run wrote to its stdout and stderr
    Logs(Logs),
    /// Send runs that were logged without a controller
    Sync(crate::sync::Args),
    /// Find runs, and look at one
    #[command(subcommand)]
    Run(crate::run::Command),
    /// Look at artifacts: what runs have made and used, in versions
    #[command(subcommand)]
    Artifact(crate::artifact::Command),
    /// Ask for points and tell results as JSON lines, without a controller
    Engine(Engine),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep create sweep.yaml
  ID=$(sweep create --quiet sweep.yaml)
  python make_sweep.py | sweep create -")]
pub(crate) struct Create {
    /// The sweep's YAML; - reads it from stdin
    #[arg(value_name = "FILE|-")]
    pub(crate) file: PathBuf,
    /// Print {"id": ..., "agent": ...}
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) json: bool,
    /// Print the id alone
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exits with 2 if the file has an error; warnings are no errors.

Example:
  sweep check sweep.yaml --json")]
pub(crate) struct Check {
    /// The sweep's YAML; - reads it from stdin
    #[arg(value_name = "FILE|-")]
    pub(crate) file: PathBuf,
    /// Print the problems as a JSON list
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Ls {
    /// Not only the newest 50
    #[arg(long)]
    pub(crate) all: bool,
    /// Print a JSON list
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep show k3x9abcd           the sweep, its best 20 trials, and what failed
  sweep show k3x9abcd-17        one run: parameters, summary, how it ended
  sweep show k3x9abcd --replay  compute every suggestion again and compare")]
pub(crate) struct Show {
    /// Id of a sweep or of a run
    #[arg(value_name = "SWEEP|RUN")]
    pub(crate) id: String,
    /// Every trial, not only the first 20
    #[arg(long)]
    pub(crate) all: bool,
    /// Print everything as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Compute the suggestions again from what is stored, and compare
    #[arg(long, conflicts_with = "all")]
    pub(crate) replay: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Best {
    /// Id of a sweep
    #[arg(value_name = "SWEEP")]
    pub(crate) id: String,
    /// Print the run as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep explain k3x9abcd                          parameters by importance, with their best values
  sweep explain k3x9abcd -p lr                    the metric along one parameter
  sweep explain k3x9abcd -p lr -p optimizer.name  over two parameters
  sweep explain k3x9abcd-17                       why this point, and why it was stopped")]
pub(crate) struct Explain {
    /// Id of a sweep or of a run
    #[arg(value_name = "SWEEP|RUN")]
    pub(crate) id: String,
    /// Only this parameter, or these two together; nested ones as `optimizer.lr`
    #[arg(long = "parameter", short, value_name = "NAME")]
    pub(crate) parameters: Vec<String>,
    /// Print everything as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OneSweep {
    /// Id of a sweep
    #[arg(value_name = "SWEEP")]
    pub(crate) id: String,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep retry k3x9abcd               every failed or crashed run
  sweep retry k3x9abcd k3x9abcd-3    this run")]
pub(crate) struct Retry {
    /// Id of a sweep
    #[arg(value_name = "SWEEP")]
    pub(crate) id: String,
    /// Ids of runs; without any, all that failed or crashed
    #[arg(value_name = "RUN")]
    pub(crate) runs: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
CSV and Parquet have one row per trial: run, trial, state, attempt, value, the parameters (nested
ones as `optimizer.lr`), the keys of the summary, agent, and the times in UTC. A name that two
columns would share is prefixed with `params.` or `summary.`.

With --curves there is one row per value that any run logged: run, attempt, step, time, key, value,
text. `value` is a number; `text` has what is none, and whole numbers beyond 2^53 exactly.

Examples:
  sweep export k3x9abcd > trials.csv
  sweep export k3x9abcd --format json --output trials.json
  sweep export k3x9abcd --curves --output curves.parquet")]
pub(crate) struct Export {
    /// Id of a sweep
    #[arg(value_name = "SWEEP")]
    pub(crate) id: String,
    /// How to write it; without this, as the output's name ends, else CSV
    #[arg(long, value_enum)]
    pub(crate) format: Option<RowFormat>,
    /// All that the runs logged, not what came of them
    #[arg(long)]
    pub(crate) curves: bool,
    /// Write to this file rather than to stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  sweep logs k3x9abcd-3 --follow")]
pub(crate) struct Logs {
    /// Id of a run: the sweep's id, a hyphen, the number of the trial
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Wait for more until the run is over
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
One request per line on stdin, one answer per line on stdout:
  {\"op\":\"init\",\"space\":{\"lr\":{\"min\":1e-5,\"max\":0.1,\"distribution\":\"log_uniform_values\"}},\"seed\":1,\"goal\":\"minimize\"}
  {\"ok\":true}
  {\"op\":\"ask\"}
  {\"id\":0,\"params\":{\"lr\":0.001}}
  {\"op\":\"tell\",\"id\":0,\"value\":0.42}
  {\"ok\":true}
`space` is the `parameters` of a sweep's YAML. Points may be asked for while others are out, and
told in any order; a value of null is a failure. `init` also takes a \"method\": bayes, random,
sobol or grid. A request that cannot be answered gets {\"error\": ...} and changes nothing.")]
pub(crate) struct Engine {
    /// Leave out a part of the Bayesian search, to see what it is worth
    #[arg(long, value_name = "INGREDIENT", value_parser = ingredient)]
    pub(crate) without: Vec<Ingredient>,
}

fn ingredient(name: &str) -> Result<Ingredient, String> {
    Ingredient::of(name).ok_or_else(|| {
        let names: Vec<&str> = Ingredient::ALL.iter().map(|ingredient| ingredient.name()).collect();
        format!("the ingredients are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn help_reads_well() {
        insta::assert_snapshot!(Args::command().render_help().to_string());
    }

    #[test]
    fn help_of_export_reads_well() {
        let mut command = Args::command();
        command.build();
        let export = command.find_subcommand_mut("export").unwrap();
        insta::assert_snapshot!(export.render_help().to_string());
    }
}
