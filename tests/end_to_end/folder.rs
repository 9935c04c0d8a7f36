//! Moves the data folder of a controller away while programs log. Their rows wait, and arrive when
//! the folder is back. The controller's log reports the loss once, however many requests the
//! controller refuses.

use std::fs;

use tests::{Lab, rows::read, wait_for};

#[test]
fn rows_wait_for_a_missing_data_folder_and_the_log_says_so_once() {
    let lab = Lab::with_controller();
    let init = besom::init().controller(lab.address()).dir(lab.dir().join("runs"));
    let run = init.project("folder").start().unwrap();
    let log = |steps: std::ops::Range<u64>| {
        steps.for_each(|step| run.log_at(step, [("loss", step as f64)]))
    };
    let steps = || read(&lab, run.id(), "history").iter().map(|row| row.step).collect::<Vec<_>>();
    let said = || fs::read_to_string(lab.dir().join("controller.log")).unwrap();
    log(0..100);
    wait_for("the first rows", || (steps().len() == 100).then_some(()));
    let (data, aside) = (lab.dir().join("besom-data"), lab.dir().join("aside"));
    fs::rename(&data, &aside).unwrap();
    log(100..200);
    wait_for("the log to say so", || {
        said().contains("the controller has lost its data folder").then_some(())
    });
    lab.write(
        "sweep.yaml",
        "{method: random, command: [train], parameters: {x: {min: 0, max: 1}}}",
    );
    for _ in 0..10 {
        let refused = lab.sweep(&["create", "sweep.yaml"]);
        let errors = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(3), "{errors}");
        let wanted =
            format!("the controller has lost its data folder: `{}` is not there", data.display());
        assert!(errors.contains(&wanted), "{errors}");
    }
    assert_eq!(steps(), (0..100).collect::<Vec<_>>(), "acknowledged rows can be read");
    assert!(!data.exists(), "the controller makes no new folder");
    let said_then = said();
    assert_eq!(said_then.matches("ERROR").count(), 1, "{said_then}");
    assert!(said_then.contains("put the same folder back"), "{said_then}");
    fs::rename(&aside, &data).unwrap();
    wait_for("all rows", || (steps() == (0..200).collect::<Vec<_>>()).then_some(()));
    assert_eq!(run.finish().unwrap().refused, 0);
    assert!(lab.sweep(&["create", "sweep.yaml"]).status.success());
}
