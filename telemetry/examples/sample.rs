//! Prints one sample of this machine and this process, and the time that a sample takes: `cargo run
//! -p telemetry --example sample`.

#![allow(clippy::print_stdout, reason = "it is for a person at a terminal")]

use std::{
    process, thread,
    time::{Duration, Instant},
};

use telemetry::{Meter, NvidiaMeter, Own, Reading, Root, Sampler};

const ROUNDS: usize = 200;

struct NoGpus;

impl Meter for NoGpus {
    fn read(&mut self) -> Vec<Reading> {
        Vec::new()
    }
}

/// Returns the median of the times that samples take.
fn cost(gpus: impl Meter) -> Duration {
    let mut sampler = Sampler::new(root(), ".".into(), gpus, Own::of_this_process());
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        sampler.sample();
        times.push(start.elapsed());
    }
    times.sort();
    times[ROUNDS / 2]
}

fn root() -> Root {
    Root::At(process::id().cast_signed())
}

fn main() {
    let mut sampler =
        Sampler::new(root(), ".".into(), NvidiaMeter::default(), Own::of_this_process());
    thread::sleep(Duration::from_secs(1));
    for (name, value) in sampler.sample().values() {
        println!("{name:45} {value}");
    }
    let processes = telemetry::process::table().len();
    println!(
        "\na sample takes {:.0?} on this machine with {processes} processes, without GPUs",
        cost(NoGpus)
    );
    println!("{:.0?} with GPUs", cost(NvidiaMeter::default()));
}
