//! Tests `sweep plot` on a real sweep: each kind of chart in each format, and what it says about
//! data that it cannot draw.

use std::fs;

use tests::Lab;

use crate::session::{assert_session, type_in};

/// A sweep whose program logs 20 rows. One trial fails, and one logs NaN in the middle.
const SWEEP: &str = "
name: '<script>alert(1)</script>'
command: [python3, train.py]
method: grid
metric: {name: val/loss, goal: minimize}
parameters:
  lr: {values: [0.001, 0.01, 0.1, 1]}
  'opt<b>': {values: [adam, 'sgd\u{202e}']}
";
const TRAIN: &str = r#"
import json, os
params = json.loads(os.environ["BESOM_PARAMS"])
lr, opt = params["lr"], params["opt<b>"]
assert lr < 1 or opt != "adam"
for step in range(20):
    loss = abs(lr - 0.01) + (opt == "adam") / 10 + 1 / (1 + step)
    loss = float("nan") if lr == 1 and step == 10 else loss
    print(json.dumps({"_step": step, "val/loss": loss, "acc": 1 - loss}))
"#;

fn finished(lab: &mut Lab) -> String {
    lab.write("train.py", TRAIN);
    let sweep = lab.create(SWEEP);
    let (code, said) = lab.agent(&sweep, &["--slots", "2"]).wait();
    assert_eq!(code, Some(0), "{said}");
    sweep
}

#[test]
fn every_chart_in_every_format() {
    let mut lab = Lab::with_controller();
    let sweep = finished(&mut lab);
    for kind in ["history", "importance", "parallel", "slices", "curves"] {
        for (format, begin) in
            [("svg", &b"<svg "[..]), ("png", b"\x89PNG\r\n"), ("html", b"<!doctype html>")]
        {
            let file = format!("{kind}.{format}");
            let theme = if format == "png" { "dark" } else { "light" };
            let args = ["plot", &sweep, "--kind", kind, "-o", &file, "--theme", theme];
            let output = lab.sweep(&args);
            assert!(output.status.success(), "{output:?}");
            let bytes = fs::read(lab.dir().join(&file)).unwrap();
            assert!(bytes.starts_with(begin), "{file}");
            // The same data give the same bytes.
            assert!(lab.sweep(&args).status.success());
            assert!(fs::read(lab.dir().join(&file)).unwrap() == bytes, "{file}");
            if let Ok(text) = String::from_utf8(bytes) {
                assert!(!text.contains("<script") && !text.contains('\u{202e}'), "{file}");
                assert!(text.contains("&lt;script&gt;"), "{file}");
            }
        }
    }
}

#[test]
fn a_page_with_all_charts_and_the_curve_of_a_run() {
    let mut lab = Lab::with_controller();
    let sweep = finished(&mut lab);
    let written = lab.json(&["plot", &sweep, "--kind", "all", "--json"]);
    assert_eq!(written["file"], format!("{sweep}-all.html"));
    let charts = written["charts"].as_array().unwrap();
    assert_eq!(charts.len(), 5);
    assert_eq!((&charts[0]["drawn"], &charts[0]["of"]), (&8.into(), &8.into()));
    // One trial failed before it logged a row.
    assert_eq!((&charts[2]["drawn"], &charts[2]["of"]), (&7.into(), &8.into()));
    let page = fs::read_to_string(lab.dir().join(format!("{sweep}-all.html"))).unwrap();
    assert_eq!((page.matches("<svg ").count(), page.matches("<section>").count()), (5, 5));
    assert!(page.contains("default-src 'none'"));

    // The curve of one run goes to stdout, and to a file.
    let output = lab.sweep(&["plot", &format!("{sweep}-0"), "-o", "-"]);
    let curve = String::from_utf8(output.stdout).unwrap();
    assert!(curve.starts_with("<svg ") && curve.ends_with("</svg>\n"));
    assert_eq!(output.stderr, b"");
    let run = format!("{sweep}-0");
    let args = ["plot", &run, "--metric", "acc", "--smooth", "0.9", "--width", "300"];
    assert!(lab.sweep(&args).status.success());
    let curve = fs::read_to_string(lab.dir().join(format!("{run}-curves.svg"))).unwrap();
    assert!(curve.contains("width=\"300\"") && curve.contains("<title>acc</title>"));
}

#[test]
fn what_cannot_be_drawn() {
    let mut lab = Lab::with_controller();
    let empty = lab.create("{command: [a], method: grid, parameters: {x: {values: [1, 2]}}}");
    let sweep = finished(&mut lab);
    let sessions = [
        format!("sweep plot {empty}"),
        format!("sweep plot {empty} --kind curves"),
        format!("sweep plot {empty} --kind importance"),
        format!("sweep plot {sweep} -o chart.pdf"),
        format!("sweep plot {sweep} -o chart"),
        format!("sweep plot {sweep} -o missing/chart.svg"),
        format!("sweep plot {sweep} --kind all -o chart.svg"),
        format!("sweep plot {sweep} --json -o -"),
        format!("sweep plot {sweep} --kind pie"),
        format!("sweep plot {sweep} --metric val/los"),
        format!("sweep plot {sweep} --kind importance --metric acc"),
        format!("sweep plot {sweep} --kind curves --metric accuracy"),
        format!("sweep plot {sweep} --smooth 1"),
        format!("sweep plot {sweep} --width 10"),
        format!("sweep plot {sweep}-0 --kind history"),
        format!("sweep plot {sweep}-99"),
    ];
    let sessions = sessions.iter().map(|typed| type_in(&lab, typed));
    let text = sessions.collect::<Vec<_>>().join("\n\n");
    let text = text.replace(&sweep, "[SWEEP]").replace(&empty, "[EMPTY]");
    assert_session!(lab, text);
    let left: Vec<_> = fs::read_dir(lab.dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("chart") || name.contains("sweep-"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}
