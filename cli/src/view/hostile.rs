//! Tests that no view lets foreign text change the state of the terminal. Every text field of the
//! sweeps and runs here is hostile.

use proto::v1::{
    Cell, Curve, CurvePoint, Explanation, Importance, Incumbent, Outcome, Repeated, Run, Surface,
    Sweep, SweepUpdate,
};

use super::{explain, fixtures, list, run, sweep, watch, why};

const HOSTILE: &str = "x\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m\u{202e}\r\u{8}y\nz";

fn hostile_run(state: &str) -> Run {
    let json =
        serde_json::json!({ HOSTILE: HOSTILE, "nested": { HOSTILE: [HOSTILE] } }).to_string();
    let text = || HOSTILE.to_owned();
    let outcome =
        Outcome { class: text(), message: format!("{HOSTILE}\n{HOSTILE}"), ..Outcome::default() };
    Run {
        id: text(),
        sweep: text(),
        name: text(),
        project: text(),
        state: state.to_owned(),
        agent: text(),
        note: text(),
        config_json: json.clone(),
        summary_json: json.clone(),
        suggestion_json: json,
        value: Some(1.0),
        attempt: 1,
        outcome: Some(outcome),
        ..Run::default()
    }
}

fn hostile_explanation() -> Explanation {
    let text = || HOSTILE.to_owned();
    let json = || serde_json::Value::from(HOSTILE).to_string();
    let point = CurvePoint { value_json: json(), ..CurvePoint::default() };
    let surface = Surface {
        row_parameter: text(),
        column_parameter: text(),
        rows: vec![json()],
        columns: vec![json()],
        cells: vec![Cell::default()],
    };
    Explanation {
        importances: vec![Importance { parameter: text(), ..Importance::default() }],
        curves: vec![Curve { parameter: text(), points: vec![point] }],
        surfaces: vec![surface],
        ..Explanation::default()
    }
}

#[test]
fn no_view_lets_foreign_text_control_the_terminal() {
    let text = || HOSTILE.to_owned();
    let hostile = Sweep {
        id: text(),
        name: text(),
        description: text(),
        project: text(),
        method: text(),
        state: text(),
        closing: text(),
        note: text(),
        metric: text(),
        best: Some(hostile_run("finished")),
        earlier_trials: 1,
        repeats: Some(Repeated { sweep: text(), value: 1.0 }),
        ..Sweep::default()
    };
    let runs = ["finished", "failed", "running", HOSTILE].map(hostile_run);
    let shown = sweep::Shown { now_ms: fixtures::NOW, all: false, columns: Some(100) };
    let mut watched = watch::Watched::new(hostile.clone(), "agent x".to_owned());
    let lines = watched.take(SweepUpdate { sweep: Some(hostile.clone()), runs: runs.to_vec() });
    let found = hostile_explanation();
    let alone = Explanation { surfaces: Vec::new(), ..found.clone() };
    let asked = explain::Shown { asked: true, columns: None };
    let modelled = Run {
        suggestion_json: r#"{"kind": "model"}"#.to_owned(),
        incumbent: Some(Incumbent { run: text(), value: 1.0, ended: 2 }),
        repeats: Some(Repeated { sweep: text(), value: 1.0 }),
        ..hostile_run("finished")
    };
    let views = [
        explain::sweep(&hostile, &found, &explain::Shown { asked: false, columns: None }),
        explain::sweep(&hostile, &found, &asked),
        explain::sweep(&hostile, &alone, &asked),
        why::run(&modelled, &hostile),
        why::run(&runs[1], &hostile),
        list::sweeps(std::slice::from_ref(&hostile), fixtures::NOW),
        sweep::sweep(&hostile, &runs, &shown),
        sweep::warnings(&runs).join("\n"),
        sweep::created(&hostile, "agent x", false),
        sweep::changed(&hostile),
        run::run(&runs[1], Some(&hostile), fixtures::NOW),
        run::best(&hostile, &runs[0]),
        watch::block(&watched, fixtures::NOW),
        watch::end(&watched),
        lines.join("\n"),
    ];
    for view in views {
        let plain = fixtures::plain(&view);
        let steering = plain
            .chars()
            .find(|&letter| letter != '\n' && (letter.is_control() || letter == '\u{202e}'));
        assert_eq!(steering, None, "{plain:?}");
    }
}
