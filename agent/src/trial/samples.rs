//! Writes samples of the machine and of one trial's processes to the journal `agent.system`. The
//! agent takes the samples, not the program. So programs in any language get samples, and sampling
//! goes on when the program hangs. `trial/mod.rs` calls it.

use std::{future::pending, io, path::PathBuf, sync::OnceLock, time::Duration};

use record::{Row, Value};
use telemetry::{Meter, Own, Period, Root, Sampler};
use tokio::{
    sync::{Notify, mpsc},
    time::sleep,
};

use super::spec;
use crate::{clock::wall_ms, output::journal::Journal};

/// The longest delay before the first sample; a shorter period shortens it. A trial that ends
/// sooner has no samples, because sampling would cost more than it would show.
const SETTLE: Duration = Duration::from_millis(500);
/// The most samples that may wait for the journal.
const ROOM: usize = 4;

/// The settings of an agent's sampling.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// The time between two samples, or off.
    pub period: Period,
    /// Makes the meter that reads the GPUs.
    pub meter: fn() -> Box<dyn Meter>,
}

/// The trial to sample.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The attempt's folder.
    pub dir: PathBuf,
    /// The pid of the shim, whose descendants are the trial.
    pub shim: i32,
    /// The folder that the trial works in.
    pub cwd: PathBuf,
    /// The UUIDs of its GPUs.
    pub devices: Vec<String>,
}

/// Takes samples, and notifies `rows` after each sample. Never returns: the caller drops the future
/// when the trial is over. After an error it takes no more samples, and `trouble` holds the error.
pub async fn keep(
    sight: Sight,
    watched: Option<Watched>,
    rows: &Notify,
    trouble: &OnceLock<String>,
) {
    if let (Some(period), Some(watched)) = (sight.period.get(), watched) {
        sleep(SETTLE.min(period)).await;
        if let Err(error) = take(period, sight.meter, watched, rows).await {
            // There is no second error, because sampling ends with the first.
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
        journal.push(&Row { step, wall_ms: wall_ms(), values });
        journal.flush()?;
        rows.notify_one();
        step += 1;
    }
    Err(io::Error::other("the sampling has ended"))
}
