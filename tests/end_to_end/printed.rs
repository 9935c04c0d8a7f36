//! Tests programs that do not use the SDK: the rows that they print arrive, or the run's note says
//! why not.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::{Lab, wait_for};

/// The ways to print a value of the metric. For each: a name, the printed text, the value that
/// arrives, and a part of the run's note.
const WAYS: [(&str, &str, Option<f64>, &str); 16] = [
    ("plain", r#"{"loss": 0.5}"#, Some(0.5), ""),
    ("nested", r#"{"loss": 0.5, "val": {"acc": 1}}"#, Some(0.5), ""),
    ("list", r#"{"loss": 0.5, "per_class": [0.1, 0.9]}"#, Some(0.5), ""),
    ("logging", r#"INFO:root:{"loss": 0.5}"#, Some(0.5), ""),
    ("bar", r#"\r 50%%|## | 1/2\r100%%|###| 2/2{"loss": 0.5}"#, Some(0.5), ""),
    ("two", r#"{"loss": 0.5} {"loss": 0.25}"#, Some(0.25), ""),
    ("infinite", r#"{"loss": Infinity}\n{"loss": 0.5}"#, Some(0.5), ""),
    (
        "text",
        r#"{"loss": "0.5"}"#,
        None,
        "`loss` was logged once, as the text `0.5`, which is no finite number",
    ),
    (
        "boolean",
        r#"{"loss": true}"#,
        None,
        "`loss` was logged once, as true, which is no finite number",
    ),
    ("null", r#"{"loss": null}"#, None, "it holds no value"),
    ("dict", r#"{'loss': 0.5}"#, None, "`{'loss': 0.5}`: it is a Python dict"),
    ("numpy", r#"{"loss": np.float64(0.5)}"#, None, "`np.float64(0.5)` is not a JSON value"),
    ("large", r#"{"loss": 1e400}"#, None, "`1e400` is larger than the largest float"),
    ("lines", r#"{\n  "loss": 0.5\n}"#, None, "the object has several lines"),
    ("stderr", r#"{"loss": 0.5}"#, None, "1 row is on standard error and does not count"),
    ("silent", "hello", None, "the run logged nothing"),
];

#[test]
fn a_printed_value_arrives_or_a_note_says_why_not() {
    let mut lab = Lab::with_controller();
    let printed = |(way, text, ..): &(&str, &str, Option<f64>, &str)| {
        let stderr = if *way == "stderr" { " >&2" } else { "" };
        format!("way={way}) printf '{}\\n'{stderr};;\n", text.replace('\'', r"'\''"))
    };
    let cases: String = WAYS.iter().map(printed).collect();
    lab.write("trial.sh", &format!("case $1 in\n{cases}esac\n"));
    let names: Vec<&str> = WAYS.iter().map(|(way, ..)| *way).collect();
    let sweep = lab.create(&format!(
        "{{program: trial.sh, command: [sh, '${{program}}', '${{args_no_hyphens}}'], method: grid,
          metric: {{name: loss}}, parameters: {{way: {{values: {names:?}}}}}}}"
    ));
    let (code, said) = lab.agent(&sweep, &["--slots", "2"]).wait();
    assert_eq!(code, Some(0), "{said}");
    let runs = lab.runs(&sweep);
    let runs: BTreeMap<&str, &Value> =
        runs.iter().map(|run| (run["params"]["way"].as_str().unwrap(), run)).collect();
    for (way, _, value, words) in WAYS {
        let (run, note) = (runs[way], runs[way]["note"].as_str().unwrap_or_default());
        assert_eq!(run["value"].as_f64(), value, "{way}: {run}");
        assert!(note.contains(words) && note.is_empty() == words.is_empty(), "{way}: {note}");
        assert!(note.contains("logged nothing") == (way == "silent"), "{way}: {note}");
    }
    assert_eq!(runs["nested"]["summary"]["val.acc"], 1);
    assert_eq!(runs["list"]["summary"]["per_class"], "[0.1, 0.9]");
    let dict = "1 printed line looks like a row but is not: `{'loss': 0.5}`";
    assert!(said.contains(dict), "{said}");
    let id = runs["dict"]["id"].as_str().unwrap();
    let shown = lab.sweep(&["run", "show", id]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains(dict), "{shown:?}");
    let shown = lab.sweep(&["show", &sweep]);
    assert!(String::from_utf8_lossy(&shown.stderr).contains("note"), "{shown:?}");
    let logs = lab.sweep(&["logs", runs["bar"]["id"].as_str().unwrap()]);
    assert!(String::from_utf8_lossy(&logs.stdout).starts_with("100%|###| 2/2{"), "{logs:?}");
}

/// A program that prints a row, waits for the file `go`, and then kills itself or ends.
const PYTHON: &str = "
import json, os, signal, time
print(json.dumps({'loss': 3.0}))
while not os.path.exists('go'):
    time.sleep(0.02)
if os.environ['BESOM_PARAM_end'] == 'kill':
    os.kill(os.getpid(), signal.SIGKILL)
";

#[test]
fn rows_of_a_python_program_arrive_while_it_runs() {
    let mut lab = Lab::with_controller();
    lab.write("trial.py", PYTHON);
    let sweep = lab.create(
        "{program: trial.py, method: grid, metric: {name: loss}, parameters: {end: \
        {values: [kill, well]}}}",
    );
    let agent = lab.agent(&sweep, &["--slots", "2"]);
    let rows = || lab.runs(&sweep).iter().filter(|run| run["rows"] == 1).count();
    wait_for("a row of each program that runs", || (rows() == 2).then_some(()));
    lab.write("go", "");
    let (code, said) = agent.wait();
    assert_eq!(code, Some(0), "{said}");
    let runs = lab.runs(&sweep);
    let ends: Vec<_> =
        runs.iter().map(|run| (run["state"].as_str().unwrap(), &run["rows"])).collect();
    assert_eq!(ends, [("failed", &Value::from(1)), ("finished", &Value::from(1))]);
}

/// A program that prints more than 11 MB, waits for the file `go`, and fails.
const LONG: &str = "
import os, sys, time
print('the first line')
for i in range(1200):
    sys.stdout.write(('line %d ' % i + 'y' * 85 + '\\n') * 100)
print('all is said')
while not os.path.exists('go'):
    time.sleep(0.02)
raise RuntimeError('the shapes do not match')
";

#[test]
fn the_end_of_a_long_console_can_be_read() {
    let mut lab = Lab::with_controller();
    lab.write("trial.py", LONG);
    let sweep = lab.create("{program: trial.py, method: grid, parameters: {x: {values: [1]}}}");
    let run = format!("{sweep}-0");
    let agent = lab.agent(&sweep, &[]);
    let logs = || String::from_utf8(lab.sweep(&["logs", &run]).stdout).unwrap();
    wait_for("the newest line while it runs", || logs().contains("all is said").then_some(()));
    lab.write("go", "");
    let (code, said) = agent.wait();
    assert_eq!(code, Some(0), "{said}");
    let text = logs();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        (lines[0], *lines.last().unwrap()),
        ("the first line", "RuntimeError: the shapes do not match")
    );
    let left_out = lines.iter().filter(|line| line.ends_with("lines left out]")).count();
    assert!(left_out >= 1, "{} lines", lines.len());
    let number = |line: &&str| line.strip_prefix("line ")?.split(' ').next()?.parse::<u32>().ok();
    assert!(lines.iter().filter_map(number).is_sorted(), "the lines are in order");
    assert!(text.len() < 8 << 20, "{} bytes", text.len());
}
