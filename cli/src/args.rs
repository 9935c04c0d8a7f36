//! Defines the command line: every command, its flags and its help. `main` parses the arguments
//! with it. This module never calls a controller.

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
  sweep create sweep.yaml             store the sweep and print its id
  agent k3x9abcd                      run its trials; start one agent on every machine
  sweep watch k3x9abcd                follow the progress
  sweep show k3x9abcd                 list its trials, best first
  sweep best k3x9abcd --json          print the parameters of the best run
  sweep explain k3x9abcd              see which parameters matter, and how
  sweep export k3x9abcd > trials.csv  write all trials to a file

Exit codes: 0 success, 1 refused, 2 wrong input, 3 controller out of reach, 70 a bug in Besom";

/// Run hyperparameter sweeps and track experiments on your own machines
#[derive(Debug, Parser)]
#[command(
    name = "sweep",
    version,
    styles = STYLES,
    after_help = EXAMPLES,
    arg_required_else_help = true
)]
#[command(subcommand_required = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The flags that say where the controller is.
#[derive(Debug, clap::Args)]
pub(crate) struct Reach {
    /// Address of the controller
    #[arg(long, global = true, value_name = "URL", env = proto::dial::CONTROLLER_VAR)]
    #[arg(
        default_value = proto::dial::DEFAULT_CONTROLLER,
        hide_env_values = true,
        display_order = 100
    )]
    pub(crate) controller: String,
    /// Token for the controller
    #[arg(
        long,
        global = true,
        env = proto::dial::TOKEN_VAR,
        hide_env_values = true,
        display_order = 101
    )]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a sweep from a YAML file
    Create(Create),
    /// Check a YAML file for mistakes, without a controller
    Check(Check),
    /// List the sweeps, newest first
    Ls(Ls),
    /// Show a sweep and its ranked trials, or one run
    Show(Show),
    /// Show the best run of a sweep and its parameters
    Best(Best),
    /// Show which parameters matter, or why a run was chosen and how it ended
    Explain(Explain),
    /// Watch a sweep until it is over
    Watch(OneSweep),
    /// Start no new trials until `sweep resume`; running trials continue
    Pause(OneSweep),
    /// Continue a paused sweep
    Resume(OneSweep),
    /// Start no new trials; the sweep ends once its running trials have ended
    Stop(OneSweep),
    /// End a sweep and its running trials now
    Cancel(OneSweep),
    /// Queue runs again that failed, crashed or were stopped
    Retry(Retry),
    /// Write all trials, or all values that they logged, as CSV, JSON or Parquet
    Export(Export),
    /// Import runs from TensorBoard or W&B
    #[command(subcommand)]
    Import(crate::import::Command),
    /// Print what a run wrote to stdout and stderr
    Logs(Logs),
    /// Send runs to the controller that were logged without one
    Sync(crate::sync::Args),
    /// Find runs and read what they logged
    #[command(subcommand)]
    Run(crate::run::Command),
    /// List, show, download and manage artifacts, the versioned files of runs
    #[command(subcommand)]
    Artifact(crate::artifact::Command),
    /// Ask for points and report results as JSON lines, without a controller
    Engine(Engine),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep create sweep.yaml
  ID=$(sweep create --quiet sweep.yaml)
  python make_sweep.py | sweep create -")]
pub(crate) struct Create {
    /// YAML file of the sweep; - reads stdin
    #[arg(value_name = "FILE|-")]
    pub(crate) file: PathBuf,
    /// Print JSON with `id` and `agent` (the command that starts an agent)
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) json: bool,
    /// Print only the id
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exits with 2 if the file has an error. Warnings do not change the exit code.

Example:
  sweep check sweep.yaml --json")]
pub(crate) struct Check {
    /// YAML file of the sweep; - reads stdin
    #[arg(value_name = "FILE|-")]
    pub(crate) file: PathBuf,
    /// Print the problems as a JSON list
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Ls {
    /// List all sweeps, not only the newest 50
    #[arg(long)]
    pub(crate) all: bool,
    /// Print a JSON list
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep show k3x9abcd           show the sweep, its best 20 trials, and what failed
  sweep show k3x9abcd-17        show one run: parameters, summary, and how it ended
  sweep show k3x9abcd --replay  compute every suggestion again and compare")]
pub(crate) struct Show {
    /// Id of a sweep or of a run
    #[arg(value_name = "SWEEP|RUN")]
    pub(crate) id: String,
    /// Show every trial, not only the first 20
    #[arg(long)]
    pub(crate) all: bool,
    /// Print everything as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Compute every suggestion again from the stored results, and compare
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
  sweep explain k3x9abcd                          rank the parameters by importance
  sweep explain k3x9abcd -p lr                    show the metric along one parameter
  sweep explain k3x9abcd -p lr -p optimizer.name  show the metric over two parameters
  sweep explain k3x9abcd-17                       show why this point, and why it stopped")]
pub(crate) struct Explain {
    /// Id of a sweep or of a run
    #[arg(value_name = "SWEEP|RUN")]
    pub(crate) id: String,
    /// Parameter to explain, given once or twice; nested as `optimizer.lr`
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
  sweep retry k3x9abcd               queue every failed or crashed run again
  sweep retry k3x9abcd k3x9abcd-3    queue this run again")]
pub(crate) struct Retry {
    /// Id of a sweep
    #[arg(value_name = "SWEEP")]
    pub(crate) id: String,
    /// Ids of runs [default: all that failed or crashed]
    #[arg(value_name = "RUN")]
    pub(crate) runs: Vec<String>,
}

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
pub(crate) struct Export {
    /// Id of a sweep
    #[arg(value_name = "SWEEP")]
    pub(crate) id: String,
    /// Output format [default: by the file's extension, else csv]
    #[arg(long, value_enum)]
    pub(crate) format: Option<RowFormat>,
    /// Write all values that the runs logged, instead of one row per trial
    #[arg(long)]
    pub(crate) curves: bool,
    /// Write to this file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  sweep logs k3x9abcd-3 --follow")]
pub(crate) struct Logs {
    /// Id of a run: the sweep's id, a hyphen and the trial's number
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Wait for more output until the run is over
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Reads one request per line on stdin and writes one answer per line on stdout:
  {\"op\":\"init\",\"seed\":1,\"space\":{\"lr\":{\"distribution\":\"log_uniform_values\",\
\"min\":1e-5,\"max\":0.1}}}
  {\"ok\":true}
  {\"op\":\"ask\"}
  {\"id\":0,\"params\":{\"lr\":0.001}}
  {\"op\":\"tell\",\"id\":0,\"value\":0.42}
  {\"ok\":true}
`space` has the form of `parameters` in a sweep's YAML. `init` also takes a `goal`, which is
minimize (the default) or maximize, and a `method`: bayes (the default), random, sobol or grid.

You may ask for more points before you tell the results of earlier ones, and tell results in any
order. A value of null, or no value, reports a failure. A request that cannot be answered gets
{\"error\": ...} and changes nothing, except that a failed `init` ends the previous search.")]
pub(crate) struct Engine {
    /// Leave out an ingredient of the Bayesian search (for benchmarks)
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
