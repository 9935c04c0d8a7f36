//! Tests the messages that a user gets after mistyping or forgetting something.

use tests::Lab;

use crate::session::{assert_session, exit, show, type_in};

#[test]
fn no_such_sweep() {
    let lab = Lab::with_controller();
    let texts =
        ["sweep show nosuch12", "sweep pause nosuch12", "sweep logs nosuch12-3", "agent nosuch12"];
    assert_session!(lab, texts.map(|typed| type_in(&lab, typed)).join("\n\n"));
}

#[test]
fn no_controller() {
    let lab = Lab::new();
    let texts = ["sweep ls", "agent abcdefgh"];
    assert_session!(lab, texts.map(|typed| type_in(&lab, typed)).join("\n\n"));
}

#[test]
fn a_port_that_is_taken() {
    let lab = Lab::with_controller();
    let typed = format!("controller --listen 127.0.0.1:{} --data other", lab.port());
    assert_session!(lab, type_in(&lab, &typed));
}

#[test]
fn a_folder_that_is_taken() {
    let lab = Lab::with_controller();
    assert_session!(lab, type_in(&lab, "controller --listen 127.0.0.1:0 --data besom-data"));
}

#[test]
fn a_folder_that_is_checked() {
    let mut lab = Lab::with_controller();
    // The controller listens before it opens its folder, so an answer shows that the folder is
    // open.
    assert!(lab.sweep(&["ls"]).status.success());
    let in_use = type_in(&lab, "controller fsck --data besom-data");
    lab.kill_controller();
    let others = ["besom-data", "besom-data --json", "nowhere"];
    let others = others.map(|data| format!("controller fsck --data {data}"));
    let all = [in_use].into_iter().chain(others.map(|typed| type_in(&lab, &typed)));
    assert_session!(lab, all.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_network_without_a_token() {
    let lab = Lab::new();
    assert_session!(lab, type_in(&lab, "controller --listen 0.0.0.0:0"));
}

#[test]
fn a_token_that_will_not_do() {
    let lab = Lab::new();
    let texts = [
        "controller --listen 0.0.0.0:0 --token hush",
        "controller --listen 127.0.0.1:0 --token hüsh",
        "sweep ls --token hüsh",
        "agent abcdefgh --token hüsh",
    ];
    assert_session!(lab, texts.map(|typed| type_in(&lab, typed)).join("\n\n"));
}

#[test]
fn an_address_over_a_network_without_tls() {
    let lab = Lab::new();
    let texts = [
        "sweep ls --controller http://head:7070 --token hush",
        "agent abcdefgh --controller head:7070",
        "sweep ls --controller https://head:7070 --trust sha256:abcd",
        "agent abcdefgh --controller https://head:7070 --trust missing.pem",
        "controller --listen 0.0.0.0:0 --token 5fJmT0n8wXcQ2vRzY7kLhB",
    ];
    assert_session!(lab, texts.map(|typed| type_in(&lab, typed)).join("\n\n"));
}

#[test]
fn a_configuration_full_of_mistakes() {
    let lab = Lab::with_controller();
    lab.write(
        "wrong.yaml",
        "program: train.py
metod: bayes
metric: {name: val/loss, goal: minimise}
parameters:
  lr: {distribution: log_uniform_values, min: 0, max: 1e-2}
  depth: {min: 8, max: 2}
  depth: {values: [1, 2]}
  dropout: {min: 0.0, max: 0.5, q: 0.1}
run_cap: 0
entity: me
",
    );
    let texts = ["sweep check wrong.yaml", "sweep create wrong.yaml", "sweep check missing.yaml"];
    assert_session!(lab, texts.map(|typed| type_in(&lab, typed)).join("\n\n"));
}

#[test]
fn a_state_that_does_not_allow_it() {
    let lab = Lab::with_controller();
    let sweep = lab.create("{method: grid, command: ['true'], parameters: {x: {values: [1]}}}");
    assert!(lab.sweep(&["cancel", &sweep]).status.success());
    let output = lab.sweep(&["pause", &sweep]);
    assert_session!(lab, show("sweep pause [SWEEP]", &output).replace(&sweep, "[SWEEP]"));
}

#[test]
fn impossible_slots() {
    let lab = Lab::with_controller();
    let sweep = lab.create("{method: grid, command: ['true'], parameters: {x: {values: [1]}}}");
    let typed = format!("agent {sweep} --slots 0 --gpus 0,0 --gpus-per-trial 0");
    assert_session!(lab, type_in(&lab, &typed).replace(&sweep, "[SWEEP]"));
}

#[test]
fn help_is_a_page() {
    let lab = Lab::new();
    let texts = ["sweep --help", "agent --help", "controller --help"];
    assert_session!(lab, texts.map(|typed| type_in(&lab, typed)).join("\n\n"));
    let bare = lab.command("sweep").output().unwrap();
    assert_eq!(exit(bare.status.code()), "[exit 2]");
}
