//! Agents of W&B: what they get, and what follows from what they do not say.

use std::time::Duration;

use controller::offline::{Offline, WantedKey};
use proto::v1::Change;
use serde_json::{Value, json};

use super::http::{Caller, lines};
use crate::lab::{Lab, RANDOM};

/// An agent of W&B.
struct Agent {
    client: Caller,
    id: String,
}

impl Agent {
    fn new(lab: &Lab, sweep: &str) -> Self {
        Self::of(Caller::new(lab, None), sweep)
    }

    fn of(client: Caller, sweep: &str) -> Self {
        let query = "mutation($s: String!) { createAgent(input: {host: \"node\", sweep: $s, \
            projectName: \"uncategorized\", entityName: \"home\"}) { agent { id } } }";
        let made = client.ask(query, json!({ "s": sweep })).json();
        let id = made["data"]["createAgent"]["agent"]["id"].as_str().unwrap().to_owned();
        Self { client, id }
    }

    /// Says which runs live. Returns the commands as pairs of type and run.
    fn beat(&self, live: &[&str]) -> Vec<(String, String)> {
        let states: Value = live.iter().map(|run| ((*run).to_owned(), json!(true))).collect();
        let query = "mutation($id: ID!, $state: JSONString) { agentHeartbeat(input: {id: $id, \
            runState: $state}) { agent { id } commands } }";
        let answer = self.client.ask(query, json!({"id": self.id, "state": states.to_string()}));
        assert_eq!(answer.status, 200, "{answer:?}");
        let commands = answer.json()["data"]["agentHeartbeat"]["commands"].clone();
        let commands: Vec<Value> = serde_json::from_str(commands.as_str().unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        commands.iter().map(|command| (text(&command["type"]), text(&command["run_id"]))).collect()
    }

    fn begin(&self, run: &str) {
        let said = json!({"name": run, "modelName": "uncategorized", "config": "{}"});
        assert_eq!(self.client.upsert(said).status, 200);
    }

    fn log(&self, run: &str, body: Value) {
        let answer = self.client.stream(&format!("home/uncategorized/{run}"), body);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

fn only(commands: &[(String, String)], kind: &str) -> String {
    assert!(matches!(commands, [(known, _)] if known == kind), "{kind}: {commands:?}");
    commands[0].1.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_gets_one_trial_after_the_other() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 2\n")).await;
    let agent = Agent::new(&lab, &sweep.id);
    for value in [0.5, 0.25] {
        let run = only(&agent.beat(&[]), "run");
        // The agent did not hear the answer, so it gets the same trial again.
        assert_eq!(only(&agent.beat(&[]), "run"), run);
        agent.begin(&run);
        assert_eq!(agent.beat(&[&run]), []);
        assert_eq!(lab.run(&run).await.state, "running");
        agent.log(
            &run,
            json!({"files": {"wandb-history.jsonl": {"offset": 0, "content":
            [format!("{{\"_step\": 0, \"val/loss\": {value}}}")]}}}),
        );
        assert_eq!(agent.beat(&[&run]), []);
        agent.log(&run, json!({"complete": true, "exitcode": 0}));
        let ended = lab.run(&run).await;
        assert_eq!((ended.state.as_str(), ended.value), ("finished", Some(value)));
    }
    assert_eq!(only(&agent.beat(&[]), "exit"), "");
    assert_eq!(lab.sweep(&sweep.id).await.state, "finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ends_without_a_word_is_noticed() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let agent = Agent::new(&lab, &sweep.id);
    let early = only(&agent.beat(&[]), "run");
    for _ in 0..2 {
        assert_eq!(only(&agent.beat(&[]), "run"), early);
    }
    let second = only(&agent.beat(&[]), "run");
    assert_ne!(second, early, "its program has ended three times before it called the client");
    let ended = lab.run(&early).await;
    assert_eq!(ended.state, "failed");
    assert!(ended.outcome.unwrap().message.contains("before it called wandb.init"));

    agent.begin(&second);
    agent.log(&second, lines(0, &[1.5]));
    assert_eq!(agent.beat(&[&second]), []);
    while lab.run(&second).await.state == "running" {
        agent.beat(&[]);
    }
    let again = lab.run(&second).await;
    assert!(["queued", "leased", "crashed"].contains(&again.state.as_str()), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_sweep_stops_its_runs_and_lets_the_agent_leave() {
    let mut lab = Lab::with(|settings| settings.stop_grace = Duration::from_secs(1)).await;
    let sweep = lab.create(RANDOM).await;
    let agent = Agent::new(&lab, &sweep.id);
    let run = only(&agent.beat(&[]), "run");
    agent.begin(&run);
    lab.change(&sweep.id, Change::Pause).await.unwrap();
    assert_eq!(agent.beat(&[&run]), []);
    lab.change(&sweep.id, Change::Cancel).await.unwrap();
    assert_eq!(only(&agent.beat(&[&run]), "stop"), run);
    let told = agent.client.stream(&format!("home/uncategorized/{run}"), json!({}));
    assert_eq!(told.json()["stopped"], true, "{told:?}");
    agent.log(&run, json!({"complete": true, "exitcode": 255}));
    assert_eq!(lab.run(&run).await.state, "stopped");
    assert_eq!(only(&agent.beat(&[]), "exit"), "");
    // An agent that names a run which it does not hold has to end it.
    let other = Agent::new(&lab, &sweep.id);
    assert_eq!(only(&other.beat(&[&run])[..1], "stop"), run);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_polls_as_the_agent_of_another_user() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    lab.stop().await;
    let folder = Offline::open(lab.folder()).await.unwrap();
    let mut keys = Vec::new();
    for name in ["ann", "bob"] {
        let team = Some("home".to_owned());
        folder.add_user(name.to_owned(), team, "member", false).await.unwrap();
        let wanted = WantedKey { user: name.to_owned(), ..WantedKey::default() };
        keys.push(folder.add_key(wanted).await.unwrap().0);
    }
    drop(folder);
    lab.come_back().await;
    let agent = Agent::of(Caller::new(&lab, Some(&keys[0])), &sweep.id);
    let run = only(&agent.beat(&[]), "run");
    let query = "mutation($id: ID!) { agentHeartbeat(input: {id: $id}) { commands } }";
    let bob = Caller::new(&lab, Some(&keys[1]));
    for _ in 0..4 {
        let refused = bob.ask(query, json!({ "id": agent.id }));
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    // Bob's polls have not counted, so the trial still waits for its agent.
    assert_eq!(only(&agent.beat(&[]), "run"), run);
}
