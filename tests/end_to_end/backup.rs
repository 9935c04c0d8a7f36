//! Runs `controller backup` repeatedly next to a controller under load, and kills the backups at
//! random moments. A restore of the last backup has every row and every content that the controller
//! acknowledged before it.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use proto::dial::Dial;
use tests::{
    Chance, Lab,
    acknowledged::{acknowledged, append},
    rows, times,
};

use crate::kills::contents;

/// The number of backups that are killed, unless BESOM_KILLS sets another.
const KILLS: usize = 10;

fn copy(lab: &Lab, into: &Path) -> Command {
    let mut command = lab.command("controller");
    command.arg("backup").arg(into).args(["--data", "besom-data", "--json"]);
    command
}

/// Runs a program that must succeed; returns the JSON that it printed.
fn json(command: &mut Command) -> serde_json::Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn backups_are_whole_after_any_kill() {
    let mut lab = Lab::with_controller();
    // The controller listens before it opens its folder, so an answer shows that the folder is
    // open.
    assert!(lab.sweep(&["ls"]).status.success());
    let (into, data) = (lab.dir().join("backup"), lab.dir().join("besom-data"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let dial = runtime.block_on(async { Dial::new(&lab.address(), None).unwrap() });
    let over = Arc::new(AtomicBool::new(false));
    let writer = runtime.spawn(acknowledged(dial.clone(), Arc::clone(&over), append));
    let keeper = runtime.spawn(acknowledged(dial.clone(), Arc::clone(&over), contents::tell));
    json(&mut copy(&lab, &into));
    let mut chance = Chance::from_environment();
    for _ in 0..times("BESOM_KILLS", KILLS) {
        let mut killed =
            copy(&lab, &into).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(chance.up_to(Duration::from_millis(300)));
        killed.kill().unwrap();
        killed.wait().unwrap();
        json(lab.command("controller").args(["fsck", "--json", "--data"]).arg(&into));
    }
    over.store(true, Ordering::Relaxed);
    let (run, rows_acked) = runtime.block_on(writer).unwrap();
    let (keeper, contents_acked) = runtime.block_on(keeper).unwrap();
    let last = json(&mut copy(&lab, &into));
    let again = json(&mut copy(&lab, &into));
    assert_eq!(again["copied_contents"], 0, "existing contents are not copied again: {again}");
    assert_eq!(last["rows"], again["rows"]);

    lab.kill_controller();
    fs::rename(&data, lab.dir().join("lost")).unwrap();
    let mut restore = lab.command("controller");
    let restored = json(restore.arg("restore").arg(&into).args(["--json", "--data"]).arg(&data));
    assert_eq!((&restored["rows"], &restored["contents"]), (&again["rows"], &again["contents"]));
    lab.start_controller();
    let have = runtime.block_on(rows::stored(&dial, &run));
    assert_eq!(have, (0..rows_acked).collect::<Vec<_>>());
    runtime.block_on(contents::check(&dial, &keeper, contents_acked));
}
