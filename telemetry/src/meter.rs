//! What GPUs do at this moment, behind a trait: NVIDIA's here, another accelerator is one more implementation. Asked by the
//! sampler.

use crate::nvidia::{Driver, VISIBLE_VAR, is_named};

/// One GPU at one moment. What it does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Its number on this node.
    pub index: u32,
    /// What it is known by.
    pub uuid: String,
    /// Share of the time in which something ran on it, 0 to 100.
    pub busy_percent: Option<f64>,
    /// Share of the time in which its memory was read or written, 0 to 100.
    pub memory_busy_percent: Option<f64>,
    /// Memory in use and all of it, in bytes.
    pub memory_bytes: Option<(u64, u64)>,
    /// Temperature.
    pub celsius: Option<f64>,
    /// Power that it draws.
    pub watts: Option<f64>,
    /// Power that it may draw.
    pub limit_watts: Option<f64>,
}

/// Where readings come from.
pub trait Meter {
    /// All GPUs now; none where there are none.
    fn read(&mut self) -> Vec<Reading>;
}

impl<M: Meter + ?Sized> Meter for Box<M> {
    fn read(&mut self) -> Vec<Reading> {
        (**self).read()
    }
}

/// NVIDIA's management library, loaded at the first reading.
#[derive(Debug, Default)]
pub struct NvidiaMeter {
    driver: Option<Option<Driver>>,
}

impl Meter for NvidiaMeter {
    fn read(&mut self) -> Vec<Reading> {
        let driver = self.driver.get_or_insert_with(|| Driver::load().ok());
        driver.as_ref().map(Driver::readings).unwrap_or_default()
    }
}

/// Which GPUs are a program's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// All that there are.
    All,
    /// These, by number or by UUID.
    Named(Vec<String>),
}

impl Own {
    /// What the environment leaves to this process, in the way that CUDA reads it.
    pub fn of_this_process() -> Self {
        Self::parse(std::env::var(VISIBLE_VAR).ok().as_deref())
    }

    pub(crate) fn parse(visible: Option<&str>) -> Self {
        let Some(visible) = visible else { return Self::All };
        let names = visible.split(',').map(str::trim).filter(|name| !name.is_empty());
        Self::Named(names.map(str::to_owned).collect())
    }

    pub(crate) fn has(&self, index: u32, uuid: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| is_named(name, index, uuid)),
        }
    }
}
