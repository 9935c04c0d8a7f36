//! Runs a controller and the agents of three nodes on a grid, and keeps them running. The fleet
//! restarts a program that has ended, as a service manager would, and resumes a paused sweep, as a
//! user would. This module kills no process while the sweep runs.

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tests::{
    Agent, Chance, Lab, PATIENCE,
    processes::{command_lines, of_node, shims},
    program,
};

/// The length of a lease, the same as the lab's.
pub(super) const LEASE: Duration = Duration::from_secs(2);
/// The steps of a cell, which take about a second.
pub(super) const STEPS: u64 = 100;
const NODES: usize = 3;
const FLAGS: [&str; 4] = ["--slots", "2", "--grace", "1"];
/// Each call of `tend` restarts a program that has ended with a chance of one in `RESTART`.
const RESTART: usize = 20;
/// The pause between two looks at the sweep.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The kinds of processes that the hunter kills or stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Controller,
    Agent,
    Shim,
    Trainer,
    /// An agent with its shims and trainers, which are stopped and continued together, as if the
    /// machine hung.
    Node,
}

pub(super) const KINDS: [Kind; 5] =
    [Kind::Controller, Kind::Agent, Kind::Shim, Kind::Trainer, Kind::Node];

pub(super) struct Fleet {
    pub(super) lab: Lab,
    pub(super) sweep: String,
    /// The file in which the trainers report their progress.
    pub(super) side: PathBuf,
    agents: Vec<Agent>,
    looked: Instant,
    finished: bool,
    /// How often the fleet found the sweep paused and resumed it.
    pub(super) resumed: usize,
}

impl Fleet {
    pub(super) fn new(mut lab: Lab, cells: usize) -> Self {
        let side = lab.dir().join("side");
        let sweep = lab.create(&format!(
            "
command: ['{}', '{}', '{STEPS}', '10']
method: grid
metric: {{name: loss}}
retry: {{lost: 1000, error: 1000, start: 1000}}
parameters:
  x: {{min: 1, max: {cells}}}
",
            program("sdk_resumer").display(),
            side.display()
        ));
        let agents = (0..NODES).map(|_| lab.agent(&sweep, &FLAGS)).collect();
        Self { lab, sweep, side, agents, looked: Instant::now(), finished: false, resumed: 0 }
    }

    /// Returns the living processes of this kind; a node counts as its agent.
    pub(super) fn living(&self, kind: Kind) -> Vec<i32> {
        let among = |known: Vec<u32>| -> Vec<i32> {
            let pids = command_lines().map(|(pid, _)| pid);
            pids.filter(|pid| known.contains(&pid.cast_unsigned())).collect()
        };
        match kind {
            Kind::Controller => among(self.lab.controller_pid().into_iter().collect()),
            Kind::Agent | Kind::Node => among(self.agents.iter().map(Agent::pid).collect()),
            Kind::Shim => shims(self.lab.dir()),
            Kind::Trainer => {
                let side = format!("\0{}\0", self.side.display());
                let trainers = command_lines().filter(|(_, line)| line.contains(&side));
                trainers.map(|(pid, _)| pid).collect()
            }
        }
    }

    /// For a node, returns its agent, shims and trainers, which are stopped together. For any other
    /// kind, returns only this process.
    pub(super) fn with(&self, kind: Kind, pid: i32) -> Vec<i32> {
        let agents = self
            .agents
            .iter()
            .filter(|agent| kind == Kind::Node && agent.pid().cast_signed() == pid);
        agents.map(|agent| of_node(&agent.data)).next().unwrap_or_else(|| vec![pid])
    }

    /// Restarts programs that have ended, after some time. If the controller `answers`, also looks
    /// at the sweep from time to time.
    pub(super) fn tend(&mut self, chance: &mut Chance, answers: bool) {
        if self.lab.lost_controller() {
            if chance.below(RESTART) == 0 {
                self.lab.start_controller();
            }
            return;
        }
        for agent in &mut self.agents {
            if agent.is_over() && chance.below(RESTART) == 0 {
                *agent = self.lab.agent_in(agent.data.clone(), &self.sweep, &FLAGS);
            }
        }
        if answers && self.looked.elapsed() > LOOK_EVERY {
            self.looked = Instant::now();
            self.look();
        }
    }

    /// Looks at the sweep as a user would: resumes it if it is paused, and notes if it is finished.
    /// If the controller does not answer, the next look tries again.
    fn look(&mut self) {
        let shown = self.lab.sweep(&["show", &self.sweep, "--json"]);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap_or_default();
        match shown["sweep"]["state"].as_str() {
            Some("paused") => {
                let resumed = self.lab.sweep(&["resume", &self.sweep]);
                self.resumed += usize::from(resumed.status.success());
            }
            Some("finished") => self.finished = true,
            _ => {}
        }
    }

    /// Waits until the sweep is over and the agents have left by themselves.
    pub(super) fn finish(&mut self, chance: &mut Chance) {
        let begun = Instant::now();
        while !self.finished {
            self.tend(chance, true);
            thread::sleep(Duration::from_millis(10));
            assert!(begun.elapsed() < 4 * PATIENCE, "the sweep ends: {}", self.said());
        }
        for mut agent in std::mem::take(&mut self.agents) {
            // If an agent was killed, the next agent on its folder has to report the trials that it
            // held.
            if agent.is_over() {
                agent = self.lab.agent_in(agent.data.clone(), &self.sweep, &FLAGS);
            }
            let data = agent.data.clone();
            let (code, said) = agent.wait();
            assert_eq!(code, Some(0), "{said}");
            assert_eq!(
                std::fs::read_to_string(data.join("holdings.json")).unwrap(),
                "[]",
                "{said}"
            );
        }
    }

    /// Kills the controller, and checks that no process lives on and that the data folder is
    /// intact.
    pub(super) fn close(&mut self) {
        self.lab.kill_controller();
        let here = self.lab.dir().display().to_string();
        let living: Vec<_> = command_lines().filter(|(_, line)| line.contains(&here)).collect();
        assert!(living.is_empty(), "{living:?}");
        let data = self.lab.dir().join("besom-data");
        let checked =
            self.lab.command("controller").args(["fsck", "--data"]).arg(data).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }

    /// Returns the logs of all agents.
    pub(super) fn said(&self) -> String {
        self.agents
            .iter()
            .map(|agent| format!("{}:\n{}\n", agent.data.display(), agent.said()))
            .collect()
    }
}
