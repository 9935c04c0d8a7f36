//! `cargo xtask bench wandb`: records what W&B's client sends while a script logs, sends the same
//! rows to many runs, and measures how many points per second become durable, and at what cost. It
//! also compares the client's list of many runs with that of `sweep run ls`.

mod http;
mod record;

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use serde_json::json;
use terminal::{Exit, Failure, table::Table};
use tests::Lab;

use crate::{http::Connection, record::Recording};

/// The team of the runs.
const TEAM: &str = ::record::ids::HOME;

/// What W&B's client costs the controller
#[derive(Debug, Parser)]
struct Flags {
    /// Rows that the script logs
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// Scalars in each row
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    scalars: u32,
    /// Runs that get the recorded rows
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    copies: u32,
    /// Connections that send them
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Runs that are listed
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

fn main() -> ExitCode {
    terminal::exit_with(measure(&Flags::parse()))
}

fn measure(flags: &Flags) -> Result<(), Failure> {
    let lab = Lab::with_controller();
    let recording = record::record(&lab, flags.rows, flags.scalars)?;
    let points = f64::from(flags.rows) * f64::from(flags.scalars) * f64::from(flags.copies);
    let mut table = Table::new(["rows of the client", ">points/s", ">CPU s", ">of the client's"]);
    let client = recording.cpu.as_secs_f64() * f64::from(flags.copies);
    table.row([
        "the client makes them".to_owned(),
        rate(points, client),
        seconds(client),
        share(1.0),
    ]);
    let (took, used) = replay(&lab, &recording, flags)?;
    table.row([
        "the controller stores them".to_owned(),
        rate(points, took),
        seconds(used),
        share(used / client),
    ]);
    let floor = floor(&recording, flags.copies);
    table.row(["raw SQLite stores the requests".to_owned(), rate(points, floor), dash(), dash()]);
    terminal::print(table);
    lists(&lab, flags.runs)
}

fn rate(points: f64, seconds: f64) -> String {
    format!("{:.0}", points / seconds)
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.2}")
}

fn share(share: f64) -> String {
    format!("{share:.3}")
}

fn dash() -> String {
    "-".to_owned()
}

/// Sends the recorded requests to many runs. Returns the seconds until all rows were on the disk,
/// and the processor time of the controller in seconds.
fn replay(lab: &Lab, recording: &Recording, flags: &Flags) -> Result<(f64, f64), Failure> {
    let name = |copy: u32| format!("copy-{copy}");
    let mut connection = Connection::open(lab)?;
    for copy in 0..flags.copies {
        connection.upsert(&name(copy), &json!({}))?;
    }
    let (before, begun) = (controller_time(lab), Instant::now());
    let send = |first: u32| -> Result<(), Failure> {
        let mut connection = Connection::open(lab)?;
        for copy in (first..flags.copies).step_by(flags.connections as usize) {
            let path = format!("/files/{TEAM}/bench/{}/file_stream", name(copy));
            for body in &recording.bodies {
                connection.post(&path, body)?;
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let sending: Vec<_> =
            (0..flags.connections).map(|first| scope.spawn(move || send(first))).collect();
        sending.into_iter().try_for_each(|one| one.join().expect("a sender ends"))
    })?;
    let took = begun.elapsed().as_secs_f64();
    let used = (controller_time(lab) - before).as_secs_f64();
    let stored = lab.json(&["run", "show", &name(flags.copies - 1), "--json"])["rows"].as_u64();
    if stored != Some(flags.rows.into()) {
        let message = format!("{stored:?} of {} rows are stored", flags.rows);
        return Err(Failure::new(Exit::Refused, message));
    }
    Ok((took, used))
}

/// Returns the processor time that the controller has used.
fn controller_time(lab: &Lab) -> Duration {
    let pid = lab.controller_pid().expect("a controller runs");
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
    // After the name, which may contain anything, the 12th and 13th words are user and system time.
    let (_, rest) = stat.rsplit_once(')').expect("the name ends");
    let words = rest.split_whitespace().skip(11).take(2);
    let ticks: u64 = words.filter_map(|word| word.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// Stores the requests as they are, each with a commit and a sync. Returns how many seconds that
/// took.
fn floor(recording: &Recording, copies: u32) -> f64 {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let database = rusqlite::Connection::open(dir.path().join("floor.db")).expect("SQLite opens");
    let schema = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE bodies(body BLOB)";
    database.execute_batch(schema).expect("the table is made");
    let begun = Instant::now();
    for body in (0..copies).flat_map(|_| &recording.bodies) {
        database.execute("INSERT INTO bodies VALUES (?1)", [body]).expect("a body is inserted");
    }
    begun.elapsed().as_secs_f64()
}

/// Lists many runs with `sweep run ls` and with the client.
fn lists(lab: &Lab, runs: u32) -> Result<(), Failure> {
    let mut connection = Connection::open(lab)?;
    for run in 0..runs {
        let config = json!({ "lr": { "value": f64::from(run) / 1e3 } });
        connection.upsert(&format!("listed-{run}"), &config)?;
    }
    let begun = Instant::now();
    let listed = lab.json(&["run", "ls", "--project", "bench", "--json"]);
    let ours = begun.elapsed().as_secs_f64();
    let found = listed.as_array().map_or(0, Vec::len);
    let theirs = python(lab, Path::new("list.py"), include_str!("list.py"), &["bench"])?;
    let mut table = Table::new([&format!("a list of {found} runs"), ">seconds", ">x ours"]);
    table.row(["`sweep run ls --json`".to_owned(), seconds(ours), share(1.0)]);
    table.row(["`wandb.Api().runs()`".to_owned(), seconds(theirs), share(theirs / ours)]);
    terminal::print(table);
    Ok(())
}

/// Runs a script with W&B's client, and returns the number that it prints at the end.
fn python(lab: &Lab, name: &Path, text: &str, args: &[&str]) -> Result<f64, Failure> {
    let script = lab.dir().join(name);
    fs::write(&script, text).expect("the lab's folder takes a file");
    run_python(lab, Command::new("python3").arg(script).args(args), &lab.address())
}

/// Runs Python with W&B's client. `address` is that of the controller or of something before it.
fn run_python(lab: &Lab, command: &mut Command, address: &str) -> Result<f64, Failure> {
    let key = "0123456789012345678901234567890123456789";
    let client = std::env::var_os("BESOM_WANDB").expect("`cargo xtask bench` sets it");
    command.current_dir(lab.dir()).env("HOME", lab.dir()).env("PYTHONPATH", client);
    command.env("WANDB_BASE_URL", address).env("WANDB_API_KEY", key).env("WANDB_SILENT", "true");
    let output = command.output().expect("Python starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    let number = printed.lines().last().and_then(|line| line.parse().ok());
    number.filter(|_| output.status.success()).ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        Failure::new(Exit::Refused, format!("the script of W&B's client failed: {errors}"))
    })
}
