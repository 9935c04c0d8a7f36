//! `sweep pause`, `resume`, `stop`, `cancel` and `retry`: change an existing sweep.

use proto::v1::{Change, ChangeSweep, RetryRuns, Sweep};
use terminal::Failure;

use crate::{connect, connect::Controller, view};

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
