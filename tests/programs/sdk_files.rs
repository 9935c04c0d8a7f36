//! A trainer that never ends: `sdk_files SIDE`. The trainer logs a picture and a file at every
//! step, each with its own content. At every tenth step, it also logs a version of an artifact. The
//! file SIDE gets a line with the process and the run at the start, and a line after each step.
//! Tests start this program and kill it.

use std::{env, fs::File, io::Write as _, process, thread::sleep, time::Duration};

use besom::{Artifact, Image};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let side = env::args().nth(1).ok_or("the name of a file is missing")?;
    let model = format!("{side}.model");
    let mut side = File::create(side)?;
    let run = besom::init().project("kills").start()?;
    side.write_all(format!("{} {}\n", process::id(), run.id()).as_bytes())?;
    for step in 0_u64.. {
        let pixels = step.to_le_bytes().repeat(32);
        run.log_at(step, [("picture", Image::from_pixels(16, 16, 1, &pixels)?)]);
        std::fs::write(&model, format!("step {step}"))?;
        run.save_as(&model, &format!("models/{step}.txt"))?;
        if step % 10 == 0 {
            let mut version = Artifact::new("checkpoint", "model");
            version.add_file_as(&model, "model.txt")?;
            run.log_artifact(&version)?;
        }
        side.write_all(format!("{step}\n").as_bytes())?;
        sleep(Duration::from_millis(1));
    }
    Ok(())
}
