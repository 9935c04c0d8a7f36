//! A trial that logs through the SDK like a small training loop, with pictures and a file. The
//! end-to-end tests start this program. It ends by `process::exit` without finishing its run, as
//! careless programs do.

use std::{env, fs, process, thread::sleep, time::Duration};

use besom::Image;
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    x: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = besom::init().start()?;
    let Config { x } = run.config()?;
    for step in 0_i32..40 {
        let loss = x + f64::from((step - 20).abs());
        if step % 10 == 0 {
            let pixels: Vec<u8> =
                (0..48 * 48).map(|at| (at * (step + 1) + (x * 255.0) as i32) as u8).collect();
            let picture = Image::from_pixels(48, 48, 1, &pixels)?;
            besom::log!(run, "step" => step, "loss" => loss, "picture" => picture);
        } else {
            besom::log!(run, "step" => step, "loss" => loss);
        }
        sleep(Duration::from_millis(20));
    }
    let model = env::temp_dir().join(format!("besom-sdk-trainer-{}", process::id()));
    fs::write(&model, format!("x = {x}"))?;
    run.save_as(&model, "models/last.txt")?;
    fs::remove_file(&model)?;
    process::exit(0);
}
