//! Samples of the machine and of this process, for a run that no agent watches: a thread takes them
//! and puts them into the buffer as rows of the stream "system". Started by `settings` and by
//! function agents, ended by the run.

use std::{
    path::PathBuf,
    process,
    sync::{Arc, Mutex, PoisonError},
};

use telemetry::{NvidiaMeter, Own, PERIOD_VAR, Period, Root, Sampler, Sampling};

use super::row_buffer::{RowBuffer, Stream};
use crate::{environment::parsed, error::InitError};

/// The samples of one run: being taken, or not.
#[derive(Debug, Default)]
pub(crate) struct Samples(Mutex<Option<Sampling>>);

impl Samples {
    /// Takes samples until [`Samples::end`], as rows into this buffer.
    pub(crate) fn start(&self, rows: &Arc<RowBuffer>, period: Period) -> Result<(), InitError> {
        let Some(period) = period.get() else { return Ok(()) };
        let make = || {
            // Without a working folder there is no filesystem to speak of.
            let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
            let root = Root::At(process::id().cast_signed());
            Sampler::new(root, folder, NvidiaMeter::default(), Own::of_this_process())
        };
        let weak = Arc::downgrade(rows);
        let sampling = telemetry::start(period, make, move |row| {
            weak.upgrade().map(|rows| rows.push(Stream::System, None, row.values())).is_some()
        });
        let sampling = sampling.map_err(|error| InitError::Thread(Arc::new(error)))?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sampling);
        Ok(())
    }

    /// No more of them.
    pub(crate) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// How often: what the code says, else the environment, else the default.
pub(crate) fn period(said: Option<Period>) -> Result<Period, InitError> {
    match said {
        Some(period) => Ok(period),
        None => Ok(parsed(PERIOD_VAR)?.unwrap_or_default()),
    }
}
