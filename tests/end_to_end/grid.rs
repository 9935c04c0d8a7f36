//! Tests that agents finish each point of a grid exactly once, even if agents or whole nodes are
//! killed meanwhile.

use std::{collections::BTreeMap, fs};

use serde_json::Value;
use tests::{Agent, Lab, wait_for};

const YAML: &str = "
program: ./trial.sh
command: ['${program}', '${args_no_hyphens}']
method: grid
metric: {name: loss, goal: minimize}
parameters:
  row: {values: [0, 1, 2, 3, 4]}
  column: {min: 1, max: 12}
";

/// A trial that notes that it ran, works a little, and reports a value that identifies its point.
const TRIAL: &str = r#"#!/bin/sh
for pair in "$@"; do eval "$pair"; done
echo "$row/$column" >> "$NOTES"
sleep 0.15
echo "{\"loss\": $((row * 100 + column))}"
"#;

struct Grid {
    lab: Lab,
    sweep: String,
}

impl Grid {
    /// Creates a grid in a lab with leases of this length. Tests in which no lease may run out use
    /// long leases, because a busy machine delays heartbeats.
    fn with_leases(seconds: u32) -> Self {
        let lab = Lab::with_leases(seconds);
        let trial = lab.write(
            "trial.sh",
            TRIAL.replace("$NOTES", &lab.dir().join("notes").to_string_lossy()).as_str(),
        );
        fs::set_permissions(trial, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let sweep = lab.create(YAML);
        Self { lab, sweep }
    }

    fn agents(&mut self) -> [Agent; 3] {
        [(); 3].map(|()| self.lab.agent(&self.sweep, &["--slots", "2"]))
    }

    /// Returns how often the trial of each point was started.
    fn executions(&self) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for point in fs::read_to_string(self.lab.dir().join("notes")).unwrap_or_default().lines() {
            *counts.entry(point.to_owned()).or_default() += 1;
        }
        counts
    }

    fn executed(&self) -> usize {
        self.executions().len()
    }

    /// Waits for the agents, then checks that each point is there once, with its own value.
    fn finish(&self, agents: impl IntoIterator<Item = Agent>) -> Vec<Value> {
        for agent in agents {
            let (code, said) = agent.wait();
            assert_eq!(code, Some(0), "{said}");
        }
        assert_eq!(self.lab.state(&self.sweep), "finished");
        let runs = self.lab.runs(&self.sweep);
        let mut seen = BTreeMap::new();
        for run in &runs {
            let (row, column) =
                (run["params"]["row"].as_i64().unwrap(), run["params"]["column"].as_i64().unwrap());
            assert_eq!(run["state"], "finished", "{run}");
            assert_eq!(run["value"].as_f64(), Some((row * 100 + column) as f64), "{run}");
            assert!(
                seen.insert((row, column), run.clone()).is_none(),
                "point ({row}, {column}) occurs twice"
            );
        }
        assert_eq!(seen.len(), 60);
        runs
    }
}

fn attempts(runs: &[Value]) -> u64 {
    runs.iter().map(|run| run["attempt"].as_u64().unwrap()).sum()
}

#[test]
fn three_agents_cover_a_grid_exactly_once() {
    let mut grid = Grid::with_leases(60);
    let agents = grid.agents();
    let runs = grid.finish(agents);
    assert_eq!(attempts(&runs), 60);
    assert!(grid.executions().values().all(|times| *times == 1), "{:?}", grid.executions());
}

#[test]
fn a_lost_node_costs_only_new_attempts() {
    let mut grid = Grid::with_leases(2);
    let [mut lost, one, other] = grid.agents();
    wait_for("a third of the grid", || (grid.executed() >= 20).then_some(()));
    lost.kill_with_trials();
    let runs = grid.finish([one, other]);
    let again = runs.iter().filter(|run| run["attempt"].as_u64() == Some(2)).count();
    assert!(
        (1..=4).contains(&again),
        "{again} trials ran again: at most two that the node held and two that it was being given"
    );
}

#[test]
fn a_restarted_agent_adopts_its_running_trials() {
    let mut grid = Grid::with_leases(60);
    let [mut killed, one, other] = grid.agents();
    for round in 1..=3 {
        wait_for("progress", || (grid.executed() >= round * 12).then_some(()));
        killed.kill();
        let data = killed.data.clone();
        killed = grid.lab.agent_in(data, &grid.sweep, &["--slots", "2"]);
    }
    let runs = grid.finish([killed, one, other]);
    // If an agent is killed between a lease and the start of the program, the next agent gives the
    // lease back. With two slots and three kills, this happens at most six times.
    assert!((60..=66).contains(&attempts(&runs)), "{} attempts", attempts(&runs));
    assert!(grid.executions().values().all(|times| *times == 1), "{:?}", grid.executions());
}
