//! `sweep pause`, `resume`, `stop`, `cancel`, `extend` and `retry`: change an existing sweep.

use proto::v1::{Change, ChangeSweep, ExtendSweep, RetryRuns, Sweep};
use terminal::Failure;

use crate::{chance, connect, connect::Controller, view};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep retry k3x9abcd               queue every failed or crashed run again
  sweep retry k3x9abcd k3x9abcd-3    queue this run again")]
pub(crate) struct Retry {
    /// Id of a sweep
    #[arg(value_name = "SWEEP", value_parser = crate::args::id)]
    id: String,
    /// Ids of runs [default: all that failed or crashed]
    #[arg(value_name = "RUN", value_parser = crate::args::id)]
    runs: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  sweep extend k3x9abcd --runs 20    try 20 trials more than its run_cap allows")]
pub(crate) struct Extend {
    /// Id of a sweep
    #[arg(value_name = "SWEEP", value_parser = crate::args::id)]
    id: String,
    /// Number of further trials
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
}

/// Pauses a sweep: it starts no new trials until it is resumed.
pub(crate) async fn pause(controller: &Controller, id: &str) -> Result<(), Failure> {
    let sweep = change(controller, id, Change::Pause).await?;
    say(&sweep, &format!("`sweep resume {id}` continues it"));
    Ok(())
}

/// Resumes a sweep: it starts new trials again.
pub(crate) async fn resume(controller: &Controller, id: &str) -> Result<(), Failure> {
    let sweep = change(controller, id, Change::Resume).await?;
    terminal::print(view::sweep::changed(&sweep));
    // If trials are leased or running, the sweep has an agent already.
    if !is_busy(&sweep) {
        terminal::hint(format!("`{}` starts an agent", controller.agent_line(id)));
    }
    Ok(())
}

/// Stops a sweep: it starts no new trials and is over once its running trials have ended.
pub(crate) async fn stop(controller: &Controller, id: &str) -> Result<(), Failure> {
    let sweep = change(controller, id, Change::Stop).await?;
    say(&sweep, &format!("`sweep cancel {id}` also ends the running trials"));
    Ok(())
}

/// Cancels a sweep: it is over at once, and its agents receive the order to end its running trials.
pub(crate) async fn cancel(controller: &Controller, id: &str) -> Result<(), Failure> {
    let sweep = change(controller, id, Change::Cancel).await?;
    say(&sweep, &format!("`sweep watch {id}` shows how its trials end"));
    Ok(())
}

/// Raises the cap of a sweep. Sends an idempotency key, so that a repeat after a lost answer does
/// not raise the cap a second time.
pub(crate) async fn extend(controller: &Controller, args: &Extend) -> Result<(), Failure> {
    let (sweep, runs) = (args.id.clone(), args.runs);
    let message = ExtendSweep { sweep, runs, idempotency_key: chance::key()? };
    let mut sweeps = controller.dial().sweeps();
    let call = async || sweeps.extend(connect::within_patience(message.clone())).await;
    let sweep = match connect::with_tries(call).await {
        Ok(sweep) => sweep,
        Err(status) => return Err(controller.failure_about(&args.id, &status).await),
    };
    terminal::print(view::sweep::extended(&sweep));
    if sweep.state == "paused" {
        terminal::hint(format!("`sweep resume {}` continues it", args.id));
    } else if !is_busy(&sweep) {
        terminal::hint(format!("`{}` starts an agent", controller.agent_line(&args.id)));
    }
    Ok(())
}

async fn change(controller: &Controller, id: &str, change: Change) -> Result<Sweep, Failure> {
    let message = ChangeSweep { sweep: id.to_owned(), change: change.into() };
    match controller.dial().sweeps().change(connect::within_patience(message)).await {
        Ok(sweep) => Ok(sweep.into_inner()),
        Err(status) => Err(controller.failure_about(id, &status).await),
    }
}

/// Prints the state of the sweep to stdout. If trials are leased or running, prints the advice to
/// stderr.
fn say(sweep: &Sweep, advice: &str) {
    terminal::print(view::sweep::changed(sweep));
    if is_busy(sweep) {
        terminal::hint(advice);
    }
}

/// Returns whether trials of the sweep are leased or running.
fn is_busy(sweep: &Sweep) -> bool {
    let counts = sweep.counts.unwrap_or_default();
    counts.leased + counts.running > 0
}

/// Queues runs again and prints their ids.
pub(crate) async fn retry(controller: &Controller, args: &Retry) -> Result<(), Failure> {
    let message = RetryRuns { sweep: args.id.clone(), runs: args.runs.clone() };
    let answer = controller.dial().sweeps().retry(connect::within_patience(message)).await;
    let retried = match answer {
        Ok(retried) => retried.into_inner().runs,
        Err(status) => {
            // The error may be about one of the runs and not about the sweep. Then its message
            // names the run's id.
            let missing =
                args.runs.iter().find(|run| status.message().contains(&format!("`{run}`")));
            return Err(controller.failure_about(missing.unwrap_or(&args.id), &status).await);
        }
    };
    if retried.is_empty() {
        terminal::say(format_args!(
            "sweep `{}` has no failed or crashed run: nothing to retry",
            args.id
        ));
        return Ok(());
    }
    terminal::say(format_args!("queued again: {}", view::count(retried.len() as u64, "run")));
    for run in &retried {
        terminal::print(view::one_word(run));
    }
    let sweep = controller.sweep(&args.id).await?;
    terminal::hint(match sweep.state.as_str() {
        "paused" => format!("the sweep is paused: `sweep resume {}` lets them run", args.id),
        _ => format!("`{}` starts an agent", controller.agent_line(&args.id)),
    });
    Ok(())
}
