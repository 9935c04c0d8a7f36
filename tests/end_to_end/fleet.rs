//! Runs the program of `cargo xtask bench fleet` with a small load. The test ignores the figures
//! and relies on the program's own checks.

use std::process::Command;

fn bench(args: &[&str]) {
    let ran = Command::new(tests::program("bench_fleet")).args(args).output().unwrap();
    assert!(ran.status.success(), "{args:?}: {ran:?}");
}

#[test]
fn many_agents_are_served_and_each_bad_trial_is_stopped() {
    bench(&[
        "--agents=4,16",
        "--offered=50",
        "--seconds=1",
        "--connected=16",
        "--stops=50",
        "--processes=8",
    ]);
}

#[test]
fn each_point_of_a_grid_runs_once() {
    bench(&["--grid=500", "--connected=16"]);
}
