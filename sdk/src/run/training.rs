//! Provides helpers for training loops: means over batches, and keys with a prefix. Programs call
//! these helpers, which log only through `Run`.

use std::fmt;

use super::Run;
use crate::value::Loggable;

/// The weighted mean of values, such as the losses of batches of different sizes.
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

    /// Returns the mean and resets the sum and the count to zero, for the end of an epoch.
    pub fn take(&mut self) -> f64 {
        std::mem::take(self).mean()
    }
}

impl Run {
    /// Returns a handle that adds this prefix to every key, such as `val/`. With such handles, the
    /// same code can log several data sets.
    pub fn prefix(&self, prefix: impl Into<String>) -> Prefixed {
        Prefixed { run: self.clone(), prefix: prefix.into() }
    }
}

/// A handle of a run that adds a prefix to every key; [`Run::prefix`] returns it.
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

    /// Sets a value of the run's summary under a prefixed key, like [`Run::summary`].
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
