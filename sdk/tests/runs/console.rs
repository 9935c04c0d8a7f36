//! Tests the console of a program that a person started. If BESOM_CONSOLE asks for it, the run
//! stores the output of the program and its children. The output still goes to its old destination
//! too.

use record::Value;

use crate::{real::Real, support::trainer};

/// Returns the key and the line of each row of the run's console, in order.
fn console(real: &Real, run: &str) -> Vec<(String, String)> {
    let rows = real.rows(run, "console").into_iter().flat_map(|(_, row)| row.values);
    rows.map(|(key, value)| match value {
        Value::Text(line) => (key, line),
        other => panic!("{other:?}"),
    })
    .collect()
}

fn run(real: &Real, how: &str, ask: bool) -> (String, String, String) {
    let mut command = trainer();
    command.arg(how).env("BESOM_CONTROLLER", real.url()).env("BESOM_DATA", real.dir());
    if ask {
        command.env("BESOM_CONSOLE", "true");
    }
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (real.runs().remove(0).id, out, err)
}

#[test]
fn printed_lines_are_kept_and_passed_on() {
    let real = Real::start();
    for how in ["prints", "prints-and-exits", "prints-and-panics"] {
        let (id, out, err) = run(&real, how, true);
        let kept = console(&real, &id);
        let lines = |key: &str| -> Vec<&str> {
            kept.iter().filter(|(of, _)| of == key).map(|(_, line)| line.as_str()).collect()
        };
        assert_eq!(lines("stdout"), ["one", "of a child", "100%", "the end"], "{how}: {err}");
        assert!(out.starts_with("one\nof a child\n 50%\r100%\nthe end"), "{how}: {out:?}");
        assert_eq!(lines("stderr")[0], "to the other", "{how}");
        assert!(err.starts_with("to the other\n"), "{how}: {err:?}");
    }
}

#[test]
fn the_console_is_not_kept_by_default() {
    let real = Real::start();
    let (id, out, _) = run(&real, "prints", false);
    assert!(out.starts_with("one\n") && console(&real, &id).is_empty(), "{out:?}");
}
