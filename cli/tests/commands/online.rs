//! Tests what `sweep` prints, and its exit code, against a scripted controller. The controller
//! refuses some requests, fails the first `create`, and interrupts the first watch and the first
//! followed log.

use std::fs;

use crate::fake::{self, Fake};

fn sessions(commands: &[&[&str]]) -> String {
    let fake = Fake::start();
    commands.iter().map(|args| fake.session(args)).collect::<Vec<_>>().join("\n")
}

/// Replaces ages in days, because the age of the fake controller's sweep changes every day.
fn timeless(text: &str) -> String {
    let words: Vec<&str> = text.split_inclusive([' ', '\n']).collect();
    let is_days =
        |word: &str| word.trim().strip_suffix('d').is_some_and(|days| days.parse::<u32>().is_ok());
    words.into_iter().map(|word| if is_days(word) { "DAYS " } else { word }).collect()
}

#[test]
fn looking_at_sweeps() {
    let id = fake::SWEEP;
    let run = format!("{id}-2");
    insta::assert_snapshot!(timeless(&sessions(&[
        &["ls"],
        &["show", id],
        &["show", &run],
        &["best", id]
    ])));
}

#[test]
fn looking_at_one_run() {
    let run = format!("{}-2", fake::SWEEP);
    let shown = |args: &[&str]| {
        timeless(&sessions(&[args])).split_once('\n').map(|(_, shown)| shown.to_owned()).unwrap()
    };
    assert_eq!(shown(&["run", "show", &run]), shown(&["show", &run]));
    assert_eq!(shown(&["run", "show", &run, "--json"]), shown(&["show", &run, "--json"]));
    insta::assert_snapshot!(sessions(&[
        &["run", "show", fake::SWEEP],
        &["run", "show", "k3x9abcd-9"]
    ]));
}

#[test]
fn pages_have_addresses() {
    let run = format!("{}-2", fake::SWEEP);
    insta::assert_snapshot!(sessions(&[
        &["open"],
        &["open", fake::SWEEP],
        &["open", &run],
        &["open", "k3x9abcdd"],
    ]));
}

#[test]
fn what_a_run_logged() {
    let run = format!("{}-1", fake::SWEEP);
    let empty = format!("{}-0", fake::SWEEP);
    insta::assert_snapshot!(sessions(&[
        &["run", "history", &run],
        &["run", "history", &run, "--keys", "val/loss", "--last", "3"],
        &["run", "history", &run, "--csv"],
        &["run", "history", &run, "--json", "--keys", "note"],
        &["run", "history", &run, "--keys", "val_loss"],
        &["run", "history", &run, "--last", "0"],
        &["run", "history", &empty],
        &["run", "history", "k3x9abcd-9"],
    ]));
}

#[test]
fn explaining() {
    let id = fake::SWEEP;
    let run = format!("{id}-2");
    insta::assert_snapshot!(sessions(&[
        &["explain", id],
        &["explain", id, "-p", "lr"],
        &["explain", id, "--parameter", "nonesuch"],
        &["explain", id, "--json"],
        &["explain", &run],
        &["explain", &run, "-p", "lr"],
        &["explain", "k3x9abdc"],
    ]));
}

#[test]
fn changing_sweeps() {
    let id = fake::SWEEP;
    insta::assert_snapshot!(sessions(&[
        &["cancel", id],
        &["pause", id],
        &["resume", id],
        &["extend", id, "--runs", "20"],
        &["extend", id, "--runs", "0"],
        &["enqueue", id, "--set", "lr=0.01", "--set", "opt={name: sgd}"],
        &["enqueue", id, "--set", "lr=0.01", "--json"],
        &["enqueue", id, "--set", "lr=5"],
        &["enqueue", id, "--set", "lr"],
        &["enqueue", id],
        &["retry", id],
        &["retry", id, "k3x9abcd-0"],
        &["show", id, "--replay"],
    ]));
}

#[test]
fn wrong_ids() {
    insta::assert_snapshot!(sessions(&[
        &["show", "k3x9abdc"],
        &["show", "zzzzzzzz"],
        &["watch", "k3x"],
        &["pause", "k3x9abc"],
        &["logs", "k3x9abcd-9"],
        &["show", "k3x9abdc-1"],
        &["retry", "k3x9abcd", "k3x9abcd-0", "k3x9abcd-9"],
        &["run", "export", "k3x9abcd"],
    ]));
}

#[test]
fn tokens() {
    let fake = Fake::start();
    insta::assert_snapshot!(
        [None, Some("wrong")].map(|token| fake.session_as(token, &["ls"])).join("\n")
    );
}

#[test]
fn a_sweep_is_created_once_though_the_first_answer_was_bad() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sweep.yaml");
    fs::write(&file, "method: grid\nprogram: train.py\nparameters: {lr: {values: [1, 2, 3]}}\n")
        .unwrap();
    let file = file.to_str().unwrap();
    let session = |args: &[&str]| Fake::start().session(args).replace(file, "sweep.yaml");
    insta::assert_snapshot!(
        [
            session(&["create", file]),
            session(&["create", file, "--json"]),
            session(&["create", "-q", file])
        ]
        .join("\n")
    );
}

#[test]
fn a_watch_outlives_the_controller() {
    insta::assert_snapshot!(sessions(&[&["watch", fake::LIVE], &["watch", fake::SWEEP]]));
}

#[test]
fn logs_come_once_and_steer_nothing() {
    insta::assert_snapshot!(sessions(&[
        &["logs", "k3x9abcd-1", "--follow"],
        &["logs", "k3x9abcd-0"]
    ]));
}

#[test]
fn exports() {
    let fake = Fake::start();
    insta::assert_snapshot!(fake.session(&["export", fake::SWEEP]).replace('\r', ""));
    let curves = fake.session(&["export", fake::SWEEP, "--curves"]).replace('\r', "");
    insta::assert_snapshot!("export_of_curves", curves);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trials.json");
    let session = fake.session(&[
        "export",
        fake::SWEEP,
        "--format",
        "json",
        "--output",
        file.to_str().unwrap(),
    ]);
    assert!(session.contains("exit 0\n-- stderr\nwrote 3 trials to"), "{session}");
    let trials: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(trials[1]["params"]["opt"]["name"], "a,\"b\"");
    let session = fake.session(&["export", fake::SWEEP, "--output", "/no/such/folder/x.csv"]);
    insta::assert_snapshot!("export_to_nowhere", session);
}

#[test]
fn exporting_a_run() {
    let run = "k3x9abcd-1";
    insta::assert_snapshot!(
        sessions(&[
            &["run", "export", run, "--stream", "console"],
            &["run", "export", run, "--stream", "console", "--format", "jsonl", "--keys", "stderr"],
            &["run", "export", run, "--stream", "console", "--keys", "stdot,loss"],
            &["run", "export", "k3x9abcd-0"],
            &["run", "export", run, "-o", "/no/such/folder/rows.parquet"],
            &["run", "export", "k3x9abcd-9"],
            &["run", "export", run, "k3x9abcd-0", run],
            &["run", "export", run, "k3x9abcd-2", "--keys", "nonesuch"],
        ])
        .replace('\r', "")
    );
}

#[test]
fn the_name_of_a_file_decides_its_format() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.parquet");
    let session =
        Fake::start().session(&["run", "export", "k3x9abcd-1", "-o", file.to_str().unwrap()]);
    assert!(session.contains("exit 0\n-- stderr\nwrote 6 rows to"), "{session}");
    assert_eq!(fs::read(&file).unwrap()[..4], *b"PAR1");
    let session =
        Fake::start().session(&["export", fake::SWEEP, "--curves", "-o", file.to_str().unwrap()]);
    assert!(session.contains("exit 0\n-- stderr\nwrote 8 values to"), "{session}");
    assert_eq!(fs::read(&file).unwrap()[..4], *b"PAR1");
}
