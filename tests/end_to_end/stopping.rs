//! Tests early stopping on real processes: bad trials are stopped while they run, and good trials
//! finish.

use tests::Lab;

/// A sweep with one good trial, which has the lowest losses and ends after 12 steps. The other
/// trials would run for two minutes. A trial that gets SIGTERM notes it in a file.
const YAML: &str = r#"
command:
  - sh
  - -c
  - |
    trap 'echo "$BESOM_PARAM_floor" >> "$NOTES"; exit 0' TERM
    step=0
    while [ $step -lt 600 ]; do
      echo "{\"loss\": $((BESOM_PARAM_floor * 100 - step))}"
      step=$((step + 1))
      [ $BESOM_PARAM_floor -eq 1 ] && [ $step -ge 12 ] && exit 0
      sleep 0.2 & wait
    done
method: grid
metric: {name: loss, goal: minimize}
early_terminate: {type: hyperband, min_iter: 2, eta: 3}
parameters:
  floor: {values: [1, 2, 3, 4]}
"#;

#[test]
fn bad_trials_are_stopped_while_they_run() {
    let mut lab = Lab::with_controller();
    let notes = lab.dir().join("notes");
    let sweep = lab.create(&YAML.replace("$NOTES", &notes.to_string_lossy()));
    // The agent runs one trial after the other. The good trial comes first in the grid, so it
    // reaches each rung before the others.
    let agent = lab.agent(&sweep, &["--slots", "1"]);
    let (code, said) = agent.wait();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lab.state(&sweep), "finished");

    let states: Vec<_> =
        lab.runs(&sweep).iter().map(|run| run["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["finished", "pruned", "pruned", "pruned"]);
    let stopped = std::fs::read_to_string(&notes).unwrap();
    assert_eq!(
        stopped.lines().collect::<Vec<_>>(),
        ["2", "3", "4"],
        "the processes got the signal"
    );
    assert!(said.contains("pruned"), "{said}");

    let shown = lab.json(&["show", &sweep, "--json"]);
    assert_eq!(
        (&shown["sweep"]["counts"]["pruned"], &shown["sweep"]["counts"]["finished"]),
        (&3.into(), &1.into())
    );
    let bad = lab.json(&["show", &format!("{sweep}-1"), "--json"]);
    assert_eq!(bad["rungs"][0]["iteration"], 2, "{bad}");
    assert_eq!(
        (&bad["rungs"][0]["verdict"], &bad["rungs"][0]["rank"]),
        (&"stop".into(), &2.into()),
        "{bad}"
    );
    let rows = bad["rows"].as_u64().unwrap();
    assert!(rows < 600, "it was stopped long before its end; it had logged {rows} rows");
    let text = String::from_utf8(lab.sweep(&["show", &format!("{sweep}-1")]).stdout).unwrap();
    assert!(text.contains("early stopping") && text.contains("2 of 2"), "{text}");
    let text = String::from_utf8(lab.sweep(&["show", &sweep]).stdout).unwrap();
    assert!(text.contains("3 pruned") && text.contains("2, 6, 18"), "{text}");
}
