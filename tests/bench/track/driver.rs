//! Starts the processes of a measurement, and for Besom a new controller; combines their samples.
//! `main` calls this module.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use tests::Lab;

use crate::{
    child::{self, One, Waiting},
    load::Sample,
};

/// A kind of measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    pub(crate) name: &'static str,
    /// The name of the mode whose floors the report shows next to this mode.
    pub(crate) beside: &'static str,
    pub(crate) scalars: usize,
    /// The number of calls of `log` in each run.
    pub(crate) calls: u32,
    pub(crate) pace_us: u64,
    pub(crate) processes: u32,
    /// The number of runs in each process.
    pub(crate) runs: u32,
    pub(crate) trouble: Trouble,
}

/// The trouble that the SDK has while it logs. A killed or hanging controller comes back before the
/// run ends, so that all rows arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// The controller gets SIGKILL before the first call.
    Killed,
    /// The controller gets SIGSTOP before the first call.
    Hangs,
    /// No file can grow beyond about ten kilobytes.
    Full,
}

/// Measures Besom's SDK in new processes, with a new controller.
pub(crate) fn ours(mode: Mode) -> Result<Sample, String> {
    let mut lab = Lab::with_controller();
    let data = lab.dir().join("besom-data");
    let cpu = controller_time(&lab);
    let mut processes = Vec::new();
    for number in 0..mode.processes {
        let dir = lab.dir().join(format!("process-{number}"));
        let command = one("besom", mode, &dir, &lab.address())?.command();
        processes.push(Waiting::start(&mut if mode.trouble == Trouble::Full {
            limited(&command)
        } else {
            command
        })?);
    }
    let begun = Instant::now();
    match mode.trouble {
        Trouble::Killed => lab.kill_controller(),
        Trouble::Hangs => signal(&lab, "-STOP"),
        Trouble::None | Trouble::Full => {}
    }
    processes.iter_mut().try_for_each(Waiting::go)?;
    processes.iter_mut().try_for_each(Waiting::logged)?;
    match mode.trouble {
        Trouble::Killed => lab.start_controller(),
        Trouble::Hangs => signal(&lab, "-CONT"),
        Trouble::None | Trouble::Full => {}
    }
    let samples = processes.iter_mut().map(Waiting::sample).collect::<Result<Vec<_>, _>>()?;
    let seconds = begun.elapsed().as_secs_f64();
    // If the controller was killed, the processor time that it had used is not counted.
    let used = controller_time(&lab).saturating_sub(cpu);
    lab.kill_controller();
    let mut sample = fold(&samples);
    sample.seconds = if mode.processes > 1 { seconds } else { sample.seconds };
    sample.controller_cpu_us = Some(used.as_secs_f64() * 1e6 / sample.points as f64);
    // Measures the database as it is at rest, with its write-ahead log merged into it.
    let database =
        rusqlite::Connection::open(data.join("besom.db")).map_err(|error| error.to_string())?;
    database
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
        .map_err(|error| error.to_string())?;
    drop(database);
    sample.bytes = child::bytes(&data);
    Ok(sample)
}

fn signal(lab: &Lab, signal: &str) {
    let pid = lab.controller_pid().expect("a controller runs").to_string();
    let sent = Command::new("kill").args([signal, &pid]).status();
    assert!(sent.is_ok_and(|status| status.success()), "the controller gets {signal}");
}

/// Returns the same command with a limit on the size of files, as on a full disk.
fn limited(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 20; exec \"$0\" \"$@\""]).arg(command.get_program());
    shell.args(command.get_args());
    shell
}

/// Measures a floor, which has the disk to itself.
pub(crate) fn floor(name: &str, mode: Mode) -> Result<Sample, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    finish(&mut one(name, mode, dir.path(), "")?.command())
}

/// Measures another tracker; the error is "not installed" if its Python module cannot be found.
pub(crate) fn peer(name: &str, mode: Mode) -> Result<Sample, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let script = dir.path().join("peers.py");
    fs::write(&script, include_str!("peers.py")).map_err(|error| error.to_string())?;
    let folder = dir.path().join("data");
    fs::create_dir(&folder).map_err(|error| error.to_string())?;
    let numbers = [mode.scalars.to_string(), mode.calls.to_string(), mode.pace_us.to_string()];
    let mut command = Command::new("python3");
    command.arg(script).arg(name).args(numbers).arg(folder).stderr(std::process::Stdio::null());
    finish(&mut command)
}

fn one(target: &str, mode: Mode, dir: &Path, url: &str) -> Result<One, String> {
    fs::create_dir_all(dir).map_err(|error| error.to_string())?;
    Ok(One {
        target: target.to_owned(),
        scalars: mode.scalars,
        calls: mode.calls,
        pace_us: mode.pace_us,
        runs: mode.runs,
        dir: dir.to_owned(),
        url: url.to_owned(),
    })
}

fn finish(command: &mut Command) -> Result<Sample, String> {
    let mut waiting = Waiting::start(command)?;
    waiting.go()?;
    waiting.logged()?;
    waiting.sample()
}

/// Combines the samples of several processes: sums of points and refused calls, means of call times
/// and processor times, and the worst of the tails and of the total times.
fn fold(samples: &[Sample]) -> Sample {
    let (count, points) =
        (samples.len() as f64, samples.iter().map(|sample| sample.points).sum::<u64>());
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let worst = |of: fn(&Sample) -> f64| samples.iter().map(of).fold(0.0, f64::max);
    Sample {
        us_mean: mean(|sample| sample.us_mean),
        us_p50: mean(|sample| sample.us_p50),
        us_p99: worst(|sample| sample.us_p99),
        us_p999: worst(|sample| sample.us_p999),
        points,
        refused: samples.iter().map(|sample| sample.refused).sum(),
        seconds: worst(|sample| sample.seconds),
        cpu_us: mean(|sample| sample.cpu_us),
        ..Sample::default()
    }
}

/// Returns the processor time that the controller has used, in steps of 10 ms; zero if the system
/// does not report it.
fn controller_time(lab: &Lab) -> Duration {
    let stat =
        lab.controller_pid().and_then(|pid| fs::read_to_string(format!("/proc/{pid}/stat")).ok());
    // After the name, which may contain anything, the 12th and 13th words are user and system time.
    let words = stat.as_deref().and_then(|stat| stat.rsplit_once(')')).map_or("", |(_, rest)| rest);
    let ticks: u64 =
        words.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}
