//! What the client reads back of its own runs and of others.

use tests::Lab;

use crate::client::{run, said, script, shown};

#[test]
fn a_run_waits_for_its_program_or_is_given_up() {
    let lab = Lab::with_controller();
    let output = script(&lab, "states.py").output().unwrap();
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    if told.contains("this client cannot change the state of a run") {
        // A client before 0.25.
        return;
    }
    let outcome = &shown(&lab, "lost")["outcome"];
    assert_eq!(outcome["message"], "the administrator has given the run up", "{outcome:#}");
}

#[test]
fn the_client_reads_back_what_it_has_logged() {
    let lab = Lab::with_controller();
    run(&mut script(&lab, "read.py"));
    let stopped = shown(&lab, "stopped");
    assert_eq!(stopped["note"], "Low accuracy: acc is below 0.1 (WARN)", "{stopped:#}");
    let summary = &shown(&lab, "one")["summary"];
    assert_eq!(summary["more"], 7, "{summary:#}");
}

#[test]
fn charts_are_kept_as_data() {
    let lab = Lab::with_controller();
    run(&mut script(&lab, "charts.py"));
    let files = lab.json(&["run", "files", "charts", "--json"]).to_string();
    assert!(files.contains("media/table/line_table"), "{files}");
}
