//! Runs a measurement in a process of its own: `bench_track one ...` opens its runs, prints
//! `ready`, waits for a line, and logs. The process then prints `logged`, and its sample as JSON.
//! Both ends of this exchange are here; `main` and `driver` call them.

use std::{
    io::{BufRead as _, BufReader, Write as _, stdin},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use clap::Args;

use crate::{
    load::{self, Load, Sample},
    targets,
};

/// The parameters of one measurement.
#[derive(Clone, Debug, Args)]
pub(crate) struct One {
    /// besom, jsonl or sqlite
    pub(crate) target: String,
    #[arg(long)]
    pub(crate) scalars: usize,
    #[arg(long)]
    pub(crate) calls: u32,
    #[arg(long)]
    pub(crate) pace_us: u64,
    #[arg(long)]
    pub(crate) runs: u32,
    #[arg(long)]
    pub(crate) dir: PathBuf,
    #[arg(long)]
    pub(crate) url: String,
}

impl One {
    /// Makes the measurement in this process.
    pub(crate) fn measure(&self) {
        let targets =
            (0..self.runs).map(|_| targets::open(&self.target, &self.dir, &self.url)).collect();
        terminal::print("ready");
        stdin().lock().read_line(&mut String::new()).expect("the driver sends a line");
        let pace = Duration::from_micros(self.pace_us);
        let load = Load { scalars: self.scalars, calls: self.calls, pace };
        let mut sample = load::run(targets, load, || terminal::print("logged"));
        sample.bytes = bytes(&self.dir);
        terminal::print(serde_json::to_string(&sample).expect("numbers are JSON"));
    }

    /// Returns the command of a process that makes this measurement.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("a program knows its path"));
        command.args(["one", &self.target, "--url", &self.url, "--dir"]).arg(&self.dir);
        command
            .arg(format!("--scalars={}", self.scalars))
            .arg(format!("--calls={}", self.calls))
            .arg(format!("--pace-us={}", self.pace_us))
            .arg(format!("--runs={}", self.runs));
        command
    }
}

/// A process that has opened its runs and waits.
pub(crate) struct Waiting {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Waiting {
    /// Starts a program that follows the protocol of [`One::measure`]. In place of `ready`, the
    /// program may print `not installed`.
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start: {error}"))?;
        let output = child.stdout.take().ok_or("no pipe")?;
        let mut waiting = Self { child, output: BufReader::new(output) };
        match waiting.line()?.as_str() {
            "ready" => Ok(waiting),
            other => Err(other.to_owned()),
        }
    }

    /// Tells the process to log.
    pub(crate) fn go(&mut self) -> Result<(), String> {
        let input = self.child.stdin.as_mut().ok_or("no pipe")?;
        input.write_all(b"go\n").map_err(|error| format!("it is gone: {error}"))
    }

    /// Waits until the process has made its calls.
    pub(crate) fn logged(&mut self) -> Result<(), String> {
        match self.line()?.as_str() {
            "logged" => Ok(()),
            other => Err(other.to_owned()),
        }
    }

    /// Waits for the process's sample.
    pub(crate) fn sample(&mut self) -> Result<Sample, String> {
        let line = self.line()?;
        serde_json::from_str(&line).map_err(|error| format!("it said {line:?}: {error}"))
    }

    /// Returns the next line of the protocol, and skips what libraries print.
    fn line(&mut self) -> Result<String, String> {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).map_err(|error| error.to_string())? == 0 {
                return Err("it ended".to_owned());
            }
            let line = line.trim_end();
            if matches!(line, "ready" | "logged" | "not installed")
                || line.starts_with("{\"us_mean\"")
            {
                return Ok(line.to_owned());
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the bytes of all files in a folder and below.
pub(crate) fn bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => bytes(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}
