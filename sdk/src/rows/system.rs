//! Samples the machine and this process, for a run whose program no agent has started. A thread
//! takes the samples and puts them into the buffer as rows of the stream "system". `init` and
//! function agents start the sampling, and the end of the run stops it.

use std::{
    path::PathBuf,
    process,
    sync::{Arc, Mutex, PoisonError},
};

use telemetry::{NvidiaMeter, Own, PERIOD_VAR, Period, Root, Sampler, Sampling};

use super::row_buffer::{RowBuffer, Stream};
use crate::{environment::parsed, error::InitError};

/// The sampling of one run; contains `None` while the run takes no samples.
#[derive(Debug, Default)]
pub(crate) struct Samples(Mutex<Option<Sampling>>);

impl Samples {
    /// Starts to put samples into this buffer as rows, until [`Samples::end`].
    pub(crate) fn start(&self, rows: &Arc<RowBuffer>, period: Period) -> Result<(), InitError> {
        let Some(period) = period.get() else { return Ok(()) };
        let make = || {
            // If the working folder is unknown, the disk metrics describe the file system of `/`.
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

    /// Stops sampling.
    pub(crate) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Returns the sampling period: the given one, else the one in `BESOM_SYSTEM_METRICS`, else the
/// default.
pub(crate) fn period(said: Option<Period>) -> Result<Period, InitError> {
    match said {
        Some(period) => Ok(period),
        None => Ok(parsed(PERIOD_VAR)?.unwrap_or_default()),
    }
}
