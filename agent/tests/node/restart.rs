//! Tests killed agents and killed shims. The next agent adopts the trials that still run and
//! reports those that have ended. It never takes a foreign process for a trial, and no row is lost
//! or stored twice. The tests kill an agent by ending its runtime or its task in the middle of its
//! work.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::support::{Fake, Home, script, until};
use agent::{
    agent::work,
    processes::{process::Identity, reaper::Reaper},
    state::holdings::{Holding, Holdings},
    trial::{
        shim,
        spec::{self, Exit, Processes, Spec},
    },
};
use record::ids::Attempt;
use tokio::{runtime::Runtime, sync::mpsc};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Starts an agent with two slots, waits until `ready` returns, and kills the agent.
fn start_and_kill(home: &Home, fake: &Fake, ready: impl AsyncFnOnce()) {
    let runtime = runtime();
    let (setup, folder) = home.setup(fake, 2, None);
    let (_keep, signals) = mpsc::channel(1);
    runtime.spawn(work(setup, signals));
    runtime.block_on(ready());
    runtime.shutdown_background();
    // The kernel would release the lock on the folder with the agent's process.
    drop(folder);
}

const COUNTING: &str =
    r#"i=0; while [ $i -lt 30 ]; do echo "{\"i\": $i}"; sleep 0.05; i=$((i+1)); done"#;

#[test]
fn a_restarted_agent_resumes_its_trials() {
    let (home, fake) = (Home::new(), Fake::with((0..2).map(|number| script(number, COUNTING))));
    for _ in 0..2 {
        start_and_kill(&home, &fake, async || {
            let seen = fake.console("s-0", "stdout").len();
            until(|| fake.console("s-0", "stdout").len() > seen).await;
        });
    }
    runtime().block_on(home.run(&fake, 2, None)).unwrap();
    let want: Vec<String> = (0..30).map(|i| format!("{{\"i\": {i}}}")).collect();
    for run in ["s-0", "s-1"] {
        assert_eq!(fake.console(run, "stdout"), want);
        let key = (Attempt::new(run, 1), "agent.history".to_owned());
        assert_eq!(fake.state().streams[&key].0, 30);
    }
    let ends: Vec<_> = ["s-0", "s-1"].map(|run| (run.to_owned(), "finished".to_owned())).into();
    assert_eq!(fake.ends(), ends);
    assert!(fake.state().lost.is_empty() && fake.state().declined.is_empty());
}

#[test]
fn the_running_time_of_a_trial_includes_the_time_before_restarts() {
    let mut start = script(0, "exec sleep 1000");
    start.timeout_ms = Some(1_500);
    let (home, fake) = (Home::new(), Fake::with([start]));
    let begun = Instant::now();
    for _ in 0..2 {
        start_and_kill(&home, &fake, async || {
            home.running(0).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        });
        // Moves the stored start of the trial to 1970, as if the wall clock had jumped ahead by
        // decades while no agent ran.
        let mut holdings = Holdings::open(&home.data()).unwrap();
        let holding = holdings.iter().next().unwrap().clone();
        holdings.add(Holding { started_ms: 0, ..holding }).unwrap();
    }
    runtime().block_on(home.run(&fake, 1, None)).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(1_500), "not before its time");
    assert_eq!(fake.state().ended[0].outcome.as_ref().unwrap().class, "timeout");
}

#[test]
fn a_trial_that_ended_while_no_agent_ran_is_reported() {
    let (home, fake) =
        (Home::new(), Fake::with([script(0, "echo one; sleep 0.4; echo two; exit 4")]));
    start_and_kill(&home, &fake, async || {
        home.running(0).await;
    });
    runtime().block_on(until(|| home.attempt(0).join(spec::EXIT).exists()));
    runtime().block_on(home.run(&fake, 1, None)).unwrap();
    assert_eq!(fake.ends(), [("s-0".to_owned(), "failed".to_owned())]);
    assert_eq!(fake.state().ended[0].outcome.as_ref().unwrap().exit_code, Some(4));
    assert_eq!(fake.console("s-0", "stdout"), ["one", "two"]);
}

#[test]
fn rows_written_while_no_agent_ran_are_sent_before_the_end() {
    let (home, fake) = (Home::new(), Fake::default());
    let mut frames = Vec::new();
    let row = record::Row {
        values: vec![("x".to_owned(), record::Value::I64(1))],
        ..record::Row::default()
    };
    record::Writer::default().frame(&[row.clone(), row], &mut frames);
    let journal = home.dir.path().join("frames");
    fs::write(&journal, &frames).unwrap();
    let program = format!(
        "sleep 0.4; cp {} $BESOM_RUN_DIR/journal/sdk.history; kill -9 $$",
        journal.display()
    );
    fake.change(|state| {
        state.queue.push_back(script(0, &program));
        state.ends = true;
    });
    start_and_kill(&home, &fake, async || {
        home.running(0).await;
    });
    runtime().block_on(until(|| home.attempt(0).join(spec::EXIT).exists()));
    assert!(fake.state().streams.is_empty());
    runtime().block_on(home.run(&fake, 1, None)).unwrap();
    assert_eq!(fake.ends(), [("s-0".to_owned(), "failed".to_owned())]);
    assert_eq!(fake.state().rows_at_ends, [2]);
}

#[test]
fn the_tree_of_a_killed_shim_ends_and_the_trial_has_crashed() {
    let program = "trap '' TERM; setsid sleep 1000 & sleep 1000";
    let (home, fake) = (Home::new(), Fake::with([script(0, program)]));
    let runtime = runtime();
    let (setup, _folder) = home.setup(&fake, 1, Some(1));
    let (_keep, signals) = mpsc::channel(1);
    runtime.block_on(async {
        let agent = tokio::spawn(work(setup, signals));
        let processes = home.running(0).await;
        until(|| home.survivors(0).len() >= 3).await;
        until(|| fake.state().holds.iter().any(|held| held.started)).await;
        processes.shim.kill();
        agent.await.unwrap().unwrap();
    });
    assert_eq!((home.survivors(0), fake.ends()), (vec![], vec![]));
    assert!(fake.state().holds.is_empty());
    assert_eq!(fake.state().lost.len(), 1, "the controller need not wait for the lease to expire");
}

#[test]
fn a_shim_killed_right_after_its_start_is_a_crash_not_a_failed_start() {
    let (home, fake) = (Home::new(), Fake::with([script(0, "sleep 1000")]));
    let runtime = runtime();
    let (setup, _folder) = home.setup(&fake, 1, Some(1));
    let (_keep, interrupts) = mpsc::channel(1);
    runtime.block_on(async {
        let agent = tokio::spawn(work(setup, interrupts));
        // Kill the shim as soon as its program runs, before the agent first checks on the trial.
        home.running(0).await.shim.kill();
        agent.await.unwrap().unwrap();
    });
    assert_eq!((home.survivors(0), fake.ends()), (vec![], vec![]));
    assert!(fake.state().declined.is_empty() && fake.state().lost.len() == 1);
}

#[test]
fn trees_of_shims_that_died_with_their_agent_are_ended() {
    let (home, fake) = (Home::new(), Fake::with([script(0, "sleep 1000 & setsid sleep 1000")]));
    let mut shim = None;
    start_and_kill(&home, &fake, async || {
        let processes = home.running(0).await;
        until(|| home.survivors(0).len() >= 3).await;
        shim = Some(processes.shim);
    });
    // Kill the shim only now that the agent is gone, because a living agent would end the shim's
    // tree.
    shim.unwrap().kill();
    assert!(!home.survivors(0).is_empty());
    runtime().block_on(home.run(&fake, 1, None)).unwrap();
    assert_eq!((home.survivors(0), fake.ends()), (vec![], vec![]));
    assert_eq!(fake.state().lost.len(), 1, "the controller need not wait for the lease to expire");
}

#[test]
fn a_trial_waiting_to_be_reported_takes_no_slot_from_its_successor() {
    let (home, fake) = (Home::new(), Fake::with([script(0, "true"), script(1, "sleep 20")]));
    // The controller fails every report of the first trial's end. Meanwhile, the second trial gets
    // the only slot.
    fake.change(|state| state.bad_ends = u32::MAX);
    let started = async |number| {
        home.running(number).await;
        until(|| {
            fake.state().holds.iter().any(|held| held.run == format!("s-{number}") && held.started)
        })
        .await;
    };
    let runtime = runtime();
    let begin = || {
        let (setup, folder) = home.setup(&fake, 1, None);
        let (keep, signals) = mpsc::channel(1);
        (runtime.spawn(work(setup, signals)), folder, keep)
    };
    let (agent, folder, _keep) = begin();
    runtime.block_on(started(1));
    agent.abort();
    drop(folder);
    fake.change(|state| state.queue.push_back(script(2, "true")));
    let (agent, _folder, _keep) = begin();
    runtime.block_on(async {
        let beats = fake.state().beats;
        until(|| fake.state().beats > beats + 3).await;
        // The third trial is queued, but the only slot belongs to the second trial until that one
        // ends.
        assert!(!home.attempt(2).exists(), "two trials on one slot");
        Processes::clone(&home.running(1).await).program.unwrap().kill();
        until(|| home.attempt(2).exists()).await;
    });
    agent.abort();
}

fn holding(home: &Home) -> Attempt {
    let attempt = Attempt::new("s-0", 1);
    fs::create_dir_all(home.attempt(0).join(spec::JOURNAL)).unwrap();
    let holding = Holding {
        attempt: attempt.clone(),
        devices: vec![],
        has_left: false,
        metric: String::new(),
        timeout_ms: None,
        started_ms: 0,
        memory_kills: None,
    };
    Holdings::open(&home.data()).unwrap().add(holding).unwrap();
    attempt
}

#[test]
fn a_process_with_a_reused_pid_is_neither_adopted_nor_ended() {
    let home = Home::new();
    let fake = Fake::with([]);
    holding(&home);
    let mut stranger = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let identity = Identity::of(stranger.id().cast_signed()).unwrap();
    for wrong in [
        Identity { start: identity.start - 1, ..identity.clone() },
        Identity { boot: "another".to_owned(), ..identity.clone() },
    ] {
        holding(&home);
        let processes = Processes { shim: wrong.clone(), program: Some(wrong) };
        spec::write(&home.attempt(0).join(spec::PROCESSES), &processes).unwrap();
        runtime().block_on(home.run(&fake, 1, None)).unwrap();
        assert!(identity.is_alive());
    }
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_trial_whose_shim_never_started_goes_back() {
    let (home, fake) = (Home::new(), Fake::with([]));
    let attempt = holding(&home);
    let spec = Spec {
        argv: vec!["true".to_owned()],
        env: vec![],
        cgroup: None,
        agent_lock: home.data(),
        orphan_after_ms: 1,
    };
    spec::write(&home.attempt(0).join(spec::SPEC), &spec).unwrap();
    let start = script(0, "true");
    fake.change(|state| {
        state.leased.insert(attempt.clone(), (start, false));
    });
    runtime().block_on(home.run(&fake, 1, None)).unwrap();
    assert_eq!(fake.state().declined, [attempt]);
    assert_eq!(fake.ends(), [("s-0".to_owned(), "finished".to_owned())], "the second attempt");
    assert_eq!(fake.state().ended[0].attempt, 2);
}

#[test]
fn a_shim_without_an_agent_ends_its_tree() {
    let home = Home::new();
    let dir = home.attempt(0);
    fs::create_dir_all(&dir).unwrap();
    let env = vec![(spec::DIR_VAR.to_owned(), dir.display().to_string())];
    let argv = ["/bin/sh", "-c", "setsid sleep 1000 & sleep 1000"].map(str::to_owned).to_vec();
    let spec = Spec {
        argv,
        env,
        cgroup: None,
        agent_lock: home.data().join("nobody"),
        orphan_after_ms: 300,
    };
    spec::write(&dir.join(spec::SPEC), &spec).unwrap();
    let mut child = shim::spawn(env!("CARGO_BIN_EXE_agent").as_ref(), &dir).unwrap();
    assert!(child.wait().unwrap().success());
    let exit: Exit = spec::read(&dir.join(spec::EXIT)).unwrap().unwrap();
    assert!(exit.orphaned, "{exit:?}");
    assert_eq!(home.survivors(0), []);
}

#[test]
fn an_abandoned_start_leaves_nothing_behind() {
    let home = Home::new();
    let dir = home.attempt(0);
    fs::create_dir_all(&dir).unwrap();
    let env = vec![(spec::DIR_VAR.to_owned(), dir.display().to_string())];
    let argv = ["/bin/sh", "-c", "setsid sleep 1000 & sleep 1000"].map(str::to_owned).to_vec();
    let spec = Spec { argv, env, cgroup: None, agent_lock: home.data(), orphan_after_ms: 60_000 };
    spec::write(&dir.join(spec::SPEC), &spec).unwrap();
    let child = shim::spawn(env!("CARGO_BIN_EXE_agent").as_ref(), &dir).unwrap();
    runtime().block_on(until(|| home.survivors(0).len() >= 3));
    shim::abandon(child, &dir, &Reaper::default());
    assert_eq!(home.survivors(0), []);
}

#[test]
fn a_second_shim_finds_nothing_to_start() {
    let home = Home::new();
    let dir = home.attempt(0);
    fs::create_dir_all(&dir).unwrap();
    let argv =
        vec!["/bin/sh".to_owned(), "-c".to_owned(), format!("echo x >> {}/runs", dir.display())];
    let spec =
        Spec { argv, env: vec![], cgroup: None, agent_lock: home.data(), orphan_after_ms: 1_000 };
    spec::write(&dir.join(spec::SPEC), &spec).unwrap();
    for _ in 0..2 {
        shim::spawn(env!("CARGO_BIN_EXE_agent").as_ref(), &dir).unwrap().wait().unwrap();
    }
    assert_eq!(fs::read_to_string(dir.join("runs")).unwrap(), "x\n");
}
