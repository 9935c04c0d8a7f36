//! `sweep show` and `sweep best`: show a sweep with its ranking, one run, the best run of a sweep,
//! or the result of a replay.

use proto::v1::{self, Recommendation, ReplayTrials, RunRef, SweepRef};
use serde_json::json;
use terminal::{Exit, Failure};
use tonic::Code;

use crate::{clock, connect, connect::Controller, json, view};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep show k3x9abcd           show the sweep, its best 20 trials, and what failed
  sweep show k3x9abcd-17        show one run: parameters, summary, and how it ended
  sweep show k3x9abcd --replay  compute every suggestion again and compare")]
pub(crate) struct Show {
    /// Id of a sweep or of a run
    #[arg(value_name = "SWEEP|RUN", value_parser = crate::args::id)]
    id: String,
    /// Show every trial, not only the first 20
    #[arg(long)]
    all: bool,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
    /// Compute every suggestion again from the stored results, and compare
    #[arg(long, conflicts_with = "all")]
    replay: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Values may have noise, so the run with the best value may only be a lucky one. The command also
names the recommended run: of the finished runs, the one from which a model of all trials expects
the best value. If both are the same run, one line says so.")]
pub(crate) struct Best {
    /// Id of a sweep
    #[arg(value_name = "SWEEP", value_parser = crate::args::id)]
    id: String,
    /// Print the run as JSON
    #[arg(long)]
    json: bool,
}

/// The object that an id names.
pub(crate) enum Found {
    /// A sweep.
    Sweep(Box<v1::Sweep>),
    /// A run, of a sweep or not.
    Run(Box<v1::Run>),
}

/// Prints a sweep or a run.
pub(crate) async fn show(controller: &Controller, args: &Show) -> Result<(), Failure> {
    let found = find(controller, &args.id).await?;
    if args.replay {
        return replay(controller, &found, args).await;
    }
    match found {
        Found::Sweep(sweep) => {
            let runs = controller.runs_of(&sweep.id).await?;
            if args.json {
                let runs: Vec<_> = runs.iter().map(json::run).collect();
                terminal::print(json::text(&json!({ "sweep": json::sweep(&sweep), "runs": runs })));
                return Ok(());
            }
            let shown = view::sweep::Shown {
                now_ms: clock::wall_ms(),
                all: args.all,
                columns: terminal::columns(),
            };
            terminal::print(view::sweep::sweep(&sweep, &runs, &shown));
            if runs.is_empty() && !view::is_over(&sweep) {
                terminal::hint(format!("`{}` starts an agent", controller.agent_line(&sweep.id)));
            }
            for warning in view::sweep::warnings(&runs) {
                terminal::warn(warning);
            }
        }
        Found::Run(found) => run(controller, &found, args.json).await?,
    }
    Ok(())
}

/// Prints a run.
pub(crate) async fn run(controller: &Controller, run: &v1::Run, json: bool) -> Result<(), Failure> {
    if json {
        terminal::print(json::text(&json::run_with_rungs(run)));
        return Ok(());
    }
    let sweep = if run.sweep.is_empty() { None } else { Some(controller.sweep(&run.sweep).await?) };
    terminal::print(view::run::run(run, sweep.as_ref(), clock::wall_ms()));
    Ok(())
}

/// Finds the sweep or the run with this id. An id with a hyphen always names a run. Any other id
/// may name a sweep or a run outside of sweeps, so the function tries a sweep first.
pub(crate) async fn find(controller: &Controller, id: &str) -> Result<Found, Failure> {
    if id.contains('-') {
        return Ok(Found::Run(Box::new(controller.run(id).await?)));
    }
    match controller
        .dial()
        .sweeps()
        .get(connect::within_patience(SweepRef { sweep: id.to_owned() }))
        .await
    {
        Ok(sweep) => Ok(Found::Sweep(Box::new(sweep.into_inner()))),
        Err(status) if status.code() == Code::NotFound => {
            let run = controller
                .dial()
                .runs()
                .get(connect::within_patience(RunRef { run: id.to_owned() }))
                .await;
            match run {
                Ok(run) => Ok(Found::Run(Box::new(run.into_inner()))),
                Err(_) => Err(controller.failure_about(id, &status).await),
            }
        }
        Err(status) => Err(controller.failure(&status)),
    }
}

async fn replay(controller: &Controller, found: &Found, args: &Show) -> Result<(), Failure> {
    let (sweep, trials) = match found {
        Found::Sweep(sweep) => (sweep.id.clone(), Vec::new()),
        Found::Run(run) => match run.trial {
            Some(trial) => (run.sweep.clone(), vec![trial]),
            None => {
                let message = format!("run `{}` is in no sweep: no search suggested it", run.id);
                return Err(Failure::new(Exit::Input, message));
            }
        },
    };
    // There is no deadline: fitting the models of a long sweep again takes long.
    let answer =
        controller.dial().sweeps().replay(ReplayTrials { sweep: sweep.clone(), trials }).await;
    let replayed = answer.map_err(|status| controller.failure(&status))?.into_inner();
    if args.json {
        terminal::print(json::text(&json::replayed(&replayed)));
    } else {
        terminal::print(view::sweep::replayed(&replayed));
    }
    match replayed.different.len() as u64 {
        0 => Ok(()),
        different => {
            let message = format!(
                "{} of sweep `{sweep}` came out different",
                view::count(different, "suggestion")
            );
            Err(Failure::new(Exit::Refused, message)
                .hint("this is a bug in besom; please report it"))
        }
    }
}

/// Prints the best run of a sweep.
pub(crate) async fn best(controller: &Controller, args: &Best) -> Result<(), Failure> {
    let sweep = controller.sweep(&args.id).await?;
    let Some(run) = &sweep.best else { return Err(no_best(&sweep)) };
    let found = recommended(controller, &sweep).await?;
    let found = found.as_ref().map(|(recommendation, run)| (recommendation, run));
    terminal::print(match args.json {
        true => json::text(&json::best(run, found)),
        false => {
            let recommended = found.map(|(recommendation, run)| {
                format!("\n\n{}", view::recommended::run(&sweep, recommendation, run))
            });
            view::run::best(&sweep, run) + &recommended.unwrap_or_default()
        }
    });
    Ok(())
}

/// Requests the recommendation and the recommended run. Returns `None` if the sweep has too few
/// trials for one, or if the controller is too old to know the call. The best run does not depend
/// on it, so any other refusal is only a warning.
async fn recommended(
    controller: &Controller,
    sweep: &v1::Sweep,
) -> Result<Option<(Recommendation, v1::Run)>, Failure> {
    let wanted = SweepRef { sweep: sweep.id.clone() };
    match controller.dial().sweeps().recommend(connect::within_patience(wanted)).await {
        Ok(answer) => {
            let found = answer.into_inner();
            let id = found.recommended.as_ref().map(|one| one.run.clone()).unwrap_or_default();
            let run = controller.run(&id).await?;
            Ok(Some((found, run)))
        }
        Err(status) if matches!(status.code(), Code::FailedPrecondition | Code::Unimplemented) => {
            Ok(None)
        }
        Err(status) => {
            terminal::warn(format!("no run is recommended: {}", status.message()));
            Ok(None)
        }
    }
}

fn no_best(sweep: &v1::Sweep) -> Failure {
    let id = &sweep.id;
    if sweep.metric.is_empty() {
        return Failure::new(
            Exit::Refused,
            format!("sweep `{id}` has no metric, so no run is the best"),
        )
        .hint("name one in the YAML: `metric: {name: val/loss, goal: minimize}`");
    }
    let metric = terminal::one_line(&sweep.metric, 60);
    let finished = sweep.counts.unwrap_or_default().finished;
    let (message, hint) = match finished {
        0 => (
            format!("no run of sweep `{id}` has finished"),
            format!("`sweep show {id}` shows its progress"),
        ),
        _ if !sweep.limits.is_empty() => (
            format!(
                "no finished run of sweep `{id}` has logged `{metric}` and is within all \
                `constraints`"
            ),
            format!("`sweep show {id}` shows each run's values against them"),
        ),
        _ => (
            format!("no finished run of sweep `{id}` has logged `{metric}`"),
            format!("`sweep show {id}` names what was logged instead"),
        ),
    };
    Failure::new(Exit::Refused, message).hint(hint)
}
