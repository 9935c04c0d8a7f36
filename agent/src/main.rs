//! Runs `agent <sweep>`: reads the flags and runs the agent's loop. `agent shim DIR` becomes a
//! trial's shim, and `agent cgroup PATH` tests a cgroup. Only the agent itself starts these two
//! commands. `main` handles these commands before it makes a runtime or a thread, so that they
//! start fast.

use std::{env, io, path::Path, process::ExitCode};

use agent::{
    agent::{Signal, work},
    flags::Flags,
    processes::{cgroup, reaper::Reaper},
    trial::shim,
};
use clap::Parser as _;
use telemetry::Nvidia;
use terminal::{Exit, Failure};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// The number of worker threads of the async runtime. The loop and the trials' tasks use little CPU
/// time, so the number does not grow with the machine's cores.
const WORKERS: usize = 2;
/// The most signals that may wait for the loop.
const SIGNALS_ROOM: usize = 8;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().take(4).collect();
    match arguments.as_slice() {
        [_, word, dir] if word == "shim" => return shim::main(Path::new(dir)),
        [_, word, path] if word == "cgroup" => {
            return if cgroup::visit(Path::new(path)).is_ok() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            };
        }
        _ => {}
    }
    let flags = Flags::parse();
    terminal::run(move || run(&flags))
}

fn run(flags: &Flags) -> Result<(), Failure> {
    let reaper = Reaper::install();
    let bug = |error: io::Error| Failure::new(Exit::Bug, format!("cannot start: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(bug)?;
    let result = runtime.block_on(async {
        let signals = signals().map_err(bug)?;
        let (setup, _kept) = flags.set_up(&Nvidia, reaper)?;
        work(setup, signals).await
    });
    // The runtime does not wait for the threads that watch trials which outlive the agent.
    runtime.shutdown_background();
    result
}

/// Returns a channel with one message for each Ctrl-C and each SIGTERM.
fn signals() -> io::Result<mpsc::Receiver<Signal>> {
    let (told, signals) = mpsc::channel(SIGNALS_ROOM);
    let kinds = [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
    ];
    for (kind, meaning) in kinds {
        let (mut arrived, told) = (signal(kind)?, told.clone());
        tokio::spawn(async move {
            while arrived.recv().await.is_some() {
                // A signal that finds the channel full is dropped: the agent already has enough
                // signals to end its trials.
                let _ = told.try_send(meaning);
            }
        });
    }
    Ok(signals)
}
