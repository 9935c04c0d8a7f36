//! Takes samples of the machine, a tree of processes and the GPUs, on a thread at a fixed period.
//! The agent starts such a thread for each trial. The SDK starts one for each run outside of sweeps
//! and for each trial of a function agent. The module passes each row to a function of its caller,
//! which stores the row.

use std::{
    io,
    path::PathBuf,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use crate::{
    machine::Machine,
    meter::{Meter, Own, Reading},
    process::Root,
    row::Row,
    tally::Tally,
};

/// The longest time until the first sample. It is shorter than the default period, so that a run of
/// a few seconds also has a sample.
const FIRST: Duration = Duration::from_secs(1);
/// The maximum number of GPUs in one row.
const MAX_GPUS: usize = 16;

/// A sampler of one tree of processes, and of the machine that the tree runs on.
#[derive(Debug)]
pub struct Sampler<M> {
    processes: Tally,
    machine: Machine,
    gpus: M,
    own: Own,
}

impl<M: Meter> Sampler<M> {
    /// Makes a sampler whose counters start now. `folder` selects the filesystem whose usage is
    /// reported. `own` selects the GPUs that belong to the tree.
    pub fn new(root: Root, folder: PathBuf, gpus: M, own: Own) -> Self {
        Self { processes: Tally::new(root), machine: Machine::new(folder), gpus, own }
    }

    /// Takes a sample. CPU percentages cover the time since the previous sample, or since
    /// [`Sampler::new`] for the first sample.
    pub fn sample(&mut self) -> Row {
        let mut row = Row::default();
        self.machine.sample(&mut row);
        self.processes(&mut row);
        for reading in self.gpus.read().iter().take(MAX_GPUS) {
            put_gpu(&mut row, &format!("gpu.{}", reading.index), reading);
            if self.own.has(reading.index, &reading.uuid) {
                put_gpu(&mut row, &format!("gpu.process.{}", reading.index), reading);
            }
        }
        row
    }

    fn processes(&mut self, row: &mut Row) {
        let usage = self.processes.look();
        if usage.seconds > 0.0 {
            let percent = 100.0 * usage.busy_seconds / usage.seconds;
            row.put("cpu", percent / self.machine.cores() as f64);
            row.put("proc.cpu.percent", percent);
        }
        row.put("proc.count", usage.processes as f64);
        row.put("proc.cpu.threads", usage.threads as f64);
        row.put("proc.memory.rssMB", usage.resident_mib);
        if row.memory_mib > 0.0 {
            row.put("proc.memory.percent", 100.0 * usage.resident_mib / row.memory_mib);
        }
        row.put("proc.disk.in", usage.read_mib);
        row.put("proc.disk.out", usage.written_mib);
    }
}

fn put_gpu(row: &mut Row, name: &str, reading: &Reading) {
    let mut put = |what: &str, value: Option<f64>| {
        if let Some(value) = value {
            row.put(&format!("{name}.{what}"), value);
        }
    };
    put("gpu", reading.busy_percent);
    put("memory", reading.memory_busy_percent);
    if let Some((used, total)) = reading.memory_bytes {
        put("memoryAllocatedBytes", Some(used as f64));
        put("memoryAllocated", (total > 0).then(|| 100.0 * used as f64 / total as f64));
    }
    put("temp", reading.celsius);
    put("powerWatts", reading.watts);
    put("enforcedPowerLimitWatts", reading.limit_watts);
    let share = reading.watts.zip(reading.limit_watts).filter(|(_, limit)| *limit > 0.0);
    put("powerPercent", share.map(|(watts, limit)| 100.0 * watts / limit));
}

/// The handle of a sampling thread. Dropping the handle ends the thread but does not wait for it,
/// so a filesystem that hangs does not delay the caller.
#[derive(Debug)]
pub struct Sampling(#[allow(dead_code, reason = "its drop is the message")] mpsc::SyncSender<()>);

/// Takes samples on a new thread. The first sample comes after a second, or after `period` if that
/// is shorter; then one comes every `period`. The thread ends when the returned value is dropped,
/// or when `sink` returns false. `make` runs on the new thread.
///
/// # Errors
/// Fails if no thread can be started.
pub fn start<M: Meter + 'static>(
    period: Duration,
    make: impl FnOnce() -> Sampler<M> + Send + 'static,
    mut sink: impl FnMut(&Row) -> bool + Send + 'static,
) -> io::Result<Sampling> {
    let (stop, stopped) = mpsc::sync_channel(1);
    let body = move || {
        let mut sampler = make();
        let mut wait = period.min(FIRST);
        while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            if !sink(&sampler.sample()) {
                break;
            }
            wait = period;
        }
    };
    thread::Builder::new().name("besom-system".to_owned()).spawn(body)?;
    Ok(Sampling(stop))
}

#[cfg(test)]
mod tests;
