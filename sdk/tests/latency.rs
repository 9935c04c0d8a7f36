//! What `log` costs, printed: `cargo test -p besom --test latency -- --ignored --nocapture`, on a machine that does nothing
//! else.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    io::{Write as _, stdout},
    thread,
    time::{Duration, Instant},
};

use besom::Run;
use support::Controller;

/// The time of each call, sorted; the loop waits `pace` between calls.
fn measure(run: &Run, calls: u32, pace: Duration) -> Vec<Duration> {
    let mut times = Vec::with_capacity(calls as usize);
    for call in 0..calls {
        let loss = 1.0 / f64::from(call + 1);
        let start = Instant::now();
        besom::log!(run, "train/loss" => loss, "train/accuracy" => 1.0 - loss, "lr" => 1e-3, "epoch" => call / 100, "ok" => true);
        times.push(start.elapsed());
        if !pace.is_zero() {
            thread::sleep(pace);
        }
    }
    times.sort();
    times
}

fn print(what: &str, run: Run, calls: u32, pace: Duration) {
    let times = measure(&run, calls, pace);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let finished = run.finish();
    let refused = finished.map_or(0, |finished| finished.refused);
    let line = format!(
        "{what:<32} {calls:>8} calls  median {:?}  p99 {:?}  p99.9 {:?}  max {:?}  refused {refused}\n",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
    );
    stdout().write_all(line.as_bytes()).unwrap();
}

#[test]
#[ignore = "a measurement, not a check"]
fn five_scalars() {
    let folder = tempfile::tempdir().unwrap();
    let mut controller = Controller::start();
    let url = controller.url();
    let start = || besom::init().controller(&url).dir(folder.path()).start().unwrap();
    print("unpaced", start(), 1_000_000, Duration::ZERO);
    print("some 15,000 a second", start(), 100_000, Duration::from_micros(1));
    print("every 2 ms", start(), 3_000, Duration::from_millis(2));
    let away = [start(), start()];
    controller.go_away();
    let [unpaced, paced] = away;
    let came_back = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_secs(9));
            controller.come_back();
        });
        print("unpaced, controller away", unpaced, 1_000_000, Duration::ZERO);
        print("every 2 ms, controller away", paced, 3_000, Duration::from_millis(2));
        true
    });
    assert!(came_back);
}
