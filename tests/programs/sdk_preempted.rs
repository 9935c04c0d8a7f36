//! A trainer whose node is taken away during its first attempt. The parameter `way` decides whether
//! the trainer asks until it should stop, or marks the preemption itself and fails. The next
//! attempt finishes.

use std::{env, process, thread::sleep, time::Duration};

#[derive(serde::Deserialize)]
struct Config {
    way: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = besom::init().start()?;
    let Config { way } = run.config()?;
    let is_first = env::var("BESOM_ATTEMPT")? == "1";
    besom::log!(run, "loss" => 1.0);
    if is_first && way == "marks" {
        run.mark_preempting();
        process::exit(7);
    }
    while is_first && !run.should_stop() {
        sleep(Duration::from_millis(10));
    }
    run.finish()?;
    Ok(())
}
