//! The heartbeats of a function agent: one thread asks the controller for orders, the caller's
//! thread runs trials, and the desk between them holds what each must know of the other. Called by
//! `function_agent`. Runs nothing itself.

use std::{
    fs,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use proto::{
    dial::{Dial, backoff, is_away, is_transient},
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

/// The long poll until the controller has named the lease.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How much later than its long poll an answer may come.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Between beats that are answered at once with nothing new, as when a trial takes its time to
/// stop.
const CALM: Duration = Duration::from_millis(500);
/// How often who waits for a trial looks whether the process was told to end.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often the first beat is tried.
const FIRST_TRIES: u32 = 4;

/// What the two threads share.
#[derive(Debug)]
pub(crate) struct Desk {
    sweep: String,
    state: Mutex<State>,
    /// For the caller's thread: a start, or the end.
    answered: Condvar,
    /// For the heartbeats: what is held or free has changed, so the poll under way says something
    /// old.
    moved: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The caller's thread waits for a trial.
    idle: bool,
    start: Option<Start>,
    held: Option<RunAttempt>,
    /// The held trial's run, to be told to stop.
    run: Weak<Shared>,
    declined: Vec<RunAttempt>,
    over: Option<Result<(), AgentError>>,
    /// The caller has left.
    left: bool,
}

impl Desk {
    pub(crate) fn new(sweep: &str) -> Self {
        let (state, answered, moved) = (Mutex::default(), Condvar::new(), Notify::new());
        Self { sweep: sweep.to_owned(), state, answered, moved }
    }

    /// Lets go of what was held and waits for the next trial. `None` when the sweep is over, or
    /// this process was told to end.
    pub(crate) fn next(&self) -> Result<Option<Start>, AgentError> {
        let mut state = self.lock();
        state.held = None;
        state.idle = true;
        self.moved.notify_one();
        while state.start.is_none() && state.over.is_none() {
            if term::was_told() {
                return Ok(None);
            }
            // No signal wakes who waits here.
            let waited = self.answered.wait_timeout(state, LOOK_EVERY);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        match (state.start.take(), &state.over) {
            (None, Some(Err(error))) => Err(error.clone()),
            (start, _) => Ok(start),
        }
    }

    /// The held trial has begun to run.
    pub(crate) fn running(&self, run: &Arc<Shared>) {
        self.lock().run = Arc::downgrade(run);
    }

    /// No trial is wanted any more.
    pub(crate) fn leave(&self) {
        self.lock().left = true;
        self.moved.notify_one();
    }

    /// A trial is held.
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

    /// What is new since the last beat, over what never changes. `None` when the caller has left.
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

    /// Does what the orders say; true when that was a new trial or the end.
    fn obey(&self, sent: &Beat, orders: Orders) -> bool {
        let mut state = self.lock();
        state.declined.retain(|declined| !sent.declined.contains(declined));
        let told = sent.holds.iter().find(|held| Some(attempt(held)) == state.held);
        let kept = |held: &Held| orders.keep.contains(&attempt(held));
        // Either a stop, or somebody else's by now.
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

/// Starts the thread.
pub(crate) fn spawn(desk: Arc<Desk>, endpoint: Endpoint) -> Result<(), AgentError> {
    let body = move || {
        let work = || {
            let runtime = runtime().map_err(|error| AgentError::Thread(Arc::new(error)))?;
            let dial = endpoint.dial(&runtime)?;
            runtime.block_on(beats(&desk, dial, &endpoint.controller))
        };
        desk.end(work());
    };
    let thread = thread::Builder::new().name("besom-heartbeats".to_owned());
    thread.spawn(body).map(drop).map_err(|error| AgentError::Thread(Arc::new(error)))
}

/// Beats until the caller leaves or the controller sends this agent away.
async fn beats(desk: &Desk, dial: Dial, controller: &str) -> Result<(), AgentError> {
    let mut agents = dial.agents();
    let fixed = introduction(&desk.sweep);
    let (mut number, mut wait, mut heard, mut failures) = (0, FIRST_WAIT, false, 0);
    loop {
        number += 1;
        let Some(beat) = desk.beat(&fixed, number, wait) else { return Ok(()) };
        let asked = Instant::now();
        let orders = select! {
            orders = answer(wait + ANSWER_WAIT, agents.heartbeat(beat.clone())) => orders,
            () = desk.moved.notified() => continue,
        };
        match orders {
            Ok(orders) => {
                (heard, failures) = (true, 0);
                wait = Duration::from_millis(orders.lease_ms.into()) / 3;
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
                pause(desk, backoff(failures, jitter(failures))).await;
            }
        }
    }
}

/// Until something has moved, `wait` at most.
async fn pause(desk: &Desk, wait: Duration) {
    select! {
        () = time::sleep(wait) => {}
        () = desk.moved.notified() => {}
    }
}

/// How long a controller is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// It has answered before: somebody may have started it with another token, or on another
    /// folder.
    Endless,
    Some,
    Over,
}

/// Whether the controller failed by its own fault, which somebody may mend.
fn is_own_trouble(code: Code) -> bool {
    matches!(code, Code::Internal | Code::DataLoss)
}

/// The error that this answer is for the whole agent; `None` when another try may mend it.
fn fatal(status: &Status, sweep: &str, controller: &str, patience: Patience) -> Option<AgentError> {
    match status.code() {
        // An internal error is the controller's own, and a beat that failed does no harm: the next
        // one may go through.
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

/// What never changes in the beats of one process.
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
    fn only_what_cannot_mend_ends_the_heartbeats() {
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
        assert!(fatal(unknown, Patience::Endless).is_none(), "it knew the token before");
        assert!(matches!(
            fatal(Status::not_found(""), Patience::Some),
            Some(AgentError::NoSweep(_))
        ));
        assert!(fatal(Status::not_found(""), Patience::Endless).is_none());
    }
}
