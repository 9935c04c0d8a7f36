//! Provides small helpers for training loops: means over batches, and keys under a prefix. Programs
//! use them. They log only through `Run`.

use std::fmt;

use super::Run;
use crate::value::Loggable;

/// The mean of values with different weights, such as the losses of batches when the last batch is
/// smaller.
///
/// ```
/// let mut loss = besom::Average::default();
/// loss.add(0.5, 64);
/// loss.add(0.25, 64);
/// assert_eq!(loss.take(), 0.375);
/// assert!(loss.mean().is_nan());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Average {
    sum: f64,
    count: u64,
}

impl Average {
    /// Adds a value that is the mean of `count` examples.
    pub fn add(&mut self, value: f64, count: u64) {
        self.sum += value * count as f64;
        self.count += count;
    }

    /// Returns the mean of all examples so far; NaN if there are none.
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// Returns the number of examples so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the mean and starts again from nothing, for the end of an epoch.
    pub fn take(&mut self) -> f64 {
        std::mem::take(self).mean()
    }
}

impl Run {
    /// Returns a handle that logs under keys with this prefix, such as `val/`. This lets the same
    /// code log several data sets.
    pub fn prefix(&self, prefix: impl Into<String>) -> Prefixed {
        Prefixed { run: self.clone(), prefix: prefix.into() }
    }
}

/// A run that adds a prefix to every key; [`Run::prefix`] makes it.
#[derive(Clone)]
pub struct Prefixed {
    run: Run,
    prefix: String,
}

impl fmt::Debug for Prefixed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Prefixed").field(&self.prefix).finish()
    }
}

impl Prefixed {
    /// Logs one row under prefixed keys, like [`Run::log`].
    pub fn log<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.run.log(self.prefixed(values));
    }

    /// Logs one row under prefixed keys, like [`Run::log_at`].
    pub fn log_at<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        step: u64,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.run.log_at(step, self.prefixed(values));
    }

    /// Sets a value of the run under a prefixed key, like [`Run::summary`].
    pub fn summary<'a>(&self, key: impl AsRef<str>, value: impl Loggable<'a>) {
        self.run.summary(format!("{}{}", self.prefix, key.as_ref()), value);
    }

    fn prefixed<K: AsRef<str>, V>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
    ) -> impl Iterator<Item = (String, V)> {
        values.into_iter().map(|(key, value)| (format!("{}{}", self.prefix, key.as_ref()), value))
    }
}
