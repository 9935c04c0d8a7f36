//! Defines the command line of `sweep`: the list of commands and the general help. `main` parses
//! the command line. The flags and the help of each command are in the command's own file.

use clap::{
    Parser, Subcommand,
    builder::{Styles, styling::AnsiColor},
};

use crate::connect::Reach;

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
  sweep plot k3x9abcd -o best.svg     draw the progress into a file
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

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a sweep from a YAML file
    Create(crate::create::Args),
    /// Check a YAML file for mistakes, without a controller
    Check(crate::check::Args),
    /// List the sweeps, newest first
    Ls(crate::list::Args),
    /// Show a sweep and its ranked trials, or one run
    Show(crate::show::Show),
    /// Show the best run of a sweep and its parameters
    Best(crate::show::Best),
    /// Show which parameters matter, or why a run was chosen and how it ended
    Explain(crate::explain::Args),
    /// Draw the charts of a sweep or the curves of a run as SVG, PNG or HTML
    Plot(crate::plot::Args),
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
    /// Raise the cap of a sweep, so that it tries more trials
    Extend(crate::change::Extend),
    /// Queue points that the sweep tries next
    Enqueue(crate::enqueue::Args),
    /// Queue runs again that failed, crashed or were stopped
    Retry(crate::change::Retry),
    /// Delete a sweep that is over, with its trials
    Rm(OneSweep),
    /// Restore deleted runs and sweeps
    Restore(crate::deleted::Restore),
    /// List the deleted runs and sweeps that can be restored
    Bin(crate::deleted::Bin),
    /// Write all trials, or all values that they logged, as CSV, JSON or Parquet
    Export(crate::export::Args),
    /// Import runs from TensorBoard or W&B
    #[command(subcommand)]
    Import(crate::import::Command),
    /// Print what a run wrote to stdout and stderr
    Logs(crate::logs::Args),
    /// Send runs that were logged offline to the controller
    Sync(crate::sync::Args),
    /// Find runs and read what they logged
    #[command(subcommand)]
    Run(crate::run::Command),
    /// Print the address of the dashboard, or of a sweep's or run's page, and open it
    Open(crate::open::Args),
    /// List, show, download and manage artifacts, the versioned files of runs
    #[command(subcommand)]
    Artifact(crate::artifact::Command),
    /// Store a key for the controller, or show who you are
    Login(crate::login::Args),
    /// Remove the stored key for the controller
    Logout,
    /// Set your password, for logins in a browser
    Password(crate::password::Args),
    /// Make, list and revoke your keys
    #[command(subcommand)]
    Key(crate::key::Command),
    /// Make a link that lets others read a project, a sweep or a run for some time
    Share(crate::share::Args),
    /// Show who created, changed and removed what
    Audit(crate::audit::Args),
    /// Ask for points and report results as JSON lines, without a controller
    Engine(crate::engine::Args),
}

/// Reads the id of a sweep or of a run, which W&B's users write as `TEAM/PROJECT/ID`. An id is
/// unique in the controller, so what stands before it is not needed.
pub(crate) fn id(text: &str) -> Result<String, String> {
    Ok(record::ids::last_part(text)?.to_owned())
}

#[derive(Debug, clap::Args)]
pub(crate) struct OneSweep {
    /// Id of a sweep
    #[arg(value_name = "SWEEP", value_parser = id)]
    pub(crate) id: String,
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

    fn help_of(name: &str) -> String {
        let mut command = Args::command();
        command.build();
        command.find_subcommand_mut(name).unwrap().render_help().to_string()
    }

    #[test]
    fn help_of_export_reads_well() {
        insta::assert_snapshot!(help_of("export"));
    }

    #[test]
    fn help_of_plot_reads_well() {
        insta::assert_snapshot!(help_of("plot"));
    }
}
