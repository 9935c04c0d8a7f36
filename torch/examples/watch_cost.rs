//! Measures the cost of `run.watch` on the network of the example `mnist`: `cargo run -p besom-tch
//! --example watch_cost`. Prints the median time of a training step, the median time of one step's
//! histograms, and the relative cost of histograms at a `log_freq` of 100.

#![allow(clippy::print_stdout, reason = "it is for a person at a terminal")]

use std::{
    error::Error,
    time::{Duration, Instant},
};

use besom::Mode;
use besom_tch::{Watch, WatchExt as _};
use tch::{Device, Kind, Tensor, nn, nn::Module as _, nn::OptimizerConfig as _};

const STEPS: usize = 300;
const LOG_FREQ: f64 = 100.0;

fn network(root: &nn::Path) -> nn::Sequential {
    let narrow = |padding| nn::ConvConfig { stride: 2, padding, ..Default::default() };
    nn::seq()
        .add(nn::conv2d(root / "conv1", 1, 8, 5, narrow(2)))
        .add_fn(Tensor::relu)
        .add(nn::conv2d(root / "conv2", 8, 16, 3, narrow(1)))
        .add_fn(|x| x.relu().flatten(1, -1))
        .add(nn::linear(root / "hidden", 16 * 7 * 7, 64, Default::default()))
        .add_fn(Tensor::relu)
        .add(nn::linear(root / "output", 64, 10, Default::default()))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() -> Result<(), Box<dyn Error>> {
    besom_tch::prepare(1, 1);
    let device = Device::cuda_if_available();
    let folder = std::env::temp_dir().join(format!("besom-watch-cost-{}", std::process::id()));
    let run = besom::init().mode(Mode::Offline).dir(&folder).start()?;
    let store = nn::VarStore::new(device);
    let model = network(&store.root());
    let mut optimizer = nn::Adam::default().build(&store, 1e-3)?;
    let mut watching = run.watch(&store, Watch::All, 1);
    let images = Tensor::rand([64, 1, 28, 28], (Kind::Float, device));
    let labels = Tensor::randint(10, [64], (Kind::Int64, device));
    let (mut steps, mut watches) = (Vec::new(), Vec::new());
    for _ in 0..STEPS {
        let start = Instant::now();
        let loss = model.forward(&images).cross_entropy_for_logits(&labels);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        besom::log!(run, "loss" => besom_tch::scalar(&loss)?);
        steps.push(start.elapsed());
        let start = Instant::now();
        watching.step()?;
        watches.push(start.elapsed());
    }
    run.finish()?;
    std::fs::remove_dir_all(&folder)?;
    let (step, watch) = (median(steps), median(watches));
    let share = watch.as_secs_f64() / LOG_FREQ / step.as_secs_f64();
    println!(
        "a step takes {step:.2?}, its histograms {watch:.2?}: {:.2} % at log_freq 100",
        100.0 * share
    );
    Ok(())
}
