//! Tests the search for the processes of a node, on which tests that stop and kill processes rely.

use std::{fs, process::Command};

use tests::{
    processes::{Signal, of_node, signal},
    wait_for,
};

#[test]
fn a_node_has_no_processes_of_a_node_with_a_longer_name() {
    let folder = tempfile::tempdir().unwrap();
    let sleep = |name: &str| {
        let mut command = Command::new("sleep");
        command.arg("60").env("BESOM_DATA", folder.path().join(name)).spawn().unwrap()
    };
    let mut sleeps = ["agent-1", "agent-1/s-0/1", "agent-10"].map(sleep);
    let pids = sleeps.each_ref().map(|sleep| sleep.id().cast_signed());
    // A process that executes a new program has no environment for a moment.
    let environment = |pid: &i32| fs::read(format!("/proc/{pid}/environ")).unwrap();
    wait_for("their environments", || {
        pids.iter().all(|pid| !environment(pid).is_empty()).then_some(())
    });
    let mut found = of_node(&folder.path().join("agent-1"));
    found.sort_unstable();
    signal(Signal::KILL, &pids);
    sleeps.iter_mut().for_each(|sleep| drop(sleep.wait()));
    let mut expected = pids[..2].to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}
