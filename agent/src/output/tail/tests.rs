//! Tests of the tail: rows from lines, the limits, and resuming after a crash at any byte.

use std::fs;

use proptest::prelude::*;
use record::Value;

use super::*;

fn rows(dir: &Path, name: &str) -> Vec<Row> {
    fs::read(dir.join("journal").join(name))
        .map_or(Vec::new(), |bytes| record::rows(&bytes).unwrap())
}

fn console(dir: &Path) -> Vec<(u64, String, String)> {
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        other => format!("{other:?}"),
    };
    let row = |row: Row| (row.step, row.values[0].0.clone(), text(&row.values[0].1));
    rows(dir, "agent.console").into_iter().map(row).collect()
}

fn attempt() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("journal")).unwrap();
    dir
}

fn follow(dir: &Path, limits: Limits) {
    let mut tail = Tail::within(dir, limits).unwrap();
    while tail.step(7).unwrap() {}
    tail.finish(7).unwrap();
}

#[test]
fn lines_become_console_rows_and_printed_rows_become_history() {
    let dir = attempt();
    let mut tail = Tail::open(dir.path()).unwrap();
    assert!(!tail.step(0).unwrap(), "the shim has not made the files yet");
    fs::write(
        dir.path().join("stdout"),
        "hello\n{\"loss\": NaN, \"epoch\": 1}\n{\"_step\": 9, \"loss\": 0.5}\n{\"loss\": \
        0.25}\nlast",
    )
    .unwrap();
    fs::write(dir.path().join("stderr"), "oops\n").unwrap();
    tail.step(5).unwrap();
    assert_eq!(console(dir.path()).len(), 5, "the last line may go on");
    tail.finish(6).unwrap();
    assert!(tail.is_complete());
    let history: Vec<(u64, usize)> =
        rows(dir.path(), "agent.history").iter().map(|row| (row.step, row.values.len())).collect();
    assert_eq!(history, [(0, 2), (9, 1), (10, 1)]);
    let console = console(dir.path());
    assert_eq!(console.last().unwrap(), &(5, "stdout".to_owned(), "last".to_owned()));
    assert!(console.contains(&(4, "stderr".to_owned(), "oops".to_owned())));
}

/// Returns the notes on printed lines in the journal, one text for each.
fn told(dir: &Path) -> Vec<String> {
    let note = |row: Row| match &row.values[0].1 {
        Value::Json(json) => {
            serde_json::from_str::<serde_json::Value>(json).unwrap()["note"].to_string()
        }
        other => format!("{other:?}"),
    };
    rows(dir, "agent.meta").into_iter().map(note).collect()
}

#[test]
fn rows_after_other_text_count_and_doubtful_lines_are_reported() {
    let dir = attempt();
    let mut tail = Tail::open(dir.path()).unwrap();
    let bar = "\r 50%|## | 1/2\r100%|####| 2/2";
    let long = format!("{{\"loss\": 0.25, \"s\": \"{}\"}}\n", "y".repeat(300_000));
    let lines = format!(
        "INFO:root:{{\"loss\": 1, \"val\": {{\"acc\": 0.5}}}}\n{bar}{{\"loss\": 0.5}}\n{long}"
    );
    fs::write(dir.path().join("stdout"), &lines).unwrap();
    while tail.step(0).unwrap() {}
    let found = rows(dir.path(), "agent.history");
    let keys: Vec<Vec<&str>> =
        found.iter().map(|row| row.values.iter().map(|(key, _)| key.as_str()).collect()).collect();
    assert_eq!(keys, [vec!["loss", "val.acc"], vec!["loss"], vec!["loss", "s"]]);
    assert_eq!(told(dir.path()).len(), 1, "one note while the program runs");
    fs::write(dir.path().join("stdout"), format!("{lines}{{'loss': 1}}\n{{\"loss\": 1e400}}\n"))
        .unwrap();
    fs::write(dir.path().join("stderr"), "{\"loss\": 1}\n").unwrap();
    tail.step(0).unwrap();
    tail.finish(0).unwrap();
    let all = told(dir.path());
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(
        all[1].starts_with("\"2 printed lines look like rows but are not, first `{'loss': 1}`"),
        "{all:?}"
    );
    assert!(all[1].contains("1 printed row has lost a value"), "{all:?}");
    follow(dir.path(), Limits::default());
    assert_eq!(told(dir.path()), all, "a restart repeats no note");
}

#[test]
fn rows_only_on_standard_error_are_reported_at_the_end() {
    let dir = attempt();
    fs::write(dir.path().join("stderr"), "INFO:root:{\"loss\": 1}\n").unwrap();
    follow(dir.path(), Limits::default());
    assert!(told(dir.path())[0].contains("1 row is on standard error"), "{:?}", told(dir.path()));
    let logged = attempt();
    fs::write(logged.path().join("stderr"), "INFO:root:{\"loss\": 1}\n").unwrap();
    fs::write(logged.path().join("journal/sdk.history"), "").unwrap();
    follow(logged.path(), Limits::default());
    assert!(told(logged.path()).is_empty(), "the SDK has logged rows");
}

/// Returns how many lines of the file `key` the rows of the console stand for.
fn lines(console: &[(u64, String, String)], key: &str) -> u64 {
    let of = |row: &&(u64, String, String)| row.1 == key;
    let left_out = |text: &str| text.strip_prefix('[')?.split(' ').next()?.parse::<u64>().ok();
    console.iter().filter(of).map(|(.., text)| left_out(text).unwrap_or(1)).sum()
}

#[test]
fn the_first_and_last_lines_and_all_rows_are_kept() {
    let dir = attempt();
    let text: String = (0..100).map(|line| format!("{{\"x\": {line}}}\n")).collect();
    fs::write(dir.path().join("stdout"), text).unwrap();
    let limits = Limits { head: 50, pace: 0, window: 20, last: 40 };
    follow(dir.path(), limits);
    let first = console(dir.path());
    let texts: Vec<&str> = first.iter().map(|(.., text)| text.as_str()).collect();
    let ends = ["{\"x\": 0}", "{\"x\": 4}", "[91 lines left out]", "{\"x\": 96}", "{\"x\": 99}"];
    assert_eq!([texts[0], texts[4], texts[5], texts[6], texts[9]], ends, "{texts:?}");
    assert_eq!((texts.len(), lines(&first, "stdout")), (10, 100));
    assert_eq!(rows(dir.path(), "agent.history").len(), 100);
    follow(dir.path(), limits);
    assert_eq!(console(dir.path()), first, "a restart after the end adds nothing");
    assert!(!Tail::within(dir.path(), limits).unwrap().is_complete());
}

#[test]
fn the_error_that_ends_a_flood_stands_at_its_end() {
    for (flood, other) in [("stdout", "stderr"), ("stderr", "stdout")] {
        let dir = attempt();
        let mut tail = Tail::open(dir.path()).unwrap();
        let text: String = (0..100_000).map(|line| format!("line {line}\n")).collect();
        fs::write(dir.path().join(flood), &text[..text.len() / 2]).unwrap();
        assert!(tail.step(0).unwrap());
        fs::write(dir.path().join(flood), &text).unwrap();
        fs::write(dir.path().join(other), "the error\n").unwrap();
        while tail.step(0).unwrap() {}
        tail.finish(0).unwrap();
        let all = console(dir.path());
        assert_eq!(all.len(), 100_001);
        let place = all.iter().position(|row| row.2 == "the error").unwrap();
        assert!(flood == "stderr" || place == 100_000, "{flood}: {place}");
        assert!(place > 50_000, "{flood}: {place}");
    }
}

#[test]
fn last_lines_returns_whole_lines_within_its_limits() {
    let dir = attempt();
    let path = dir.path().join("stderr");
    let text: String = (0..60).map(|line| format!("line {line}\n")).collect();
    fs::write(&path, text + "no newline").unwrap();
    let last = last_lines(&path, 50, 8 << 10);
    assert_eq!((last.len(), last[0].as_str(), last[49].as_str()), (50, "line 11", "no newline"));
    assert_eq!(last_lines(&path, 50, 20), ["line 59", "no newline"], "no partial line");
    fs::write(&path, "\n\n").unwrap();
    assert!(last_lines(&path, 50, 100).is_empty());
    assert!(last_lines(&dir.path().join("none"), 50, 100).is_empty());
    fs::write(&path, "x".repeat(100_000) + "end").unwrap();
    assert_eq!(last_lines(&path, 50, 8), ["xxxxxend"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The agent is killed at any moment. Then some rows are on disk, the last frame may be torn,
    /// and one journal may be ahead of the other. The next agent ends with the same rows of each
    /// stream as one that was never killed.
    #[test]
    fn a_crash_loses_no_row_and_repeats_none(
        stdout in "(a|\\{\"x\": 1\\}|\\{\"_step\": 4, \"y\": \\{\"z\": 2\\}\\}|\\{'x': 1\\}|\
            \\{\n\"x\": 1|b\r|\n){0,30}",
        stderr in "(e|\\{\"x\": 1\\}|\n){0,20}",
        seen in 0_usize..60,
        torn in (0.0..1.0_f64, 0.0..1.0_f64, 0.0..1.0_f64),
        small in any::<bool>(),
    ) {
        let few = Limits { head: 20, pace: 1, window: 8, last: 12 };
        let limits = if small { few } else { Limits::default() };
        let (calm, crashed) = (attempt(), attempt());
        for (name, text) in [("stdout", &stdout), ("stderr", &stderr)] {
            fs::write(calm.path().join(name), text).unwrap();
            fs::write(crashed.path().join(name), &text[..seen.min(text.len())]).unwrap();
        }
        follow(calm.path(), limits);
        Tail::within(crashed.path(), limits).unwrap().step(1).unwrap();
        for (name, part) in
            [("agent.console", torn.0), ("agent.history", torn.1), ("agent.meta", torn.2)]
        {
            let path = crashed.path().join("journal").join(name);
            if let Ok(bytes) = fs::read(&path) {
                fs::write(&path, &bytes[..(bytes.len() as f64 * part) as usize]).unwrap();
            }
        }
        for (name, text) in [("stdout", &stdout), ("stderr", &stderr)] {
            fs::write(crashed.path().join(name), text).unwrap();
        }
        follow(crashed.path(), limits);
        let history = |dir: &Path| {
            rows(dir, "agent.history")
                .into_iter().map(|row| (row.step, row.values)).collect::<Vec<_>>()
        };
        prop_assert_eq!(history(crashed.path()), history(calm.path()));
        let last_told = |dir: &Path| told(dir).pop();
        prop_assert_eq!(last_told(crashed.path()), last_told(calm.path()));
        let (crashed, calm) = (console(crashed.path()), console(calm.path()));
        for key in ["stdout", "stderr"] {
            let of = |rows: &[(u64, String, String)]| {
                rows.iter().filter(|row| row.1 == key).map(|row| row.2.clone()).collect::<Vec<_>>()
            };
            prop_assert_eq!(
                lines(&crashed, key), lines(&calm, key), "every line is kept or counted"
            );
            if !small {
                prop_assert_eq!(of(&crashed), of(&calm));
            }
        }
    }
}
