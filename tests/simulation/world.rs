//! Runs one simulation: a controller, its network and its nodes in one thread under a virtual
//! clock, from a seed to a verdict.

use std::{
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use probes::Bug;
use proto::v1::{CreateSweep, Sweep, SweepRef};
use tokio::{
    runtime::Builder,
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{
    arrows::Arrows,
    chaos, disk, loner,
    machine::{Machine, Make},
    network::Network,
    scenario::Scenario,
    server::{Answer, Bearer, Question, Server, sweeps},
    verdict,
    witness::Witness,
};

/// The time within which everything must be over after the last trouble.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// The interval at which the simulation checks whether it is over.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// The parts of one simulation.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) witness: Arc<Witness>,
    pub(crate) server: Arc<Server>,
    pub(crate) network: Arc<Network>,
    pub(crate) machines: Vec<Arc<Machine>>,
    sweeps: OnceLock<Vec<String>>,
    calm: AtomicBool,
}

/// The result of a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The events that must never happen, but did.
    pub violations: Vec<String>,
    /// A digest of the simulation. Two simulations in which the same events happened at the same
    /// times have equal digests.
    pub digest: u64,
    /// The number of answers of the controller.
    pub answers: u64,
    /// The number of writes and syncs of the controller's disk.
    pub writes: u64,
    /// The number of attempts whose program was started.
    pub attempts: u64,
    /// The time that the simulation took by its own clock.
    pub lasted: Duration,
    /// The arrows of the state machines that were taken, and how often.
    pub arrows: Arrows,
    /// The lines of the trace; empty if no trace was requested.
    pub trace: Vec<String>,
}

/// Simulates the scenario of a seed, with this bug planted in Besom's code. Blocks the thread.
///
/// # Panics
/// Panics if the machine has no folder for temporary files.
pub fn simulate(seed: u64, bug: Option<Bug>, traced: bool) -> Outcome {
    probes::plant(bug);
    // A folder in memory works like a folder on a disk here, and is faster.
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let home = home.expect("a folder for temporary files");
    disk::format(seed);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without threads");
    runtime.block_on(run(Scenario::of(seed), home.path(), traced))
}

async fn run(scenario: Scenario, home: &Path, traced: bool) -> Outcome {
    let begun = Instant::now();
    let seed = scenario.seed;
    let witness = Arc::new(Witness::new(home, traced));
    witness.note(|| format!("{scenario:#?}"));
    let server = Server::new(home.join("controller"), seed, witness.clone());
    server.start(0).await;
    let sweeps = create(&server, &scenario).await;
    let network = Network::new(server.clone(), scenario.weather, seed ^ 0xAE);
    let machines = machines(&scenario, &sweeps, home, &network, &witness);
    let calm = AtomicBool::new(false);
    let calm_after = scenario.calm_after;
    let world = Arc::new(World {
        scenario,
        witness,
        server,
        network,
        machines,
        sweeps: sweeps.into(),
        calm,
    });
    drop(tokio::spawn(chaos::keep_controller_up(world.clone())));
    drop(tokio::spawn(chaos::reign(world.clone())));
    for machine in &world.machines {
        let (machine, late) = (machine.clone(), machine.starts_after());
        drop(tokio::spawn(async move {
            sleep(late).await;
            machine.start_agent();
        }));
    }
    let loners =
        (0..world.scenario.loners).map(|number| tokio::spawn(loner::live(world.clone(), number)));
    let loners: Vec<_> = loners.collect();
    wait(&world, &loners, begun + calm_after + PATIENCE).await;
    verdict::look(&world).await;
    let lasted = begun.elapsed();
    let arrows = Arrows::taken();
    if world.scenario.fair && arrows.lost() > 0 {
        world.witness.accuse(format!("{} leases ran out in fair weather", arrows.lost()));
    }
    world.witness.seal(disk::writes());
    let (digest, trace) = (world.witness.digest(), world.witness.trace());
    let seen = world.witness.seen();
    Outcome {
        violations: seen.violations.clone(),
        digest,
        answers: seen.answers,
        writes: disk::writes(),
        attempts: seen.started.len() as u64,
        lasted,
        arrows,
        trace,
    }
}

/// Waits until everything is over; records a violation if it is not over by the deadline.
async fn wait(world: &World, loners: &[JoinHandle<()>], deadline: Instant) {
    while !(world.is_over().await && loners.iter().all(|loner| loner.is_finished())) {
        if Instant::now() > deadline {
            let hours = PATIENCE.as_secs() / 3600;
            world.witness.accuse(format!("not over {hours} h after the last trouble"));
            break;
        }
        sleep(LOOK_EVERY).await;
    }
}

fn machines(
    scenario: &Scenario,
    sweeps: &[String],
    home: &Path,
    network: &Arc<Network>,
    witness: &Arc<Witness>,
) -> Vec<Arc<Machine>> {
    let mut machines = Vec::new();
    for (wanted, sweep) in scenario.sweeps.iter().zip(sweeps) {
        for gpus in &wanted.nodes {
            let number = machines.len();
            let make = Make {
                number,
                gpus: *gpus,
                sweep: sweep.as_str().into(),
                folder: home.join(format!("node-{number}")),
                manners: scenario.manners,
                seed: scenario.seed,
            };
            machines.push(Machine::new(make, network.clone(), witness.clone()));
        }
    }
    machines
}

async fn create(server: &Arc<Server>, scenario: &Scenario) -> Vec<String> {
    let mut ids = Vec::new();
    for wanted in &scenario.sweeps {
        let create = CreateSweep { yaml: wanted.yaml.clone(), ..CreateSweep::default() };
        let asked = server.ask(Bearer::admin(), Question::Create(create)).expect("a controller");
        match asked.await {
            Ok(Ok(Answer::Sweep(sweep))) => ids.push(sweep.id.clone()),
            other => panic!("a sweep of the simulation is refused: {other:?}"),
        }
    }
    ids
}

impl World {
    /// Returns the ids of the sweeps.
    pub(crate) fn sweeps(&self) -> Vec<String> {
        self.sweeps.get().cloned().unwrap_or_default()
    }

    /// Ends all troubles from now on.
    pub(crate) fn be_calm(&self) {
        self.calm.store(true, Ordering::Relaxed);
    }

    /// Returns whether the troubles have ended.
    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    /// Returns whether every sweep is over, and no agent and no program runs. During the calm,
    /// starts the agents of sweeps that are not over.
    async fn is_over(&self) -> bool {
        let Some(door) = self.server.door() else { return false };
        let mut over = true;
        for sweep in self.sweeps() {
            let looked = sweeps(&door).get(SweepRef { sweep: sweep.clone() }).await;
            if !looked.is_ok_and(|sweep| is_over(&sweep.into_inner())) {
                over = false;
                let own = self
                    .machines
                    .iter()
                    .filter(|machine| machine.sweep().as_str() == sweep && self.is_calm());
                own.for_each(Machine::start_agent);
            }
        }
        over && self.machines.iter().all(|machine| machine.is_quiet())
    }
}

/// Returns whether a sweep hands out no more trials, and no trial is active.
fn is_over(sweep: &Sweep) -> bool {
    let counts = sweep.counts.unwrap_or_default();
    let live = counts.queued + counts.leased + counts.running;
    live == 0 && matches!(sweep.state.as_str(), "finished" | "cancelled")
}
