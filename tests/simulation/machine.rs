//! Simulates a node: its GPUs, its disk, the programs that run on it and the agent. The simulation
//! kills, stops and restarts the agent while the programs continue. The node checks what no
//! controller can see: that no GPU has two programs, and no attempt runs twice.

use std::{
    collections::BTreeMap,
    fs,
    future::Future,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use agent::{
    agent::{Setup, Signal, work},
    gauges::Gauges,
    plan::Me,
    reporter::Reporter,
    slots::layout::Slot,
    state::{
        folder::{Folder, Who},
        holdings::{self, Holding, Holdings},
    },
    trial::spec,
};
use proto::v1::Start;
use record::ids::{Attempt, SweepId};
use telemetry::gpus::Gpu;
use tokio::{sync::mpsc, task::AbortHandle, time::sleep};

use crate::{
    gate::Gate,
    network::{Line, Network},
    program::{Manners, Program},
    server::Bearer,
    trials::SimulatedTrials,
    witness::Witness,
};

/// The time after which the programs end if no agent has restarted on the node.
const ORPHAN_AFTER: Duration = Duration::from_secs(600);

/// The parameters of a node.
#[derive(Clone, Debug)]
pub(crate) struct Make {
    pub(crate) number: usize,
    pub(crate) gpus: u32,
    pub(crate) sweep: SweepId,
    pub(crate) folder: PathBuf,
    pub(crate) manners: Manners,
    pub(crate) seed: u64,
}

/// A node.
#[derive(Debug)]
pub(crate) struct Machine {
    make: Make,
    network: Arc<Network>,
    pub(crate) witness: Arc<Witness>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    programs: BTreeMap<Attempt, Arc<Program>>,
    agent: Option<Process>,
    /// The number of starts of the agent. A task that belongs to one start compares it, so as not
    /// to disturb a later start.
    starts: u64,
    /// Whether the node never comes back.
    gone: bool,
}

/// The agent as a process.
#[derive(Debug)]
struct Process {
    gate: Gate,
    tasks: Vec<AbortHandle>,
    signals: mpsc::Sender<Signal>,
    told_to_leave: bool,
}

impl Machine {
    pub(crate) fn new(make: Make, network: Arc<Network>, witness: Arc<Witness>) -> Arc<Self> {
        fs::create_dir_all(&make.folder).expect("a folder for a node");
        let who = Who { agent: format!("agent-{}", make.number), incarnation: 0 };
        spec::write(&make.folder.join("identity.json"), &who).expect("the agent's name");
        Arc::new(Self { make, network, witness, state: Mutex::default() })
    }

    /// Starts the agent, unless it runs or the node is gone for good.
    pub(crate) fn start_agent(self: &Arc<Self>) {
        let mut state = self.state();
        if state.agent.is_some() || state.gone {
            return;
        }
        state.starts += 1;
        let start = state.starts;
        let (signals, heard) = mpsc::channel(4);
        let gate = Gate::default();
        state.agent =
            Some(Process { gate: gate.clone(), tasks: Vec::new(), signals, told_to_leave: false });
        drop(state);
        self.witness.note(|| format!("agent-{} starts", self.make.number));
        let folder =
            Folder::take(Some(&self.make.folder), &self.make.sweep).expect("the agent's folder");
        let line = self.line(Bearer::admin());
        let slot = |index| {
            let uuid = format!("GPU-{}-{index}", self.make.number);
            Slot { gpus: vec![Gpu { index, uuid, name: "simulated".to_owned() }] }
        };
        let me = Me {
            agent: folder.who.agent.clone(),
            incarnation: folder.who.incarnation,
            sweep: self.make.sweep.clone(),
            slots: self.make.gpus as usize,
            ..Me::default()
        };
        let setup = Setup {
            link: line.clone(),
            me,
            slots: (0..self.make.gpus).map(slot).collect(),
            trials: SimulatedTrials { machine: self.clone(), line },
            data: self.make.folder.clone(),
            gauges: Gauges::default(),
            holdings: Holdings::open(&self.make.folder).expect("what the agent holds"),
            controller: "the simulation".to_owned(),
            reporter: Reporter::silent(),
        };
        let machine = self.clone();
        self.run_with_agent(async move {
            let ended = work(setup, heard).await;
            drop(folder);
            machine.left(start, ended.is_ok()).await;
        });
    }

    /// Handles an agent that has ended by itself. An agent that failed or was told to leave starts
    /// again after a minute, as under a service manager.
    async fn left(self: &Arc<Self>, start: u64, well: bool) {
        let is_current = move |machine: &Self| machine.state().starts == start;
        let told_to = self.state().agent.as_ref().is_some_and(|agent| agent.told_to_leave);
        self.witness.note(|| format!("agent-{} leaves, well: {well}", self.make.number));
        let machine = self.clone();
        drop(tokio::spawn(async move {
            if !is_current(&machine) {
                return;
            }
            machine.kill_agent();
            sleep(Duration::from_secs(60)).await;
            if is_current(&machine) && (told_to || !well) {
                machine.start_agent();
            }
        }));
    }

    /// Sends SIGKILL to the agent alone. If no agent starts within [`ORPHAN_AFTER`], the programs
    /// end.
    pub(crate) fn kill_agent(self: &Arc<Self>) {
        let agent = self.state().agent.take();
        let Some(agent) = agent else { return };
        agent.tasks.iter().for_each(AbortHandle::abort);
        let start = self.state().starts;
        let machine = self.clone();
        drop(tokio::spawn(async move {
            sleep(ORPHAN_AFTER).await;
            let state = machine.state();
            if state.starts == start {
                state.programs.values().for_each(|program| program.orphan());
            }
        }));
    }

    /// Sends SIGKILL to the agent and all programs, as if the node lost its power.
    pub(crate) fn go_down(self: &Arc<Self>) {
        self.kill_agent();
        self.state().programs.values().for_each(|program| program.vanish());
    }

    /// Takes the node down for good.
    pub(crate) fn go_for_good(self: &Arc<Self>) {
        self.state().gone = true;
        self.go_down();
    }

    /// Returns whether the node never comes back.
    pub(crate) fn is_gone(&self) -> bool {
        self.state().gone
    }

    /// Sends SIGSTOP to the agent if `stopped` is true, else SIGCONT.
    pub(crate) fn stop_agent(&self, stopped: bool) {
        if let Some(agent) = &self.state().agent {
            if stopped { agent.gate.close() } else { agent.gate.open() }
        }
    }

    /// Sends Ctrl-C or SIGTERM to the agent.
    pub(crate) fn tell_agent(&self, signal: Signal) {
        if let Some(agent) = &mut self.state().agent {
            agent.told_to_leave = true;
            let _ = agent.signals.try_send(signal);
        }
    }

    /// Returns the delay before the node's agent first starts. A user may have stopped the sweep by
    /// then.
    pub(crate) fn starts_after(&self) -> Duration {
        let spread = (self.make.seed + self.make.number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Duration::from_millis(spread % 200_000)
    }

    /// Returns the sweep that the node works for.
    pub(crate) fn sweep(&self) -> &SweepId {
        &self.make.sweep
    }

    /// Returns whether neither an agent nor a program runs on the node.
    pub(crate) fn is_quiet(&self) -> bool {
        let state = self.state();
        state.agent.is_none() && state.programs.values().all(|program| program.is_over())
    }

    /// Runs a task in the agent's process. The task stops and dies with the agent.
    pub(crate) fn run_with_agent(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.state();
        let Some(agent) = &mut state.agent else { return };
        let spawned = tokio::spawn(agent.gate.behind(task));
        agent.tasks.retain(|task| !task.is_finished());
        agent.tasks.push(spawned.abort_handle());
    }

    /// Returns the folder of an attempt.
    pub(crate) fn folder(&self, attempt: &Attempt) -> PathBuf {
        holdings::folder(&self.make.folder, attempt)
    }

    /// Returns the program of an attempt, if one was ever started.
    pub(crate) fn program(&self, attempt: &Attempt) -> Option<Arc<Program>> {
        self.state().programs.get(attempt).cloned()
    }

    /// Forgets an attempt after its rows were sent and its folder may be removed.
    pub(crate) fn forget(&self, attempt: &Attempt) {
        self.state().programs.remove(attempt);
    }

    /// Starts a program and its shim. Returns the reason if the program cannot be started.
    pub(crate) fn launch(&self, holding: &Holding, start: &Start) -> Result<Arc<Program>, String> {
        let Make { manners, seed, .. } = self.make;
        let (attempt, folder) = (holding.attempt.clone(), self.folder(&holding.attempt));
        let program =
            Program::new(attempt.clone(), holding.devices.clone(), folder.clone(), manners, seed);
        if program.is_unstartable() {
            return Err("the program is not there".to_owned());
        }
        let mut state = self.state();
        for other in state.programs.values().filter(|other| !other.is_over()) {
            if other.devices.iter().any(|device| holding.devices.contains(device)) {
                let (new, old) = (&program.attempt, &other.attempt);
                self.witness.accuse(format!("{new} and {old} run on {:?}", holding.devices));
            }
        }
        self.witness.started(&attempt);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join(spec::JOURNAL)).expect("a folder for a trial");
        let line = self.line(Bearer::of(&start.token));
        if let Some(after) = program.straggles() {
            drop(tokio::spawn(program.clone().straggle(line.clone(), after, self.witness.clone())));
        }
        drop(tokio::spawn(program.clone().live(line, self.witness.clone())));
        state.programs.insert(attempt, program.clone());
        Ok(program)
    }

    fn line(&self, token: Bearer) -> Line {
        Line { network: self.network.clone(), node: self.make.number, token }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
