//! `agent <sweep>`: reads the flags and works. `agent shim DIR`, which only the agent itself calls, becomes a trial's shim
//! before any runtime or thread is started, since every trial waits for that.

use std::{env, io, path::Path, process::ExitCode};

use agent::{agent::work, flags::Flags, shim};
use clap::Parser as _;
use telemetry::gpus::Nvidia;
use terminal::{Exit, Failure};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// The loop and one trial at a time need little; a hundred cores need not each get a thread.
const WORKERS: usize = 2;
/// Interrupts that may wait for the loop.
const INTERRUPTS_ROOM: usize = 8;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().take(4).collect();
    if let [_, word, dir] = arguments.as_slice()
        && word == "shim"
    {
        return shim::main(Path::new(dir));
    }
    let flags = Flags::parse();
    terminal::run(move || run(&flags))
}

fn run(flags: &Flags) -> Result<(), Failure> {
    let bug = |error: io::Error| Failure::new(Exit::Bug, format!("cannot start: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(bug)?;
    let result = runtime.block_on(async {
        let interrupts = interrupts().map_err(bug)?;
        let (setup, _kept) = flags.set_up(&Nvidia)?;
        work(setup, interrupts).await
    });
    // Threads that wait for trials which outlive the agent are not waited for.
    runtime.shutdown_background();
    result
}

/// One message for each Ctrl-C or SIGTERM.
fn interrupts() -> io::Result<mpsc::Receiver<()>> {
    let (wishes, interrupts) = mpsc::channel(INTERRUPTS_ROOM);
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let (mut signals, wishes) = (signal(kind)?, wishes.clone());
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                // More than fit say nothing new.
                let _ = wishes.try_send(());
            }
        });
    }
    Ok(interrupts)
}
