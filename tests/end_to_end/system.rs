//! Tests system metrics through a real controller. The SDK sends those of a run outside sweeps, and
//! a real agent sends those of a trial.

use std::time::Duration;

use record::{Row, Value};
use tests::{Lab, PATIENCE, rows::read, wait_for};

fn number(row: &Row, name: &str) -> f64 {
    match row.values.iter().find(|(key, _)| key == name) {
        Some((_, Value::F64(number))) => *number,
        other => panic!("{name}: {other:?} in {row:?}"),
    }
}

#[test]
fn a_run_outside_a_sweep_is_sampled() {
    let lab = Lab::with_controller();
    let mut init = besom::init().controller(lab.address()).dir(lab.dir().join("runs"));
    init = init.project("alone").system_metrics(Duration::from_millis(100));
    let run = init.start().unwrap();
    run.log([("loss", 1.0)]);
    let rows = wait_for("three samples", || {
        Some(read(&lab, run.id(), "system")).filter(|rows| rows.len() >= 3)
    });
    let id = run.id().to_owned();
    run.finish().unwrap();
    for (step, row) in (0..).zip(&rows) {
        assert_eq!(row.step, step);
        assert!(number(row, "system.proc.memory.rssMB") > 1.0);
        assert!((0.0..=100.0).contains(&number(row, "system.memory_percent")));
    }
    assert!(rows.is_sorted_by_key(|row| row.wall_ms) && rows[0].wall_ms > 1_700_000_000_000);
    let shown = lab.json(&["show", &id, "--json"]);
    assert_eq!(shown["rows"], 1, "samples are not rows of the run: {shown}");
    assert_eq!(
        shown["summary"].as_object().unwrap().len(),
        1,
        "samples are not in its summary: {shown}"
    );
}

#[test]
fn a_trial_is_sampled_by_its_agent() {
    let mut lab = Lab::with_controller();
    let sweep = lab.create(
        "{method: grid, metric: {name: loss}, parameters: {x: {values: [1]}}, \
         command: [sh, -c, \"(while :; do :; done) & sleep 2; kill $!; echo \
         '{\\\"loss\\\": 1}'\"]}",
    );
    let agent = lab.agent(&sweep, &["--system-metrics", "0.2"]);
    let (code, said) = agent.wait();
    assert_eq!(code, Some(0), "{said}");
    let run = lab.runs(&sweep)[0]["id"].as_str().unwrap().to_owned();
    let rows = read(&lab, &run, "system");
    assert!(rows.len() >= 3, "{} samples within {PATIENCE:?}", rows.len());
    assert!(
        rows.iter().any(|row| number(row, "system.proc.cpu.percent") > 10.0),
        "the busy process is measured: {rows:?}"
    );
    assert!(
        rows.iter().any(|row| number(row, "system.proc.count") >= 3.0),
        "all processes are counted"
    );
    assert_eq!(lab.json(&["show", &run, "--json"])["rows"], 1);
}
