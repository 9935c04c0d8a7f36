//! A trainer whose every step follows from all before, which keeps a checkpoint at every tenth and goes on from the newest:
//! `sdk_resumer SIDE STEPS`. The file SIDE gets a line with its process at each start. Started by tests that kill it.

use std::{env, fs, io::Write as _, process, thread::sleep, time::Duration};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let side = arguments.next().ok_or("the name of a file is missing")?;
    let steps: u64 = arguments.next().ok_or("a number of steps is missing")?.parse()?;
    let mut side = fs::OpenOptions::new().create(true).append(true).open(side)?;
    let run = besom::init().start()?;
    side.write_all(format!("{}\n", process::id()).as_bytes())?;
    let (first, mut state) = match run.resume()? {
        Some(checkpoint) => (checkpoint.step(), fs::read_to_string(checkpoint.path())?.parse()?),
        None => (0, 1),
    };
    for step in first..steps {
        state = tests::rows::after(state);
        run.log([("loss", tests::rows::loss(state))]);
        if step % 10 == 9 {
            run.checkpoint(|file| fs::write(file, state.to_string()))?;
        }
        sleep(Duration::from_millis(2));
    }
    run.summary("state", state.to_string());
    run.finish()?;
    Ok(())
}
