//! A function agent: `sdk_functions SWEEP` runs a function of this process once per trial, and
//! fails where x is 3. Without an argument it logs a run outside any sweep, and prints the run's
//! id.

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Config {
    x: i64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(sweep) = std::env::args().nth(1) {
        let worked = besom::agent(&sweep, None, |run| {
            let Config { x } = run.config().map_err(|error| error.to_string())?;
            for step in 0..5 {
                besom::log!(run, "loss" => (x - step) * (x - step));
            }
            if x == 3 { Err("three is too much".to_owned()) } else { Ok(()) }
        })?;
        terminal::print(worked.trials.len());
        return Ok(());
    }
    let run = besom::init().project("alone").config(&Config { x: 2 }).start()?;
    let Config { x } = run.config()?;
    besom::log!(run, "loss" => x; step = 7);
    besom::log!(run, "loss" => f64::NAN; step = 8);
    run.summary("verdict", "fine");
    terminal::print(run.id());
    run.finish()?;
    Ok(())
}
