//! A training program for tests that need a real process. The other test files start this program;
//! its first argument chooses how the program ends, or makes it a function agent.

use std::{
    env,
    error::Error,
    io::{self, Write as _},
    process, thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// The number of rows that the program logs. However the program ends, the journal must have all of
/// them.
const ROWS: u32 = 2_000;

#[derive(Serialize, Deserialize)]
struct Config {
    learning_rate: f64,
    optimizer: Optimizer,
}

#[derive(Serialize, Deserialize)]
struct Optimizer {
    name: String,
    momentum: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let what = arguments.get(1).map_or("", String::as_str);
    if what == "agent" {
        return agent(&arguments[2], arguments[3].parse()?);
    }
    let optimizer = Optimizer { name: "SGD".to_owned(), momentum: 0.9 };
    let run = besom::init().config(&Config { learning_rate: 0.1, optimizer }).start()?;
    if what.starts_with("prints") {
        // The run is dropped after `print` returns, or while a panic unwinds, but not if `print`
        // exits.
        return print(what);
    }
    let config: Config = run.config()?;
    for step in 0..ROWS {
        besom::log!(run,
            "loss" => 1.0 / f64::from(step + 1), "learning_rate" => config.learning_rate);
    }
    run.summary("optimizer", format!("{} {}", config.optimizer.name, config.optimizer.momentum));
    match what {
        "exit" => process::exit(3),
        "panic" => panic!("as asked"),
        "thread" => drop(thread::spawn(move || drop(run)).join()),
        "leak" => std::mem::forget(run),
        "finish" => drop(run.finish()?),
        "linger" => thread::sleep(Duration::from_secs(60)),
        // The run is dropped at the end of `main`.
        _ => {}
    }
    Ok(())
}

/// Prints to both streams, starts a child that prints, and ends as `what` says.
fn print(what: &str) -> Result<(), Box<dyn Error>> {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    err.write_all(b"to the other\n")?;
    out.write_all(b"one\n")?;
    out.flush()?;
    process::Command::new("echo").arg("of a child").status()?;
    out.write_all(b" 50%\r100%\nthe end")?;
    match what {
        "prints-and-exits" => process::exit(3),
        "prints-and-panics" => panic!("as asked"),
        _ => Ok(()),
    }
}

/// Runs a function agent; the parameter `what` of each trial says how the trial ends.
fn agent(sweep: &str, count: u64) -> Result<(), Box<dyn Error>> {
    #[derive(Deserialize)]
    struct Params {
        what: String,
    }
    let worked = besom::agent(sweep, count, |run| -> Result<(), Box<dyn Error>> {
        let params: Params = run.config()?;
        run.log([("loss", 0.5), ("other", 1.0)]);
        match params.what.as_str() {
            "error" => Err("it went wrong".into()),
            "panic" => panic!("it panicked"),
            "until stopped" => {
                let mut asked = 0;
                while !run.should_stop() {
                    asked += 1;
                    if asked == 1 {
                        run.log([("asked", 1.0)]);
                    }
                    thread::sleep(Duration::from_millis(10));
                }
                Err("stopped".into())
            }
            "sleep" => {
                thread::sleep(Duration::from_secs(20));
                Ok(())
            }
            _ => Ok(()),
        }
    })?;
    for trial in worked.trials {
        let line = format!("{} {:?}\n", trial.run, trial.ended);
        io::stdout().write_all(line.as_bytes())?;
    }
    Ok(())
}
