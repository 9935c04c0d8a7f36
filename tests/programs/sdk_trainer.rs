//! A trial that logs through the SDK as a small training loop would. Started by the end-to-end tests; it ends by
//! `process::exit` without a word, as careless programs do.

use std::{process, thread::sleep, time::Duration};

use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    x: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = besom::init().start()?;
    let Config { x } = run.config()?;
    for step in 0_i32..40 {
        besom::log!(run, "step" => step, "loss" => x + f64::from((step - 20).abs()));
        sleep(Duration::from_millis(20));
    }
    process::exit(0);
}
