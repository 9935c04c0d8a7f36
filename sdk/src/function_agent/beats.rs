//! Sends the heartbeats of a function agent. One thread gets orders from the controller with
//! heartbeats, and the caller's thread runs trials. A [`Desk`] holds the state that both threads
//! share. `function_agent` calls this module, which runs no trial.

use std::{
    fs,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use proto::{
    dial::{Dial, answer_patience, backoff, is_away, is_transient},
    v1::{Beat, Held, Orders, RunAttempt, Start},
};
use tokio::{select, sync::Notify, time};
use tonic::{Code, Status};

use crate::{
    calls::{answer, reason, runtime},
    chance::{jitter, unique},
    endpoint::Endpoint,
    error::AgentError,
    run::shared::Shared,
    term,
};

/// The duration of a heartbeat's long poll before the controller has stated the lease. Later long
/// polls last a third of the lease.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The time that the answer to a heartbeat may take beyond its long poll, before the controller has
/// stated the lease.
const FIRST_ANSWER_WAIT: Duration = Duration::from_secs(10);
/// The pause after an answer that came within this time and gave the caller's thread neither a
/// trial nor the end of the sweep. Such answers come, for example, while a trial stops.
const CALM: Duration = Duration::from_millis(500);
/// The period at which the caller's thread checks for SIGTERM while it waits for a trial.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The number of tries for the first heartbeat.
const FIRST_TRIES: u32 = 4;

/// The state that the heartbeat thread and the caller's thread share.
#[derive(Debug)]
pub(crate) struct Desk {
    sweep: String,
    state: Mutex<State>,
    /// Wakes the caller's thread, because there is a trial to start or the agent has ended.
    answered: Condvar,
    /// Wakes the heartbeat thread, because the held trial or the free slot has changed, or the
    /// agent has returned. The running long poll has sent the old state, so the thread sends a new
    /// heartbeat.
    moved: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// True while the caller's thread waits for a trial.
    idle: bool,
    start: Option<Start>,
    held: Option<RunAttempt>,
    /// The run of the held trial. An order to stop the trial goes to this run.
    run: Weak<Shared>,
    declined: Vec<RunAttempt>,
    over: Option<Result<(), AgentError>>,
    /// True if [`agent`](super::agent) has returned or panicked.
    left: bool,
}

impl Desk {
    pub(crate) fn new(sweep: &str) -> Self {
        let (state, answered, moved) = (Mutex::default(), Condvar::new(), Notify::new());
        Self { sweep: sweep.to_owned(), state, answered, moved }
    }

    /// Releases the held trial and waits for the next trial. Returns `None` if the sweep is over,
    /// or if this process has received SIGTERM. Fails with the error that has ended the heartbeats.
    pub(crate) fn next(&self) -> Result<Option<Start>, AgentError> {
        let mut state = self.lock();
        state.held = None;
        state.idle = true;
        self.moved.notify_one();
        while state.start.is_none() && state.over.is_none() {
            if term::was_told() {
                return Ok(None);
            }
            // SIGTERM does not wake this thread, so each wait is short.
            let waited = self.answered.wait_timeout(state, LOOK_EVERY);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        match (state.start.take(), &state.over) {
            (None, Some(Err(error))) => Err(error.clone()),
            (start, _) => Ok(start),
        }
    }

    /// Records the run of the held trial, which has started.
    pub(crate) fn running(&self, run: &Arc<Shared>) {
        self.lock().run = Arc::downgrade(run);
    }

    /// Records that the caller takes no more trials, so that the heartbeat thread ends.
    pub(crate) fn leave(&self) {
        self.lock().left = true;
        self.moved.notify_one();
    }

    /// Returns true if this agent holds a trial.
    fn holds(&self) -> bool {
        self.lock().held.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, over: Result<(), AgentError>) {
        self.lock().over = Some(over);
        self.answered.notify_all();
    }

    /// Returns the next heartbeat: the fixed part with the current state. Returns `None` if the
    /// caller takes no more trials.
    fn beat(&self, fixed: &Beat, number: u64, wait: Duration) -> Option<Beat> {
        let state = self.lock();
        let held = |held: &RunAttempt| Held {
            run: held.run.clone(),
            attempt: held.attempt,
            started: true,
        };
        let beat = Beat {
            beat: number,
            holds: state.held.iter().map(held).collect(),
            free: u32::from(state.idle),
            wait_ms: wait.as_millis() as u32,
            declined: state.declined.clone(),
            ..fixed.clone()
        };
        (!state.left).then_some(beat)
    }

    /// Carries out the controller's orders. Declines a trial that the caller's thread does not wait
    /// for. Returns true if the caller's thread gets a trial or the end of the sweep.
    fn obey(&self, sent: &Beat, orders: Orders) -> bool {
        let mut state = self.lock();
        state.declined.retain(|declined| !sent.declined.contains(declined));
        let told = sent.holds.iter().find(|held| Some(attempt(held)) == state.held);
        let kept = |held: &Held| orders.keep.contains(&attempt(held));
        // The run must stop if the controller ordered a stop, or if this agent may not keep the
        // attempt.
        let stop = told
            .is_some_and(|held| !kept(held) || orders.stop.iter().any(|stop| stop.run == held.run));
        if let Some(run) = state.run.upgrade().filter(|_| stop) {
            run.sender.want_stop();
        }
        let mut news = false;
        for start in orders.start {
            let offered = RunAttempt { run: start.run.clone(), attempt: start.attempt };
            if state.idle && state.held.is_none() {
                state.idle = false;
                state.held = Some(offered);
                state.start = Some(start);
                news = true;
            } else if state.held.as_ref() != Some(&offered) {
                state.declined.push(offered);
            }
        }
        if orders.sweep_over && state.idle && state.held.is_none() {
            state.over = Some(Ok(()));
            news = true;
        }
        drop(state);
        self.answered.notify_all();
        news
    }
}

fn attempt(held: &Held) -> RunAttempt {
    RunAttempt { run: held.run.clone(), attempt: held.attempt }
}

/// Starts the heartbeat thread.
pub(crate) fn spawn(desk: Arc<Desk>, endpoint: Endpoint) -> Result<(), AgentError> {
    let body = move || {
        let work = || {
            let runtime = runtime().map_err(|error| AgentError::Thread(Arc::new(error)))?;
            let dial = endpoint.dial(&runtime)?;
            runtime.block_on(beats(&desk, dial, &endpoint.0.controller))
        };
        desk.end(work());
    };
    let thread = thread::Builder::new().name("besom-heartbeats".to_owned());
    thread.spawn(body).map(drop).map_err(|error| AgentError::Thread(Arc::new(error)))
}

/// Sends heartbeats until the caller takes no more trials, or until an error ends the agent.
async fn beats(desk: &Desk, dial: Dial, controller: &str) -> Result<(), AgentError> {
    let mut agents = dial.agents();
    let fixed = introduction(&desk.sweep);
    let (mut number, mut heard, mut failures) = (0, false, 0);
    let (mut wait, mut answer_wait) = (FIRST_WAIT, FIRST_ANSWER_WAIT);
    loop {
        number += 1;
        let Some(beat) = desk.beat(&fixed, number, wait) else { return Ok(()) };
        let asked = Instant::now();
        let orders = select! {
            orders = answer(wait + answer_wait, agents.heartbeat(beat.clone())) => orders,
            () = desk.moved.notified() => continue,
        };
        match orders {
            Ok(orders) => {
                (heard, failures) = (true, 0);
                let lease = Duration::from_millis(orders.lease_ms.into());
                (wait, answer_wait) = (lease / 3, answer_patience(lease));
                let news = desk.obey(&beat, orders);
                if !news && asked.elapsed() < CALM {
                    pause(desk, CALM).await;
                }
            }
            Err(status) => {
                failures += 1;
                let waits = heard && (desk.holds() || status.code() != Code::NotFound);
                let patience = match failures < FIRST_TRIES {
                    _ if waits => Patience::Endless,
                    true => Patience::Some,
                    false => Patience::Over,
                };
                if let Some(error) = fatal(&status, &desk.sweep, controller, patience) {
                    return Err(error);
                }
                pause(desk, backoff(failures, jitter())).await;
            }
        }
    }
}

/// Waits until the state of the desk has changed, at most for `wait`.
async fn pause(desk: &Desk, wait: Duration) {
    select! {
        () = time::sleep(wait) => {}
        () = desk.moved.notified() => {}
    }
}

/// The rule by which a failed heartbeat is repeated or ends the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// An outage or a fault of the controller never ends the agent, because the controller has
    /// answered before. A person may have restarted the controller with a wrong token or folder,
    /// and may correct that.
    Endless,
    Some,
    Over,
}

/// Returns true if the error is a fault inside the controller, such as a damaged database, which a
/// person may repair.
fn is_own_trouble(code: Code) -> bool {
    matches!(code, Code::Internal | Code::DataLoss)
}

/// Returns the error with which a failed heartbeat ends the agent; `None` if the heartbeat is
/// repeated.
fn fatal(status: &Status, sweep: &str, controller: &str, patience: Patience) -> Option<AgentError> {
    match status.code() {
        // A fault inside the controller, or an outage, does not end an agent whose earlier
        // heartbeats were answered.
        code if patience == Patience::Endless && (is_own_trouble(code) || is_away(status)) => None,
        Code::NotFound => Some(AgentError::NoSweep(sweep.to_owned())),
        code if !is_own_trouble(code) && !is_transient(status) => {
            Some(AgentError::Refused(status.message().to_owned()))
        }
        _ if patience == Patience::Over => {
            let controller = controller.to_owned();
            Some(AgentError::Unreachable { controller, reason: reason(status) })
        }
        _ => None,
    }
}

/// Returns the part that all heartbeats of one function agent share.
fn introduction(sweep: &str) -> Beat {
    let host =
        fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let unique = unique();
    Beat {
        agent: format!("function-{}-{unique:016x}", std::process::id()),
        incarnation: 1,
        sweep: sweep.to_owned(),
        host,
        slots: 1,
        devices: vec!["CPU".to_owned()],
        ..Beat::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_permanent_errors_end_the_heartbeats() {
        let fatal = |status: Status, patience| fatal(&status, "s", "c", patience);
        assert!(fatal(Status::internal("disk full"), Patience::Some).is_none());
        assert!(fatal(Status::unavailable("away"), Patience::Some).is_none());
        assert!(matches!(
            fatal(Status::internal(""), Patience::Over),
            Some(AgentError::Unreachable { .. })
        ));
        let (invalid, unknown) = (Status::invalid_argument(""), Status::unauthenticated(""));
        assert!(matches!(fatal(invalid, Patience::Endless), Some(AgentError::Refused(_))));
        assert!(matches!(fatal(unknown.clone(), Patience::Some), Some(AgentError::Refused(_))));
        assert!(
            fatal(unknown, Patience::Endless).is_none(),
            "the controller knew the token before"
        );
        assert!(matches!(
            fatal(Status::not_found(""), Patience::Some),
            Some(AgentError::NoSweep(_))
        ));
        assert!(fatal(Status::not_found(""), Patience::Endless).is_none());
    }
}
