//! `cargo xtask bench outage`: programs log at a steady pace while the controller is killed and
//! restarted. The benchmark measures the time until the rows of the outage have arrived, and how
//! much faster they arrive than they were logged. The benchmark first measures programs with the
//! SDK, then programs that print their rows. All these programs run under a real agent.

use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use terminal::{Exit, Failure, table::Table};
use tests::{Lab, PATIENCE, program, wait_for};

/// What a returning controller receives, and how fast
#[derive(Debug, Parser)]
struct Flags {
    /// Programs that log side by side
    #[arg(long, default_value_t = 8)]
    programs: u32,
    /// Rows per second that each program logs
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pace: u32,
    /// Seconds without a controller
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

/// The time for which the pace is measured before the outage.
const LIVE: Duration = Duration::from_secs(5);
/// The time for which a row may be in transit before the controller counts it.
const SLACK: Duration = Duration::from_millis(500);

/// A count of the stored rows, with the time of the count.
#[derive(Clone, Copy)]
struct Stored {
    at: Instant,
    rows: f64,
}

fn main() -> ExitCode {
    terminal::exit_with(measure(&Flags::parse()))
}

fn measure(flags: &Flags) -> Result<(), Failure> {
    let micros = 1_000_000 / flags.pace;
    let printer = format!(
        "import time\nfor step in range(10**9):\n  print('{{\"loss\": %d}}' % step, \
        flush=True)\n  time.sleep({micros} / 1e6)"
    );
    let sdk =
        [program("sdk_logger").display().to_string(), "1000000000".to_owned(), micros.to_string()];
    let printed = ["python3".to_owned(), "-c".to_owned(), printer];
    let heads = [
        "programs",
        ">logged rows/s",
        ">away s",
        ">first row after s",
        ">all after s",
        ">replayed rows/s",
        ">x live",
    ];
    let mut table = Table::new(heads);
    for (what, command) in [("with the SDK", &sdk), ("that print", &printed)] {
        let cells = one(flags, command)?;
        table.row(std::iter::once(format!("{} {what}", flags.programs)).chain(cells));
    }
    terminal::print(table);
    Ok(())
}

/// Measures one outage; returns the cells of its line.
fn one(flags: &Flags, command: &[String]) -> Result<[String; 6], Failure> {
    let mut lab = Lab::with_leases(600);
    let command = serde_json::to_string(command).expect("texts are JSON");
    let sweep = lab.create(&format!(
        "{{method: grid, command: {command}, metric: {{name: loss}}, parameters: {{x: {{min: 1, \
        max: {}}}}}}}",
        flags.programs
    ));
    let mut agent = lab.agent(&sweep, &["--slots", &flags.programs.to_string()]);
    wait_for("all programs to log", || {
        lab.runs(&sweep).iter().all(|run| run["rows"].as_u64() > Some(0)).then_some(())
    });
    let begun = stored(&lab, &sweep);
    thread::sleep(LIVE);
    let ended = stored(&lab, &sweep);
    let live = (ended.rows - begun.rows) / (ended.at - begun.at).as_secs_f64();
    lab.kill_controller();
    thread::sleep(Duration::from_secs(flags.seconds));
    lab.start_controller();
    let back = Instant::now();
    let logged_until = |at: Instant| begun.rows + live * (at - begun.at - SLACK).as_secs_f64();
    let (mut last, mut first) = (stored(&lab, &sweep), None);
    while last.rows < logged_until(last.at) {
        if back.elapsed() > PATIENCE {
            return Err(Failure::new(
                Exit::Refused,
                format!("rows are missing after {PATIENCE:?}"),
            ));
        }
        let now = stored(&lab, &sweep);
        first = first.or((now.rows > last.rows).then_some(last));
        last = now;
    }
    agent.kill_with_trials();
    let first = first.unwrap_or(last);
    let replayed = (last.rows - first.rows) / (last.at - first.at).as_secs_f64();
    let since = |stored: Stored| format!("{:.2}", (stored.at - back).as_secs_f64());
    Ok([
        format!("{live:.0}"),
        flags.seconds.to_string(),
        since(first),
        since(last),
        format!("{replayed:.0}"),
        format!("{:.0}", replayed / live),
    ])
}

fn stored(lab: &Lab, sweep: &str) -> Stored {
    let rows = lab.runs(sweep).iter().map(|run| run["rows"].as_f64().unwrap_or(0.0)).sum();
    Stored { at: Instant::now(), rows }
}
