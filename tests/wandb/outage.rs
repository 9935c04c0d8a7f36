//! The controller is killed while clients log. Everything that the clients have logged arrives,
//! once and in order, and the clients end by themselves.

use std::{process::Stdio, thread, time::Duration};

use tests::{Chance, Lab};

use crate::client::{history, script, shown};

const ROWS: u64 = 400;

#[test]
fn a_killed_controller_loses_and_doubles_nothing() {
    let mut lab = Lab::with_controller();
    let names = ["one", "two", "three", "four"];
    let start = |name: &str| {
        let mut command = script(&lab, "slow.py");
        command.args([name, &ROWS.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut clients = names.map(start);
    let mut chance = Chance::from_environment();
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(500) + chance.up_to(Duration::from_secs(2)));
        lab.kill_controller();
        thread::sleep(chance.up_to(Duration::from_millis(500)));
        lab.start_controller();
    }
    for client in &mut clients {
        assert!(client.wait().unwrap().success());
    }
    for name in names {
        let rows = history(&lab, name);
        let values: Vec<u64> =
            rows.iter().map(|row| row["values"]["value"].as_u64().unwrap()).collect();
        assert_eq!(values, (0..ROWS).collect::<Vec<_>>(), "{name}");
        assert_eq!(shown(&lab, name)["state"], "finished", "{name}");
        let logs = String::from_utf8(lab.sweep(&["logs", name]).stdout).unwrap();
        let lines: Vec<&str> = logs.lines().filter(|line| line.starts_with("row ")).collect();
        let expected: Vec<String> = (0..ROWS).map(|row| format!("row {row}")).collect();
        assert_eq!(lines, expected, "{name}");
    }
}
