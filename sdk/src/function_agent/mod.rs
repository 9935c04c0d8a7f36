//! Runs function agents, as W&B has them: the agent calls a function in this process once for each
//! trial, instead of starting a program. The agent has one slot. The caller's thread runs the
//! function, while the thread of `beats` renews the lease. This module installs no signal handler
//! and starts no process.

pub(crate) mod beats;

use std::{
    any::Any,
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use proto::{
    folder::RunFile,
    v1::{BeginRun, Outcome, Start},
};
use serde_json::Value as Json;
use telemetry::Period;

use crate::{
    endpoint::Endpoint,
    error::{AgentError, InitError},
    function_agent::beats::Desk,
    identity::Identity,
    rows::system,
    run::{
        Run,
        duty::Duty,
        finished::{failed, finished},
        folders,
        shared::{Shared, Start as StartRun},
    },
    term,
};

/// The result of [`agent`]: the trials that it ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Worked {
    /// The trials that the function agent ran, in the order in which they ran.
    pub trials: Vec<Trial>,
}

/// One trial that a function agent ran.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trial {
    /// The run's id.
    pub run: String,
    /// The way in which the trial ended.
    pub ended: Ended,
}

/// The way in which a trial ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The function returned `Ok`.
    Finished,
    /// The function returned an error or panicked. The field is the message of the error or panic.
    Failed(String),
    /// The function returned an error or panicked after [`Run::should_stop`] had become true, for
    /// example because the controller had stopped the trial.
    Stopped,
    /// The function ended after the time of the sweep's `timeout`. The function's return value does
    /// not count.
    TimedOut,
    /// The function ended after this process received SIGTERM. The controller hands the trial out
    /// again, as a new attempt.
    Preempted,
    /// The controller did not get the end of the trial, or not all of its rows and files. The field
    /// is the reason. The controller may run the trial again as a new attempt.
    Unreported(String),
}

/// Calls `function` once for each trial that the controller gives to this process.
///
/// The call returns after `count` trials (`None` sets no bound), or when the sweep is over. It also
/// returns after SIGTERM, if the function has called [`Run::should_stop`] before the signal came.
/// Without such a call, SIGTERM ends the process. The agent runs one trial at a time, on the
/// caller's thread. It takes the controller's address and the token from the environment, as
/// [`init`](crate::init) does.
///
/// `run.config()` returns the trial's parameters. A trial is finished if the function returns `Ok`,
/// and failed if the function returns an error or panics. After either end, the agent runs the next
/// trial. A function that runs for long should call [`Run::should_stop`] from time to time.
///
/// ```no_run
/// # fn train(learning_rate: f64) -> f64 { learning_rate }
/// besom::agent("k3x9a0bc", 50, |run| {
///     let config: std::collections::HashMap<String, f64> = run.config()?;
///     run.log([("val/loss", train(config["learning_rate"]))]);
///     Ok::<_, besom::ConfigError>(())
/// })?;
/// # Ok::<_, besom::AgentError>(())
/// ```
///
/// # Errors
/// Fails with [`AgentError`] if the sweep does not exist, or if the controller refuses the agent or
/// does not answer at the start. Also fails if an environment variable is not valid, or if a
/// trial's run cannot be started, for example because the disk takes no journal. If the controller
/// does not answer later, the call waits for it.
pub fn agent<E: Display>(
    sweep: &str,
    count: impl Into<Option<u64>>,
    mut function: impl FnMut(Run) -> Result<(), E>,
) -> Result<Worked, AgentError> {
    let count = count.into().unwrap_or(u64::MAX);
    let period = system::period(None)?;
    let endpoint = Endpoint::find(None);
    let desk = Arc::new(Desk::new(sweep));
    let mut worked = Worked::default();
    if count > 0 {
        beats::spawn(Arc::clone(&desk), endpoint.clone())?;
    }
    let _leave = Leave(&desk);
    while (worked.trials.len() as u64) < count && !term::was_told() {
        let Some(start) = desk.next()? else { break };
        let run = begin(&start, endpoint.clone(), period)?;
        desk.running(run.shared());
        worked.trials.push(work(run, &mut function));
    }
    Ok(worked)
}

/// A guard that ends the heartbeats when [`agent`] returns or panics.
struct Leave<'a>(&'a Desk);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

fn begin(start: &Start, mut endpoint: Endpoint, period: Period) -> Result<Run, InitError> {
    let identity = Identity {
        run: start.run.clone(),
        attempt: start.attempt,
        sweep: Some(start.sweep.clone()),
        trial: Some(start.trial),
    };
    let params: Json = serde_json::from_str(&start.params_json)
        .map_err(|error| InitError::Config(error.to_string()))?;
    if !start.token.is_empty() {
        endpoint.0.token = Some(start.token.clone());
    }
    let folder = folders::of(None, &identity);
    // The run's folder gets this call as `run.json`. If the controller does not answer until the
    // end of the trial, `sweep sync` needs that file to send the remaining rows.
    let begin =
        BeginRun { run: identity.run.clone(), attempt: identity.attempt, ..BeginRun::default() };
    let start_run = StartRun::new(identity, params.clone(), folder, Duty::trial(), Some(endpoint));
    let start_run = StartRun { params: Some(params), file: Some(RunFile::new(begin)), ..start_run };
    let run = Run::new(Shared::start(start_run)?);
    let deadline =
        start.timeout_ms.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
    if let Some(deadline) = deadline {
        run.shared().sender.time_out_at(deadline);
    }
    run.shared().samples.start(&run.shared().buffer, period)?;
    Ok(run)
}

/// Calls the function and reports to the controller how the trial ended, even if the function
/// panicked.
fn work<E: Display>(run: Run, function: &mut impl FnMut(Run) -> Result<(), E>) -> Trial {
    // A panic ends the trial and not the agent: the next trial calls the same function again. After
    // a panic, the data that the function has captured may be inconsistent. `AssertUnwindSafe`
    // accepts this.
    let returned = catch_unwind(AssertUnwindSafe(|| function(run.clone())));
    let ended = match returned {
        _ if run.shared().sender.is_timed_out() => Ended::TimedOut,
        _ if term::was_told() => Ended::Preempted,
        Ok(Ok(())) => Ended::Finished,
        // `Run::should_stop` would install the handler of SIGTERM.
        _ if run.shared().sender.stop_wanted() => Ended::Stopped,
        Ok(Err(error)) => Ended::Failed(error.to_string()),
        Err(panic) => Ended::Failed(format!("panicked: {}", message(panic.as_ref()))),
    };
    let settled = run.settle(outcome(&ended));
    let ended = settled.map_or_else(|error| Ended::Unreported(error.to_string()), |_| ended);
    Trial { run: run.id().to_owned(), ended }
}

fn outcome(ended: &Ended) -> Outcome {
    match ended {
        Ended::Failed(message) => failed(message.clone()),
        Ended::TimedOut => {
            let message = "it ran for longer than the sweep's `timeout`".to_owned();
            Outcome { class: "timeout".to_owned(), ..failed(message) }
        }
        Ended::Stopped => Outcome { state: "stopped".to_owned(), ..Outcome::default() },
        Ended::Preempted => Outcome { state: "preempted".to_owned(), ..Outcome::default() },
        Ended::Finished | Ended::Unreported(_) => finished(),
    }
}

/// Returns the message of a panic, or a replacement if the panic has no text.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
