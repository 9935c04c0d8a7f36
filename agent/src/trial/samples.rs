//! Samples of the machine and of one trial's processes, into the journal `agent.system`. The agent
//! takes them, and not the program: so they are there for programs in any language, and go on when
//! the program hangs. Called by `trial.rs`.

use std::{future::pending, io, path::PathBuf, sync::OnceLock, time::Duration};

use record::{Row, Value};
use telemetry::{Meter, Own, Period, Root, Sampler};
use tokio::{
    sync::{Notify, mpsc},
    time::sleep,
};

use super::spec;
use crate::output::journal::Journal;

/// A trial that is over by then is not looked at: looking costs more than it would tell.
const SETTLE: Duration = Duration::from_millis(500);
/// Samples that may wait for the journal.
const ROOM: usize = 4;

/// How an agent takes samples.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// How often, if at all.
    pub period: Period,
    /// What reads the GPUs.
    pub meter: fn() -> Box<dyn Meter>,
}

/// Whom to look at.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The attempt's folder.
    pub dir: PathBuf,
    /// The shim, whose descendants are the trial.
    pub shim: i32,
    /// The folder that the trial works in.
    pub cwd: PathBuf,
    /// UUIDs of its GPUs.
    pub devices: Vec<String>,
}

/// Takes samples and tells `rows` of each. Never returns: it is dropped when the trial is over.
/// What went wrong is in `trouble`; there are no more samples then.
pub async fn keep(
    sight: Sight,
    watched: Option<Watched>,
    rows: &Notify,
    trouble: &OnceLock<String>,
) {
    if let (Some(period), Some(watched)) = (sight.period.get(), watched) {
        sleep(SETTLE.min(period)).await;
        if let Err(error) = take(period, sight.meter, watched, rows).await {
            // The first trouble is the last.
            let _ = trouble.set(format!("the system metrics could not be kept: {error}"));
        }
    }
    pending().await
}

async fn take(
    period: Duration,
    meter: fn() -> Box<dyn Meter>,
    watched: Watched,
    rows: &Notify,
) -> io::Result<()> {
    let mut step = 0;
    let path = watched.dir.join(spec::JOURNAL).join("agent.system");
    let mut journal = Journal::open(&path, |row| step = row.step.saturating_add(1))?;
    let (put, mut taken) = mpsc::channel(ROOM);
    let make = move || {
        Sampler::new(
            Root::Below(watched.shim),
            watched.cwd,
            meter(),
            Own::with_uuids(watched.devices),
        )
    };
    let _sampling =
        telemetry::start(period, make, move |row| put.blocking_send(row.clone()).is_ok())?;
    while let Some(row) = taken.recv().await {
        let values =
            row.values().map(|(name, value)| (name.to_owned(), Value::F64(value))).collect();
        journal.push(&Row { step, wall_ms: crate::wall_ms(), values });
        journal.flush()?;
        rows.notify_one();
        step += 1;
    }
    Err(io::Error::other("the sampling has ended"))
}
