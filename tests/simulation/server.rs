//! Runs the controller as a process: starts it on the simulated disk, kills it, and restarts it.
//! The answers are exactly those of the real controller, through its door and its codec. Only the
//! port is left out.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use controller::{
    Core,
    chance::Chance,
    clock::Clock,
    platform::{Platform, Threads},
    settings::Settings,
};
use proto::v1::{
    AppendRows, Appended, Beat, BeginRun, ChangeSweep, CreateSweep, EndRun, ExtendSweep, Orders,
    Retried, RetryRuns, RunBegun, RunEnded, Sweep, agents_client::AgentsClient,
    runs_client::RunsClient, sweeps_client::SweepsClient,
};
use tokio::task::{AbortHandle, JoinHandle};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, Routes, interceptor::InterceptedService},
};

use crate::{disk, witness::Witness};

/// The length of the leases that the controller gives.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// The grace after the end of an attempt in which its late rows still count.
pub(crate) const LATE_ROWS: Duration = Duration::from_secs(60);

/// A request to a controller.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    Beat(Beat),
    Append(AppendRows),
    End(EndRun),
    Begin(BeginRun),
    Create(CreateSweep),
    Change(ChangeSweep),
    Retry(RetryRuns),
    Extend(ExtendSweep),
}

/// An answer of a controller.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Orders(Orders),
    Appended(Appended),
    Ended(Box<RunEnded>),
    Begun(RunBegun),
    Sweep(Box<Sweep>),
    Retried(Retried),
}

/// The right token, which agents and users have.
const TOKEN: &str = "the right one";

/// The token of a caller.
#[derive(Clone, Debug)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    /// Returns a bearer of this token.
    pub(crate) fn of(token: &str) -> Self {
        Self(format!("Bearer {token}").parse().expect("a token of letters"))
    }

    /// Returns a bearer of the token that opens everything.
    pub(crate) fn admin() -> Self {
        Self::of(TOKEN)
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A connection to the controller through its door, without a network.
pub(crate) type Door = InterceptedService<Routes, Bearer>;

/// The machine on which controllers run.
#[derive(Debug)]
pub(crate) struct Server {
    folder: PathBuf,
    seed: u64,
    witness: Arc<Witness>,
    process: Mutex<Process>,
    /// Whether the next start uses a token that no other program has.
    mistaken: AtomicBool,
}

#[derive(Debug, Default)]
struct Process {
    /// The number of processes so far.
    number: u64,
    alive: Option<Alive>,
}

#[derive(Debug)]
struct Alive {
    core: Core,
    routes: Routes,
    /// The tasks that die with the process.
    tasks: Vec<AbortHandle>,
}

impl Server {
    pub(crate) fn new(folder: PathBuf, seed: u64, witness: Arc<Witness>) -> Arc<Self> {
        let (process, mistaken) = (Mutex::default(), AtomicBool::default());
        Arc::new(Self { folder, seed, witness, process, mistaken })
    }

    /// Starts a controller whose wall clock shows `wall_ms`. Returns false if the controller did
    /// not start because the disk failed.
    pub(crate) async fn start(self: &Arc<Self>, wall_ms: i64) -> bool {
        let number = {
            let mut process = self.process();
            process.number += 1;
            process.number
        };
        disk::mount();
        let settings = Settings {
            // Each controller process has its own folder, because the previous process may still
            // have calls in progress, and the lock on its folder. All processes share the database,
            // because the simulated disk ignores folders.
            data: self.folder.join(number.to_string()),
            lease: LEASE,
            late_rows: LATE_ROWS,
            token: Some(
                if self.mistaken.load(Ordering::Relaxed) { "a wrong one" } else { TOKEN }
                    .to_owned(),
            ),
            collect_every: Duration::from_secs(365 * 24 * 3600),
            ..Settings::default()
        };
        let chance = Chance::seeded(self.seed.wrapping_add(number));
        let platform = Platform { threads: Threads::One, disk: Some(disk::SQLITE) };
        let opened = Core::open(settings, Clock::starting_at(wall_ms), chance, platform).await;
        let (Ok(core), false) = (opened, disk::is_killed()) else { return false };
        let Ok(routes) = core.routes() else { return false };
        let (server, tended) = (self.clone(), core.clone());
        let upkeep = tokio::spawn(async move {
            loop {
                tokio::time::sleep(tended.pause()).await;
                tended.upkeep().await;
                if disk::is_killed() {
                    return server.kill();
                }
            }
        });
        self.process().alive = Some(Alive { core, routes, tasks: vec![upkeep.abort_handle()] });
        true
    }

    /// Kills the controller as SIGKILL does.
    pub(crate) fn kill(&self) {
        disk::kill();
        let alive = self.process().alive.take();
        if let Some(alive) = alive {
            alive.tasks.iter().for_each(AbortHandle::abort);
        }
    }

    /// Sets whether the controller starts with a token that no other program has. If this changes
    /// the token, kills the controller.
    pub(crate) fn mistake_token(&self, mistaken: bool) {
        if self.mistaken.swap(mistaken, Ordering::Relaxed) != mistaken {
            self.kill();
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.process().alive.is_some()
    }

    /// Returns the running controller.
    pub(crate) fn core(&self) -> Option<Core> {
        self.process().alive.as_ref().map(|alive| alive.core.clone())
    }

    /// Lets the running controller answer a question, in a task that dies with the controller.
    /// Returns `None` if no controller runs.
    pub(crate) fn ask(
        self: &Arc<Self>,
        token: Bearer,
        question: Question,
    ) -> Option<JoinHandle<Result<Answer, Status>>> {
        let mut process = self.process();
        let alive = process.alive.as_mut()?;
        let door = InterceptedService::new(alive.routes.clone(), token);
        let server = self.clone();
        let asking = tokio::spawn(async move {
            let answer = answer(door, question.clone()).await;
            if disk::is_killed() {
                server.kill();
                return Err(Status::unavailable("the controller died on the way"));
            }
            server.witness.answered(&question, &answer);
            answer
        });
        alive.tasks.retain(|task| !task.is_finished());
        alive.tasks.push(asking.abort_handle());
        Some(asking)
    }

    /// Returns a door to the running controller, for an observer.
    pub(crate) fn door(&self) -> Option<Door> {
        let process = self.process();
        let alive = process.alive.as_ref()?;
        Some(InterceptedService::new(alive.routes.clone(), Bearer::admin()))
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(door: Door, question: Question) -> Result<Answer, Status> {
    Ok(match question {
        Question::Beat(beat) => {
            Answer::Orders(AgentsClient::new(door).heartbeat(beat).await?.into_inner())
        }
        Question::Append(rows) => {
            Answer::Appended(RunsClient::new(door).append(rows).await?.into_inner())
        }
        Question::End(end) => {
            Answer::Ended(Box::new(RunsClient::new(door).end(end).await?.into_inner()))
        }
        Question::Begin(begin) => {
            Answer::Begun(RunsClient::new(door).begin(begin).await?.into_inner())
        }
        Question::Create(create) => {
            Answer::Sweep(Box::new(SweepsClient::new(door).create(create).await?.into_inner()))
        }
        Question::Change(change) => {
            Answer::Sweep(Box::new(SweepsClient::new(door).change(change).await?.into_inner()))
        }
        Question::Extend(extend) => {
            Answer::Sweep(Box::new(SweepsClient::new(door).extend(extend).await?.into_inner()))
        }
        Question::Retry(retry) => {
            Answer::Retried(SweepsClient::new(door).retry(retry).await?.into_inner())
        }
    })
}

/// Returns a client of the runs, for an observer.
pub(crate) fn runs(door: &Door) -> RunsClient<Door> {
    RunsClient::new(door.clone())
}

/// Returns a client of the sweeps, for an observer.
pub(crate) fn sweeps(door: &Door) -> SweepsClient<Door> {
    SweepsClient::new(door.clone())
}
