//! Defines the load on a tracker, and the loop that makes it: the same for Besom's SDK and for the
//! floors. `child` uses this module. The measured times of calls leave out the time between the
//! calls.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// A number of calls with a number of scalars each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) scalars: usize,
    pub(crate) calls: u32,
    /// The pause after each call.
    pub(crate) pace: Duration,
}

/// A tracker with one open run.
pub(crate) trait Target: Send {
    fn log(&mut self, step: u64, keys: &[String], values: &[f64]);
    /// Waits until everything accepted is durable; returns the number of calls that were refused.
    fn finish(self: Box<Self>) -> u64;
}

/// The measurements of one process, over all its runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) us_mean: f64,
    pub(crate) us_p50: f64,
    pub(crate) us_p99: f64,
    pub(crate) us_p999: f64,
    pub(crate) points: u64,
    /// The number of calls that were refused because there was no room.
    pub(crate) refused: u64,
    /// The time from the first call until everything was durable, in seconds.
    pub(crate) seconds: f64,
    /// The processor time of the program that logs, in microseconds per point.
    pub(crate) cpu_us: f64,
    /// The processor time of the controller, in microseconds per point.
    #[serde(default)]
    pub(crate) controller_cpu_us: Option<f64>,
    /// The bytes that stay on disk.
    #[serde(default)]
    pub(crate) bytes: u64,
}

/// Runs the load on every target at once, with a thread for each. Calls `logged` after all calls
/// have been made.
pub(crate) fn run(targets: Vec<Box<dyn Target>>, load: Load, logged: impl FnOnce()) -> Sample {
    let (begun, cpu) = (Instant::now(), processor_time());
    let runs = targets.len() as u64;
    let ready = Barrier::new(targets.len() + 1);
    let ended: Vec<(Vec<u64>, u64)> = thread::scope(|scope| {
        let ready = &ready;
        let start = |target| scope.spawn(move || one(target, load, ready));
        let started: Vec<_> = targets.into_iter().map(start).collect();
        ready.wait();
        logged();
        started.into_iter().map(|thread| thread.join().expect("a logger does not panic")).collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    let refused: u64 = ended.iter().map(|(_, refused)| refused).sum();
    let mut nanos: Vec<u64> = ended.into_iter().flat_map(|(nanos, _)| nanos).collect();
    nanos.sort_unstable();
    let at = |share: f64| nanos[((nanos.len() - 1) as f64 * share) as usize] as f64 / 1e3;
    let points = (runs * u64::from(load.calls) - refused) * load.scalars as u64;
    Sample {
        us_mean: nanos.iter().sum::<u64>() as f64 / nanos.len() as f64 / 1e3,
        us_p50: at(0.5),
        us_p99: at(0.99),
        us_p999: at(0.999),
        points,
        refused,
        seconds,
        cpu_us: (processor_time() - cpu).as_secs_f64() * 1e6 / points as f64,
        ..Sample::default()
    }
}

fn one(mut target: Box<dyn Target>, load: Load, logged: &Barrier) -> (Vec<u64>, u64) {
    let keys: Vec<String> = (0..load.scalars).map(|key| format!("train/metric_{key:02}")).collect();
    let (mut values, mut nanos) =
        (vec![0.0; load.scalars], Vec::with_capacity(load.calls as usize));
    for step in 0..load.calls {
        for (index, value) in values.iter_mut().enumerate() {
            *value = f64::from(step) * 0.001 + index as f64;
        }
        let begun = Instant::now();
        target.log(u64::from(step), &keys, &values);
        nanos.push(begun.elapsed().as_nanos() as u64);
        if !load.pace.is_zero() {
            thread::sleep(load.pace);
        }
    }
    logged.wait();
    (nanos, target.finish())
}

/// Returns the processor time of all threads of this process.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
