//! Stops badly behaved trials (tests/programs/zoo.rs) in six ways, with and without a cgroup for
//! each trial. No process of a trial survives, and its slot is free. BESOM_STOPS sets the least
//! number of stops: 100 unless `cargo xtask soak` asks for more. The test finds living processes in
//! /proc by their command lines, because the agent's own ways of finding processes are under test.

mod beasts;
mod grounds;

use std::{
    thread,
    time::{Duration, Instant},
};

use tests::{
    Agent, Lab, measures,
    processes::{self, Signal},
    program, times, wait_for,
};

use self::{
    beasts::{BEASTS, Beast, living},
    grounds::Grounds,
};

const DEFAULT_STOPS: usize = 100;
/// The time between SIGTERM and SIGKILL when a sweep is cancelled, the same as the lab's.
const GRACE: Duration = Duration::from_secs(1);
/// The most that a stop may take beyond its grace, at the median.
const SLACK: Duration = Duration::from_millis(200);

/// An event that ends the trials of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A user cancels the sweep.
    Cancel,
    /// A user cancels the sweep while the shims are stopped.
    CancelWithStoppedShims,
    /// A user cancels the sweep after the agent was killed and restarted.
    CancelAfterRestart,
    /// The test kills the shims.
    KillShims,
    /// The test kills the agent, then the shims, and restarts the agent.
    KillAgentAndShims,
    /// A user interrupts the agent twice.
    Interrupt,
}

const WAYS: [Way; 6] = [
    Way::Cancel,
    Way::CancelWithStoppedShims,
    Way::CancelAfterRestart,
    Way::KillShims,
    Way::KillAgentAndShims,
    Way::Interrupt,
];

#[test]
fn no_process_of_a_trial_survives_a_stop() {
    let stops = times("BESOM_STOPS", DEFAULT_STOPS);
    let mut lab = Lab::with_controller();
    let begun = Instant::now();
    let (mut ended, mut took) = (0, Vec::new());
    // The loop runs every way at least once without cgroups, and once with cgroups if the machine
    // allows them.
    for round in 0.. {
        if ended >= stops && round >= 2 * WAYS.len() {
            break;
        }
        let way = WAYS[round / 2 % WAYS.len()];
        let Some(grounds) = Grounds::of(round % 2 == 0) else { continue };
        let (number, cancelled) = one_round(&mut lab, round, way, &grounds);
        ended += number;
        took.extend(cancelled);
    }
    took.sort_unstable();
    let (middle, most) = (took[took.len() / 2], took[took.len() - 1]);
    terminal::say(format_args!(
        "{ended} trials ended in {:.1?}, none lived on; cancelled trials took {middle:.0?} at the \
        median, {most:.0?} at most, of which {GRACE:?} are grace",
        begun.elapsed()
    ));
    assert!(middle < GRACE + SLACK || !measures(), "{took:?}");
}

/// Starts one trial of each beast and ends them all. Returns how many ended, and how long each took
/// after a cancel; no times if the round cancels nothing.
fn one_round(lab: &mut Lab, round: usize, way: Way, grounds: &Grounds) -> (usize, Vec<Duration>) {
    let what = format!(
        "round {round}, {way:?}, {} cgroups",
        if grounds.with_cgroups { "with" } else { "no" }
    );
    // An agent that starts after an orphan lost its parents can find the orphan only by its mark or
    // its cgroup. The orphan of `cleared` has no mark, so a round without cgroups leaves this beast
    // out.
    let unfindable = |beast: &Beast| {
        beast.name == beasts::CLEARED && way == Way::KillAgentAndShims && !grounds.with_cgroups
    };
    let loose: Vec<Beast> = BEASTS.into_iter().filter(|beast| !unfindable(beast)).collect();
    let tag = format!("zoo-{}-{round}", lab.port());
    let sweep = lab.create(&yaml(&loose, &tag));
    let tag = format!("{tag}:");
    lab.put_agents_into(grounds.cgroup());
    let slots = loose.len().to_string();
    let mut agent = lab.agent(&sweep, &["--slots", &slots, "--grace", "1"]);
    let stands = |living: &std::collections::BTreeMap<String, Vec<i32>>, beast: &Beast| {
        living.iter().any(|(of, pids)| {
            of.ends_with(&format!(":{}", beast.name)) && pids.len() >= beast.processes
        })
    };
    wait_for(&format!("all beasts of {what}"), || {
        let living = living(&tag);
        loose.iter().all(|beast| stands(&living, beast)).then_some(())
    });
    if grounds.with_cgroups {
        assert_eq!(grounds.trials(), loose.len(), "{what}: each trial has a cgroup");
    }
    let first: Vec<String> = living(&tag).into_keys().collect();
    let cancelled = disturb(lab, &mut agent, &sweep, way, loose.len());
    let mut took = vec![];
    wait_for(&format!("the end of all beasts of {what}"), || {
        let living = living(&tag);
        let ended = first.iter().filter(|of| !living.contains_key(*of)).count();
        took.resize(ended, cancelled.map(|at| at.elapsed()).unwrap_or_default());
        (ended == first.len()).then_some(())
    });
    if cancelled.is_none() {
        cancel(lab, &sweep);
    }
    let data = agent.data.clone();
    let (code, said) = agent.wait();
    assert_eq!(code, Some(0), "{what}: {said}");
    assert_eq!(said.contains("no cgroups for trials"), !grounds.with_cgroups, "{what}: {said}");
    assert!(!said.contains("set aside"), "{what}: every slot is free: {said}");
    // One look at /proc may miss a process that starts while its parent ends.
    for pause in [0, 11, 23, 41] {
        thread::sleep(Duration::from_millis(pause));
        let living = living(&tag);
        assert!(living.is_empty(), "{what}: {living:?}: {said}");
    }
    assert_eq!(std::fs::read_to_string(data.join("holdings.json")).unwrap(), "[]", "{what}");
    assert_eq!(grounds.trials(), 0, "{what}: no cgroup is left: {said}");
    (loose.len(), if cancelled.is_some() { took } else { vec![] })
}

/// Performs the event. Returns the time at which the sweep was cancelled, or `None` if it was not
/// cancelled.
fn disturb(lab: &Lab, agent: &mut Agent, sweep: &str, way: Way, trials: usize) -> Option<Instant> {
    let restart = |agent: &mut Agent| {
        *agent = lab.agent_in(agent.data.clone(), sweep, &["--slots", &trials.to_string()]);
        wait_for("adoptions", || (agent.said().matches("adopted").count() == trials).then_some(()));
    };
    let shims = || {
        let shims = processes::shims(&agent.data);
        assert_eq!(shims.len(), trials);
        shims
    };
    match way {
        Way::Cancel => {}
        Way::CancelWithStoppedShims => told(Signal::STOP, &shims()),
        Way::CancelAfterRestart => {
            agent.kill();
            restart(agent);
        }
        Way::KillShims => {
            told(Signal::KILL, &shims());
            return None;
        }
        Way::KillAgentAndShims => {
            let shims = shims();
            agent.kill();
            told(Signal::KILL, &shims);
            restart(agent);
            return None;
        }
        Way::Interrupt => {
            agent.signal("INT");
            thread::sleep(Duration::from_millis(100));
            agent.signal("INT");
            return None;
        }
    }
    let now = Instant::now();
    cancel(lab, sweep);
    Some(now)
}

fn cancel(lab: &Lab, sweep: &str) {
    let said = lab.sweep(&["cancel", sweep]);
    assert!(said.status.success(), "{said:?}");
}

fn told(signal: Signal, pids: &[i32]) {
    assert_eq!(processes::signal(signal, pids), pids.len(), "every process receives {signal:?}");
}

fn yaml(loose: &[Beast], tag: &str) -> String {
    let names: Vec<&str> = loose.iter().map(|beast| beast.name).collect();
    format!(
        "
command: ['{}', '{tag}']
method: grid
metric: {{name: loss, goal: minimize}}
parameters:
  beast: {{values: [{}]}}
",
        program("zoo").display(),
        names.join(", ")
    )
}
