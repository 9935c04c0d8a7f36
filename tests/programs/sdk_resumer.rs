//! A trainer whose every step depends on all steps before: `sdk_resumer SIDE STEPS MS`, with MS
//! milliseconds for each step. The trainer makes a checkpoint at every tenth step and resumes from
//! the newest checkpoint. The parameter `x` is its state before the first step. The file SIDE gets
//! the line `began X ATTEMPT PID` at each start, and `done X ATTEMPT FIRST` right before a
//! successful end. FIRST is the step with which the attempt began. Tests start this program and
//! kill it.

use std::{env, fs, io::Write as _, process, thread::sleep, time::Duration};

#[derive(serde::Deserialize)]
struct Config {
    x: u64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let side = arguments.next().ok_or("the name of a file is missing")?;
    let steps: u64 = arguments.next().ok_or("a number of steps is missing")?.parse()?;
    let pause = Duration::from_millis(arguments.next().ok_or("a step's time is missing")?.parse()?);
    let mut side = fs::OpenOptions::new().create(true).append(true).open(side)?;
    let run = besom::init().start()?;
    let Config { x } = run.config()?;
    let attempt = env::var("BESOM_ATTEMPT")?;
    side.write_all(format!("began {x} {attempt} {}\n", process::id()).as_bytes())?;
    let (first, mut state) = match run.resume()? {
        Some(checkpoint) => (checkpoint.step(), fs::read_to_string(checkpoint.path())?.parse()?),
        None => (0, x),
    };
    for step in first..steps {
        state = tests::rows::after(state);
        run.log([("loss", tests::rows::loss(state))]);
        if step % 10 == 9 {
            run.checkpoint(|file| fs::write(file, state.to_string()))?;
        }
        sleep(pause);
    }
    run.summary("state", state.to_string());
    // A failure is only printed, because the agent sends the rows that the controller does not have
    // yet.
    if let Err(error) = run.finish() {
        terminal::say(error);
    }
    side.write_all(format!("done {x} {attempt} {first}\n").as_bytes())?;
    Ok(())
}
