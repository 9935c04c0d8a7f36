//! Causes troubles one after another until the calm begins, and then repairs everything. The seed
//! determines which trouble comes when.

use std::{sync::Arc, time::Duration};

use agent::agent::Signal;
use proto::v1::{Change, ChangeSweep, ExtendSweep, RetryRuns};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, sleep};

use crate::{
    disk::{self, Fault},
    machine::Machine,
    scenario::{Scenario, Trouble},
    server::{Bearer, Question},
    world::World,
};

/// The middle of the times that a simulated wall clock may show, in milliseconds since the epoch.
/// At each restart of the controller, the clock differs from it by at most [`YEAR_MS`].
const WALL_MS: i64 = 1_800_000_000_000;
const YEAR_MS: i64 = 365 * 24 * 3_600_000;

/// Starts the controller, and restarts it whenever it is down.
pub(crate) async fn keep_controller_up(world: Arc<World>) {
    let mut rng = StdRng::seed_from_u64(world.scenario.seed ^ 0xC0);
    loop {
        if !world.server.is_up() {
            let wall_ms = WALL_MS + rng.random_range(-YEAR_MS..YEAR_MS);
            let up = world.server.start(wall_ms).await;
            world.witness.note(|| format!("the controller starts, up: {up}"));
            if !up {
                world.server.kill();
            }
        }
        let down_for = if rng.random_bool(0.1) { 1200.0 } else { 60.0 };
        while world.server.is_up() {
            sleep(Duration::from_millis(500)).await;
        }
        if !world.is_calm() {
            sleep(Duration::from_secs_f64(down_for * rng.random::<f64>().powi(2))).await;
        } else {
            sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Causes troubles until the calm, and then begins the calm.
pub(crate) async fn reign(world: Arc<World>) {
    let Scenario { seed, every, calm_after, .. } = world.scenario;
    let mut rng = StdRng::seed_from_u64(seed ^ 0xBAD);
    let end = Instant::now() + calm_after;
    // Sometimes a person resumes a sweep that no agent works for yet, which changes nothing.
    if seed.is_multiple_of(8) {
        change(&world, world.sweeps()[0].clone(), Change::Resume);
    }
    // Or raises the cap of such a sweep.
    if seed % 8 == 1 {
        extend(&world, world.sweeps()[0].clone(), &mut rng);
    }
    loop {
        let pause = every.mul_f64(-rng.random_range(f64::EPSILON..1.0).ln());
        if Instant::now() + pause >= end {
            break;
        }
        sleep(pause).await;
        let total: u32 = world.scenario.troubles.iter().map(|(_, weight)| weight).sum();
        if total == 0 {
            continue;
        }
        let mut place = rng.random_range(0..total);
        let trouble = world.scenario.troubles.iter().find(|(_, weight)| {
            let here = place < *weight;
            place = place.saturating_sub(*weight);
            here
        });
        if let Some((trouble, _)) = trouble {
            world.witness.note(|| format!("{trouble:?}"));
            come(&world, *trouble, &mut rng);
        }
    }
    sleep(end - Instant::now()).await;
    calm(&world).await;
}

fn come(world: &Arc<World>, trouble: Trouble, rng: &mut StdRng) {
    let machine = world.machines[rng.random_range(0..world.machines.len())].clone();
    let sweep = world.sweeps()[rng.random_range(0..world.scenario.sweeps.len())].clone();
    let during = Duration::from_secs_f64(1800.0 * rng.random::<f64>().powi(3));
    match trouble {
        Trouble::NodeCutOff => world.network.cut(rng.random_range(0..world.machines.len()), during),
        Trouble::AgentKilled => {
            machine.kill_agent();
            after(during, move || machine.start_agent());
        }
        Trouble::AgentStopped => {
            machine.stop_agent(true);
            after(during, move || machine.stop_agent(false));
        }
        Trouble::AgentInterrupted => interrupt(machine, rng.random_bool(0.5)),
        Trouble::AgentTerminated => machine.tell_agent(Signal::Terminate),
        Trouble::NodeDown => {
            machine.go_down();
            after(during, move || machine.start_agent());
        }
        Trouble::NodeGone => {
            // The last node that works for a sweep never goes down for good.
            let own = world
                .machines
                .iter()
                .filter(|other| other.sweep() == machine.sweep() && !other.is_gone());
            if own.count() > 1 {
                machine.go_for_good();
                // Often the controller is in the same rack: it goes down too, but comes back.
                if rng.random_bool(0.7) {
                    world.server.kill();
                }
            }
        }
        Trouble::Paused => {
            change(world, sweep.clone(), Change::Pause);
            let world = world.clone();
            after(during, move || change(&world, sweep, Change::Resume));
        }
        Trouble::RunsRetried => {
            // Retries all failed runs, or one random run, whatever its state is.
            let one = format!("{sweep}-{}", rng.random_range(0..20));
            let runs = if rng.random_bool(0.5) { Vec::new() } else { vec![one] };
            ask(world, Question::Retry(RetryRuns { sweep, runs }));
            world.machines.iter().for_each(Machine::start_agent);
        }
        Trouble::CapRaised => {
            extend(world, sweep, rng);
            world.machines.iter().for_each(Machine::start_agent);
        }
        Trouble::SweepStopped => change(world, sweep, Change::Stop),
        Trouble::SweepCancelled => change(world, sweep, Change::Cancel),
        _ => come_to_controller(world, trouble, during, rng),
    }
}

/// Causes a trouble of the controller or its disk.
fn come_to_controller(world: &Arc<World>, trouble: Trouble, during: Duration, rng: &mut StdRng) {
    match trouble {
        Trouble::ControllerKilled => world.server.kill(),
        Trouble::ControllerKilledInWrite => disk::fail_in(rng.random_range(0..200), Fault::Kill),
        Trouble::TokenMistaken => mistake_token(world, during),
        Trouble::PowerLost => {
            world.server.kill();
            disk::lose_power();
        }
        Trouble::DiskFull => {
            disk::fill(true);
            after(during, || disk::fill(false));
        }
        Trouble::DiskFails => {
            let calls = rng.random_range(1..4);
            disk::fail_in(rng.random_range(0..50), Fault::Error { calls });
        }
        Trouble::FolderGone => {
            disk::vanish();
            let world = world.clone();
            after(during, move || put_back(&world));
        }
        other => unreachable!("{other:?} is not a trouble of the controller"),
    }
}

/// If the data folder was removed, restores it from the copy and kills the controller, which then
/// restarts on it.
fn put_back(world: &World) {
    if disk::reappear() {
        world.server.kill();
    }
}

/// Restarts the controller with a token that no other program has. After `during`, restarts it with
/// the right token.
fn mistake_token(world: &Arc<World>, during: Duration) {
    world.server.mistake_token(true);
    let server = world.server.clone();
    after(during, move || server.mistake_token(false));
}

/// Sends Ctrl-C to the agent, once or twice.
fn interrupt(machine: Arc<Machine>, twice: bool) {
    machine.tell_agent(Signal::Interrupt);
    if twice {
        after(Duration::from_secs(3), move || machine.tell_agent(Signal::Interrupt));
    }
}

fn after(pause: Duration, act: impl FnOnce() + Send + 'static) {
    drop(tokio::spawn(async move {
        sleep(pause).await;
        act();
    }));
}

fn change(world: &Arc<World>, sweep: String, change: Change) {
    ask(world, Question::Change(ChangeSweep { sweep, change: change.into() }));
}

/// Raises the cap of a sweep, if it has one. Sometimes the user repeats the call.
fn extend(world: &Arc<World>, sweep: String, rng: &mut StdRng) {
    let (runs, key) = (rng.random_range(1..8), rng.random::<u64>().to_string());
    let question = Question::Extend(ExtendSweep { sweep, runs, idempotency_key: key });
    for _ in 0..rng.random_range(1..3) {
        ask(world, question.clone());
    }
}

/// Makes one request as a user at the controller's own machine, without the network.
fn ask(world: &Arc<World>, question: Question) {
    drop(world.server.ask(Bearer::admin(), question));
}

/// Repairs everything, and repeats this until the simulation ends.
async fn calm(world: &Arc<World>) {
    world.witness.note(|| "calm".to_owned());
    world.be_calm();
    loop {
        disk::heal();
        world.server.mistake_token(false);
        put_back(world);
        world.network.calm();
        world.machines.iter().for_each(|machine| machine.stop_agent(false));
        for sweep in world.sweeps() {
            change(world, sweep, Change::Resume);
        }
        sleep(Duration::from_secs(120)).await;
    }
}
