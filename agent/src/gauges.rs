//! Keeps the newest numbers of the node: the load of its CPUs and GPUs, its memory and its disk. A
//! thread of `telemetry` takes the samples, and each heartbeat carries the newest one.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use proto::v1::Gauge;
use telemetry::{Own, Root, Row, Sampler, Sampling};

use crate::trial::samples::Sight;

/// The names of the numbers that people see of a node. All numbers of GPUs are among them.
const NAMES: [&str; 5] = [
    "system.cpu_percent",
    "system.memory_percent",
    "system.memory.usedMB",
    "system.disk.usagePercent",
    "system.disk.usageGB",
];

/// The newest numbers of the node. Empty until the first sample, and if no samples are taken.
#[derive(Clone, Debug, Default)]
pub struct Gauges(Arc<Mutex<Vec<Gauge>>>);

impl Gauges {
    /// Takes samples until the returned [`Sampling`] is dropped. `folder` is on the disk whose
    /// usage is measured. Returns no `Sampling` if the sampling is off.
    ///
    /// # Errors
    /// Fails if no thread can be started.
    pub fn start(&self, sight: Sight, folder: PathBuf) -> io::Result<Option<Sampling>> {
        let Some(period) = sight.period.get() else { return Ok(None) };
        let pid = std::process::id().cast_signed();
        let make = move || Sampler::new(Root::Below(pid), folder, (sight.meter)(), Own::All);
        let gauges = self.clone();
        let keep = move |row: &Row| {
            *gauges.0.lock().unwrap_or_else(PoisonError::into_inner) = shown(row);
            true
        };
        telemetry::start(period, make, keep).map(Some)
    }

    /// Returns the newest numbers.
    pub fn newest(&self) -> Vec<Gauge> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns the numbers of a sample that people see of a node.
fn shown(row: &Row) -> Vec<Gauge> {
    let is_shown = |name: &str| {
        let gpu = name.strip_prefix("system.gpu.");
        gpu.is_some_and(|rest| !rest.starts_with("process.")) || NAMES.contains(&name)
    };
    let shown = row.values().filter(|(name, _)| is_shown(name));
    shown.map(|(name, value)| Gauge { name: name.to_owned(), value }).collect()
}

#[cfg(test)]
mod tests {
    use telemetry::{Meter, Reading};

    use super::*;

    struct Two;

    impl Meter for Two {
        fn read(&mut self) -> Vec<Reading> {
            let gpu = |index| Reading {
                index,
                busy_percent: Some(94.0),
                celsius: Some(71.0),
                ..Reading::default()
            };
            vec![gpu(0), gpu(3)]
        }
    }

    #[test]
    fn a_sample_of_the_node_has_its_gpus_and_none_of_the_agents_own_numbers() {
        let pid = std::process::id().cast_signed();
        let mut sampler = Sampler::new(Root::Below(pid), "/".into(), Two, Own::All);
        let gauges = shown(&sampler.sample());
        let value = |name: &str| gauges.iter().find(|one| one.name == name).map(|one| one.value);
        assert_eq!(value("system.gpu.3.gpu"), Some(94.0));
        assert_eq!(value("system.gpu.0.temp"), Some(71.0));
        assert!(value("system.memory_percent").is_some_and(|share| share > 0.0));
        assert!(gauges.iter().all(|one| !one.name.contains("proc")), "{gauges:?}");
    }
}
