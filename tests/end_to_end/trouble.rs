//! Tests a trainer in trouble: its disk is full, or its controller hangs. Accepted rows are not
//! lost, refused rows are counted, and the training loop never waits.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use proto::dial::Dial;
use tests::{Lab, program, rows, wait_for};

/// Returns the run, and the numbers of accepted and of refused rows.
fn said(output: &Output) -> (String, u64, u64) {
    let (text, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{errors}");
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = |index: usize| words[index].parse().unwrap();
    (words[0].to_owned(), number(1), number(2))
}

fn stored(lab: &Lab, run: &str) -> Vec<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { rows::stored(&Dial::new(&lab.address(), None).unwrap(), run).await })
}

/// Runs a trainer whose files are limited to about ten kilobytes, as on a full disk.
fn on_a_full_disk(lab: &Lab, rows: u64, pace_us: u64) -> Output {
    let script = format!(
        "trap '' XFSZ; ulimit -f 20; exec {} {rows} {pace_us}",
        program("sdk_logger").display()
    );
    let mut command = lab.command("sdk_logger");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(lab.dir()).env("BESOM_DATA", lab.dir().join("full"));
    for (name, value) in command.stdin(Stdio::null()).get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    shell.output().unwrap()
}

#[test]
fn a_full_disk_loses_no_accepted_row() {
    let lab = Lab::with_controller();
    let output = on_a_full_disk(&lab, 5_000, 20);
    let (run, accepted, refused) = said(&output);
    assert_eq!((accepted, refused), (5_000, 0), "memory has room");
    assert_eq!(stored(&lab, &run), (0..5_000).collect::<Vec<_>>());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains(&format!("warning: run `{run}`")) && errors.contains("takes no rows"),
        "{errors}"
    );
}

#[test]
fn rows_that_a_full_disk_cannot_take_are_counted() {
    let lab = Lab::with_controller();
    let output = on_a_full_disk(&lab, 1_000_000, 0);
    let (run, accepted, refused) = said(&output);
    assert!(refused > 0, "memory is full");
    assert_eq!(accepted + refused, 1_000_000);
    let steps = stored(&lab, &run);
    assert_eq!(steps.len() as u64, accepted);
    assert!(steps.is_sorted_by(|one, next| one < next), "each row once, in order");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains(&format!("{refused} refused")), "{errors}");
}

#[test]
fn a_hanging_controller_loses_no_row() {
    let lab = Lab::with_controller();
    let controller = lab.controller_pid().unwrap().to_string();
    let data = lab.dir().join("hangs");
    let mut trainer = lab
        .command("sdk_logger")
        .args(["1500", "500"])
        .env("BESOM_DATA", &data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(trainer.stdout.take().unwrap());
    let mut run = String::new();
    output.read_line(&mut run).unwrap();
    let signal =
        |name: &str| Command::new("kill").args([name, &controller]).status().unwrap().success();
    assert!(signal("-STOP"));
    // The training continues while the controller hangs: all its rows reach its journal.
    let logged = || rows::journal(&data, run.trim()).len() == 1_500;
    wait_for("the training", || logged().then_some(()));
    assert!(signal("-CONT"));
    output.read_to_string(&mut run).unwrap();
    let ended = trainer.wait_with_output().unwrap();
    let (run, accepted, refused) = said(&Output { stdout: run.into_bytes(), ..ended });
    assert_eq!((accepted, refused), (1_500, 0));
    assert_eq!(stored(&lab, &run), (0..1_500).collect::<Vec<_>>());
}

#[test]
fn a_program_at_its_end_says_what_it_waits_for() {
    let mut lab = Lab::with_controller();
    let mut trainer = lab.command("sdk_logger");
    trainer.args(["1500", "500"]).env("BESOM_DATA", lab.dir().join("waits"));
    let trainer = trainer.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("its run", || {
        (!lab.json(&["run", "ls", "--json"]).as_array()?.is_empty()).then_some(())
    });
    lab.kill_controller();
    thread::sleep(Duration::from_secs(5));
    lab.start_controller();
    let output = trainer.wait_with_output().unwrap();
    let (run, accepted, refused) = said(&output);
    assert_eq!((accepted, refused), (1_500, 0));
    assert_eq!(stored(&lab, &run), (0..1_500).collect::<Vec<_>>());
    let errors = String::from_utf8_lossy(&output.stderr);
    let waits = format!(
        "warning: run `{run}` waits 60 s at most for the controller to take what is left ("
    );
    assert_eq!(errors.matches(&waits).count(), 1, "{errors}");
}
