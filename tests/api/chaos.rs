//! Makes random calls of agents and users, with a fixed seed. The counters of the sweep must then
//! agree with a count of its runs.

use std::collections::BTreeMap;

use proto::v1::{Change, ReplayTrials, RetryRuns, Start};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::lab::{FakeAgent, Lab, RANDOM};

/// An agent and the trials that it holds, according to the orders that it has received.
struct Node {
    agent: FakeAgent,
    starts: Vec<Start>,
}

impl Node {
    async fn beat(&mut self, rng: &mut StdRng) {
        self.agent.beat.free = rng.random_range(0..3);
        // An error has the same effect as a lost reply: the agent receives no orders.
        let Ok(orders) = self.agent.heartbeat().await else { return };
        self.agent.beat.declined.clear();
        if rng.random_bool(0.1) {
            return;
        }
        for stop in &orders.stop {
            self.agent.forget(&stop.run);
            self.starts.retain(|start| start.run != stop.run);
        }
        for start in orders.start {
            self.agent.hold(&start);
            self.starts.push(start);
        }
    }

    async fn work(&mut self, rng: &mut StdRng) {
        if self.starts.is_empty() {
            return;
        }
        let place = rng.random_range(0..self.starts.len());
        let start = self.starts[place].clone();
        // This test ignores the answers to these calls and checks only the counters.
        match rng.random_range(0..10) {
            0..4 => drop(self.agent.log(&start, 0, "val/loss", &[rng.random()]).await),
            4 => self.agent.decline(&start),
            ending => {
                let state = ["finished", "finished", "failed", "stopped", "preempted"][ending - 5];
                drop(self.agent.end(&start, state).await);
                self.starts.remove(place);
            }
        }
    }
}

#[tokio::test]
async fn the_counters_agree_after_a_random_walk() {
    let mut rng = StdRng::seed_from_u64(2026);
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 120\n")).await.id;
    let agent = |number: usize| lab.agent(&format!("agent-{number}"), &sweep);
    let mut nodes: Vec<_> = (0..5).map(|n| Node { agent: agent(n), starts: Vec::new() }).collect();
    for round in 0..1500 {
        let node = &mut nodes[round % 5];
        match rng.random_range(0..40) {
            0 => drop(lab.change(&sweep, Change::Pause).await),
            1..4 => drop(lab.change(&sweep, Change::Resume).await),
            4 => drop(lab.sweeps.retry(RetryRuns { sweep: sweep.clone(), runs: Vec::new() }).await),
            5 => {
                node.agent.reborn();
                node.starts.clear();
            }
            6..22 => node.beat(&mut rng).await,
            _ => node.work(&mut rng).await,
        }
        if round % 100 == 0 {
            balance(&mut lab, &sweep).await;
        }
    }
    balance(&mut lab, &sweep).await;
    let replay = ReplayTrials { sweep: sweep.clone(), trials: Vec::new() };
    let replayed = lab.sweeps.replay(replay).await.unwrap().into_inner();
    assert_eq!(replayed.equal, lab.sweep(&sweep).await.counts.unwrap().trials);
}

/// Checks that the counters equal a count of the runs, and that every trial exists once. The best
/// run must have the smallest value of all finished runs. A finished sweep must have no live run.
async fn balance(lab: &mut Lab, id: &str) {
    let runs = lab.list(id).await;
    let sweep = lab.sweep(id).await;
    let counts = sweep.counts.unwrap();
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for run in &runs {
        *counted.entry(run.state.as_str()).or_default() += 1;
    }
    let kept = [
        ("queued", counts.queued),
        ("leased", counts.leased),
        ("running", counts.running),
        ("finished", counts.finished),
        ("failed", counts.failed),
        ("crashed", counts.crashed),
        ("stopped", counts.stopped),
        ("pruned", counts.pruned),
    ];
    for (state, count) in kept {
        assert_eq!(counted.get(state).copied().unwrap_or(0), count, "{state}: {counted:?}");
    }
    assert_eq!(runs.len() as u64, counts.trials);
    assert!(runs.iter().enumerate().all(|(place, run)| run.trial == Some(place as u64)));
    let finished = runs.iter().filter(|run| run.state == "finished").filter_map(|run| run.value);
    assert_eq!(sweep.best.and_then(|best| best.value), finished.reduce(f64::min));
    let live = counts.queued + counts.leased + counts.running;
    assert!(sweep.state != "finished" || live == 0, "finished with {live} live runs");
}
