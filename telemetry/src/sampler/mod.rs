//! Takes samples: the machine, a tree of processes, the GPUs; and the thread that does so in good
//! time. Started by the agent for each trial and by the SDK for each run outside of sweeps. Knows
//! nothing of runs: rows go to a function of the caller's.

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
    tally::Tally,
};

/// What all names begin with, as W&B's do.
const PREFIX: &str = "system.";
/// The first sample comes after this long, so that a short run has one too.
const FIRST: Duration = Duration::from_secs(1);
/// The most GPUs in a row.
const MAX_GPUS: usize = 16;

/// One sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    values: Vec<(String, f64)>,
    /// The machine's memory, 0 where it is not known.
    pub(crate) memory_mib: f64,
}

impl Row {
    /// Adds a number, to two decimals: more would be noise that takes room.
    pub(crate) fn put(&mut self, name: &str, value: f64) {
        self.values.push((format!("{PREFIX}{name}"), (value * 100.0).round() / 100.0));
    }

    /// The numbers and their names.
    pub fn values(&self) -> impl ExactSizeIterator<Item = (&str, f64)> {
        self.values.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// Takes samples of one tree of processes and the machine that it runs on.
#[derive(Debug)]
pub struct Sampler<M> {
    processes: Tally,
    machine: Machine,
    gpus: M,
    own: Own,
}

impl<M: Meter> Sampler<M> {
    /// Begins now: counters count from here. `folder` tells which filesystem is of interest, `own`
    /// which of the GPUs that `gpus` reads belong to the tree.
    pub fn new(root: Root, folder: PathBuf, gpus: M, own: Own) -> Self {
        Self { processes: Tally::new(root), machine: Machine::new(folder), gpus, own }
    }

    /// What is used now; percentages are of the time since the sample before.
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

/// Samples are being taken. Dropping it ends that, without waiting: a filesystem that does not
/// answer holds nobody up.
#[derive(Debug)]
pub struct Sampling(#[allow(dead_code, reason = "its drop is the message")] mpsc::SyncSender<()>);

/// Takes samples on a thread of its own: the first after a second, then one every `period`, until
/// the answer is dropped or `sink` says false. `make` runs on the thread.
///
/// # Errors
/// When there is no room for a thread.
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
