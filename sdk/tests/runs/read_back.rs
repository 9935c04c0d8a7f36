//! Tests that a real controller returns the data that a program logged: the run's settings, its
//! config, its rows bit by bit, and its summary.

use std::{collections::BTreeMap, thread};

use besom::{Goal, InitError, Mode, Resume, Summary};
use record::Value;
use serde_json::json;

use crate::real::Real;

#[test]
fn a_run_has_the_settings_of_its_start() {
    let real = Real::start();
    let init = real
        .init()
        .project("p")
        .name("n")
        .tags(["a", "b"])
        .notes("why")
        .group("g")
        .job_type("train");
    let run = init.id("my_run").config(&json!({"lr": 0.1})).start().unwrap();
    assert_eq!(run.id(), "my_run");
    run.update_config(&json!({"lr": 0.2, "model": {"layers": 3}})).unwrap();
    run.update_config(&json!({"model": {"width": 64}})).unwrap();
    let config = run.config::<serde_json::Value>().unwrap();
    run.finish().unwrap();
    let stored = real.run("my_run");
    let said = [
        &stored.project,
        &stored.name,
        &stored.notes,
        &stored.group,
        &stored.job_type,
        &stored.state,
    ];
    assert_eq!(said, ["p", "n", "why", "g", "train", "finished"]);
    assert_eq!(stored.tags, ["a", "b"]);
    assert_eq!(config, json!({"lr": 0.2, "model": {"layers": 3, "width": 64}}));
    assert_eq!(real.config("my_run"), config);
}

#[test]
fn an_id_is_taken_once_and_resumed_on_request() {
    let real = Real::start();
    let start = |resume: Resume, lr: f64| {
        real.init().id("again").resume(resume).config(&json!({"lr": lr})).start()
    };
    let missing = start(Resume::Must, 0.1).unwrap_err().to_string();
    assert!(
        missing
            .ends_with("no run `again` to resume; `resume = allow` begins it where it is missing"),
        "{missing}"
    );
    let first = start(Resume::Allow, 0.1).unwrap();
    first.log_at(41, [("loss", 0.5)]);
    first.log([("other", 1.0)]);
    first.finish().unwrap();
    let taken = start(Resume::Never, 0.1).unwrap_err();
    assert!(matches!(taken, InitError::Refused { .. }));
    assert!(
        taken.to_string().contains("there is a run `again` already, which is finished"),
        "{taken}"
    );
    let second = start(Resume::Must, 0.3).unwrap();
    assert_eq!(real.run("again").state, "running");
    second.log([("loss", 0.25)]);
    second.finish().unwrap();
    let steps: Vec<_> =
        real.rows("again", "history").iter().map(|(attempt, row)| (*attempt, row.step)).collect();
    assert_eq!(steps, [(1, 41), (1, 42), (2, 43)]);
    let stored = real.run("again");
    assert_eq!((stored.attempt, stored.rows, stored.state.as_str()), (2, 3, "finished"));
    assert_eq!(
        serde_json::Value::Object(real.summary("again")),
        json!({"loss": 0.25, "other": 1.0})
    );
    assert_eq!(real.config("again"), json!({"lr": 0.3}));
    assert_eq!(real.runs().len(), 1);
}

#[test]
fn a_living_process_is_fenced_by_the_next_one() {
    let real = Real::start();
    let old = real.init().id("twice").resume(Resume::Allow).start().unwrap();
    old.log([("loss", 1.0)]);
    let new = real.init().id("twice").resume(Resume::Allow).start().unwrap();
    new.log([("loss", 2.0)]);
    new.finish().unwrap();
    old.log([("loss", 3.0)]);
    while !old.should_stop() {
        thread::yield_now();
    }
    assert!(old.finish().is_err());
    assert_eq!(real.summary("twice")["loss"], 2.0);
    assert_eq!(real.run("twice").state, "finished");
}

#[test]
fn ids_never_become_paths() {
    let real = Real::start();
    for id in ["../x", "a/b", ".", "a b", "ä", &"x".repeat(65)] {
        assert!(matches!(real.init().id(id).start(), Err(InitError::Id(_))), "{id}");
    }
}

#[test]
fn every_value_and_every_step_is_kept_bit_by_bit() {
    let real = Real::start();
    let run = real.init().id("values").start().unwrap();
    let nan = f64::from_bits(0x7ff8_0000_0000_0001);
    let numbers = [nan, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE / 2.0, 0.1];
    for number in numbers {
        run.log([("number", number)]);
    }
    besom::log!(run, "n" => i64::MIN, "flag" => true, "text" => "ä\0\n"; step = 3);
    run.log_at(3, [("number", 7.0)]);
    run.log_at(100, [("late", 1_u8)]);
    run.log_at(2, [("late", 2_u8)]);
    run.log([("examples", 64_000_i64)]);
    let inner = BTreeMap::from([
        ("loss", besom::Value::from(0.5)),
        ("per_class", [("cat", 0.9), ("dog", 0.8)].into()),
    ]);
    besom::log!(run, "val" => inner, "train/loss" => 0.25);
    run.prefix("test/").log_at(5, [("loss", 0.125)]);
    run.finish().unwrap();
    let rows = real.rows("values", "history");
    let steps: Vec<u64> = rows.iter().map(|(_, row)| row.step).collect();
    assert_eq!(steps, [0, 1, 2, 3, 4, 5, 3, 3, 100, 2, 101, 102, 5]);
    for (number, (_, row)) in numbers.iter().zip(&rows) {
        let Value::F64(stored) = row.values[0].1 else { panic!("{row:?}") };
        assert_eq!(stored.to_bits(), number.to_bits());
    }
    let values = |place: usize| rows[place].1.values.clone();
    let text = ("text".to_owned(), Value::Text("ä\0\n".to_owned()));
    assert_eq!(
        values(6),
        [("n".to_owned(), Value::I64(i64::MIN)), ("flag".to_owned(), Value::Bool(true)), text]
    );
    let nested = ["val.loss", "val.per_class.cat", "val.per_class.dog", "train/loss"];
    assert_eq!(values(11).iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), nested);
    assert_eq!(values(12), [("test/loss".to_owned(), Value::F64(0.125))]);
    let summary = real.summary("values");
    // The summary has each key's value at the highest step. Among rows of the same step, the last
    // row counts.
    assert_eq!(
        (&summary["number"], &summary["late"], &summary["n"]),
        (&json!(0.1), &json!(1), &json!(i64::MIN))
    );
}

#[test]
fn a_metric_is_summarized_as_defined() {
    let real = Real::start();
    let run = real.init().id("metrics").start().unwrap();
    run.define_metric("loss").summary([Summary::Min, Summary::Max, Summary::Mean, Summary::Best]);
    run.define_metric("val/*")
        .summary([Summary::Best, Summary::Last])
        .step_metric("epoch")
        .goal(Goal::Maximize);
    run.define_metric("lr").summary([Summary::None]);
    let losses = [4.0, f64::NAN, 1.0, 3.0, f64::INFINITY];
    for (epoch, loss) in losses.into_iter().enumerate() {
        besom::log!(run,
            "loss" => loss, "val/acc" => epoch as f64 / 10.0, "lr" => 0.1, "epoch" => epoch);
        // The pause spreads the rows over several appends, so that the controller must update the
        // sums that it has stored.
        thread::sleep(std::time::Duration::from_millis(120));
    }
    run.log([("val/acc", 0.2)]);
    run.define_metric("late").summary([Summary::Max]);
    run.log([("late", 9)]);
    run.finish().unwrap();
    let want = json!({
        "loss.min": 1.0, "loss.max": 4.0, "loss.mean": 8.0 / 3.0, "loss.best": 1.0,
        "val/acc": 0.2, "val/acc.best": 0.4, "epoch": 4, "late.max": 9.0,
    });
    assert_eq!(serde_json::Value::Object(real.summary("metrics")), want);
    let defined = real.run("metrics").metrics;
    let val = &defined[1];
    let said = [&val.name, &val.step_metric, &val.goal, &val.summary[0]];
    assert_eq!(said, ["val/*", "epoch", "maximize", "best"]);
    assert_eq!(defined.len(), 4);
}

#[test]
fn a_disabled_run_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let init =
        besom::init().controller("http://127.0.0.1:1").dir(folder.path()).mode(Mode::Disabled);
    let run = init.config(&json!({"lr": 0.1})).start().unwrap();
    run.log([("loss", 1.0)]);
    run.define_metric("loss").summary([Summary::Min]);
    run.update_config(&json!({"lr": 0.2})).unwrap();
    assert_eq!(run.config::<serde_json::Value>().unwrap(), json!({"lr": 0.2}));
    let finished = run.finish().unwrap();
    assert_eq!((finished.accepted, finished.refused), (0, 0));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_code_is_stored_without_secrets() {
    let real = Real::start();
    real.init().id("code").start().unwrap().finish().unwrap();
    let code: serde_json::Value = serde_json::from_str(&real.run("code").code_json).unwrap();
    let program = std::env::current_exe().unwrap();
    let name = program.file_name().unwrap().to_str().unwrap();
    assert!(code["command"].as_str().unwrap().contains(name), "{code}");
    assert!(
        code["cpus"].as_u64().unwrap() > 0
            && code["os"].as_str().unwrap().starts_with(std::env::consts::OS)
    );
    real.init().id("none").save_code(false).start().unwrap().finish().unwrap();
    assert_eq!(real.run("none").code_json, "{}");
}
