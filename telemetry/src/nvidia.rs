//! Finds and reads NVIDIA's GPUs through NVIDIA's management library (NVML), which it loads at run
//! time. This is the only file that knows NVML. Programs choose it as their [`Inventory`] and
//! [`Meter`].

use std::ffi::OsStr;

use nvml_wrapper::{Device, Nvml, enum_wrappers::device::TemperatureSensor, error::NvmlError};

use crate::{
    gpus::{Found, Gpu, Inventory},
    meter::{Meter, Reading, Resident},
};

/// The file name of NVML that the driver's package installs. The file name without the final number
/// exists only where development files are installed.
const LIBRARY: &str = "libnvidia-ml.so.1";

/// The inventory of NVIDIA GPUs. It uses NVIDIA's management library, which it loads at run time.
#[derive(Clone, Copy, Debug)]
pub struct Nvidia;

impl Inventory for Nvidia {
    fn find(&self) -> Found {
        let driver = match Driver::load() {
            Ok(driver) => driver,
            Err(why) => return none(&why),
        };
        let count = match driver.count() {
            Ok(0) => return none("NVML reports no GPUs"),
            Ok(count) => count,
            Err(why) => return none(&why),
        };
        let mut found = Found::default();
        for index in 0..count {
            match driver.look_at(index) {
                Ok(gpus) => found.gpus.extend(gpus),
                Err(why) => found.notes.push(format!("GPU {index} is left out: {why}")),
            }
        }
        if found.gpus.is_empty() {
            found.reason = "no GPU can be used".to_owned();
        }
        found
    }
}

fn none(reason: &str) -> Found {
    Found { reason: reason.to_owned(), ..Found::default() }
}

/// The meter of NVIDIA GPUs, which uses NVIDIA's management library. The first call of a method
/// loads the library. If loading fails, the meter reports no GPU until a call of `trouble` makes it
/// try again.
#[derive(Debug, Default)]
pub struct NvidiaMeter {
    driver: Option<Option<Driver>>,
}

impl NvidiaMeter {
    fn driver(&mut self) -> Option<&Driver> {
        self.driver.get_or_insert_with(|| Driver::load().ok()).as_ref()
    }
}

impl Meter for NvidiaMeter {
    fn read(&mut self) -> Vec<Reading> {
        self.driver().map(Driver::readings).unwrap_or_default()
    }

    fn residents(&mut self) -> Vec<Resident> {
        // The driver reports pids of the machine's own pid namespace. In a container with another
        // pid namespace, these numbers belong to other processes or to none.
        if !counts_as_the_machine() {
            return Vec::new();
        }
        self.driver().map(Driver::residents).unwrap_or_default()
    }

    fn trouble(&mut self, uuid: &str) -> Option<String> {
        let trouble = match self.driver() {
            Some(driver) => driver.trouble(uuid),
            None => Some("NVML cannot be loaded any more".to_owned()),
        };
        if trouble.is_some() {
            // The library finds a GPU that works again only after this process has dropped all uses
            // of the library and loaded it again.
            self.driver = None;
        }
        trouble
    }
}

/// Returns whether this process is in the machine's initial pid namespace. The number of that
/// namespace is a constant of the kernel.
fn counts_as_the_machine() -> bool {
    std::fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() == "pid:[4026531836]")
}

/// The loaded library.
#[derive(Debug)]
struct Driver(Nvml);

impl Driver {
    /// Loads the library. If that fails, returns the reason as a text for people.
    fn load() -> Result<Self, String> {
        match Nvml::builder().lib_path(OsStr::new(LIBRARY)).init() {
            Ok(nvml) => Ok(Self(nvml)),
            Err(NvmlError::LibloadingError(_)) => Err("NVML is not installed".to_owned()),
            Err(error) => Err(says(&error)),
        }
    }

    /// Returns the number of GPUs.
    fn count(&self) -> Result<u32, String> {
        self.0.device_count().map_err(|error| says(&error))
    }

    /// Returns one GPU, or its instances if it is divided (MIG).
    fn look_at(&self, index: u32) -> Result<Vec<Gpu>, String> {
        let device = self.0.device_by_index(index).map_err(|error| error.to_string())?;
        let gpu = |device: &Device<'_>| -> Result<Gpu, String> {
            let uuid = device.uuid().map_err(|error| error.to_string())?;
            Ok(Gpu { index, uuid, name: device.name().unwrap_or_else(|_| "GPU".to_owned()) })
        };
        if !is_divided(&device) {
            return Ok(vec![gpu(&device)?]);
        }
        let instances = instances(&device).iter().map(gpu).collect::<Result<Vec<_>, _>>()?;
        if instances.is_empty() {
            return Err("it is divided (MIG) but has no instances".to_owned());
        }
        Ok(instances)
    }

    /// Returns a reading of every GPU.
    fn readings(&self) -> Vec<Reading> {
        (0..self.count().unwrap_or(0)).filter_map(|index| self.reading(index)).collect()
    }

    /// Returns the processes that have memory on any GPU or on any instance of one.
    fn residents(&self) -> Vec<Resident> {
        let on = |device: &Device<'_>| -> Option<Vec<Resident>> {
            let (uuid, running) = (device.uuid().ok()?, device.running_compute_processes().ok()?);
            let resident = |pid: u32| Resident { uuid: uuid.clone(), pid: pid.cast_signed() };
            Some(running.into_iter().map(|process| resident(process.pid)).collect())
        };
        let devices =
            (0..self.count().unwrap_or(0)).filter_map(|index| self.0.device_by_index(index).ok());
        let parts = devices.flat_map(|device| {
            let instances = if is_divided(&device) { instances(&device) } else { Vec::new() };
            std::iter::once(device).chain(instances)
        });
        parts.filter_map(|device| on(&device)).flatten().collect()
    }

    /// Returns why a GPU which worked before cannot be used now. Returns `None` if the GPU can be
    /// used, and if the error does not mean that it is lost.
    fn trouble(&self, uuid: &str) -> Option<String> {
        // NVML can return a handle for a GPU that has lost its connection to the bus, so the code
        // also reads the GPU's memory.
        match self.0.device_by_uuid(uuid).and_then(|device| device.memory_info()) {
            Err(
                error @ (NvmlError::GpuLost
                | NvmlError::NotFound
                | NvmlError::InvalidArg
                | NvmlError::ResetRequired
                | NvmlError::DriverNotLoaded),
            ) => Some(says(&error)),
            Ok(_) | Err(_) => None,
        }
    }

    fn reading(&self, index: u32) -> Option<Reading> {
        let device = self.0.device_by_index(index).ok()?;
        let rates = device.utilization_rates().ok();
        let watts = |milliwatts: u32| f64::from(milliwatts) / 1000.0;
        Some(Reading {
            index,
            uuid: device.uuid().unwrap_or_default(),
            busy_percent: rates.as_ref().map(|rates| rates.gpu.into()),
            memory_busy_percent: rates.as_ref().map(|rates| rates.memory.into()),
            memory_bytes: device.memory_info().ok().map(|memory| (memory.used, memory.total)),
            celsius: device.temperature(TemperatureSensor::Gpu).ok().map(f64::from),
            watts: device.power_usage().ok().map(watts),
            limit_watts: device.enforced_power_limit().ok().map(watts),
        })
    }
}

/// Returns whether the GPU is divided into instances (MIG). The query fails on boards without MIG.
fn is_divided(device: &Device<'_>) -> bool {
    device.mig_mode().is_ok_and(|mode| mode.current != 0)
}

/// Returns the instances of a divided GPU. NVML's count is the maximum number of instances, so some
/// of these numbers have no instance.
fn instances<'nvml>(device: &Device<'nvml>) -> Vec<Device<'nvml>> {
    let most = device.mig_device_count().unwrap_or(0);
    (0..most).filter_map(|number| device.mig_device_by_index(number).ok()).collect()
}

fn says(error: &NvmlError) -> String {
    format!("NVML says: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_a_driver_is_no_failure() {
        let found = Nvidia.find();
        assert!(!found.gpus.is_empty() || !found.reason.is_empty());
    }
}
