//! Small helpers for training loops: means over batches, and keys under a prefix. Used by programs;
//! logs through `Run` alone.

use std::fmt;

use super::Run;
use crate::value::Loggable;

/// The mean of values that stand for different counts, such as the losses of batches of which the
/// last is smaller.
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
    /// Adds a value that is itself the mean of `count` examples.
    pub fn add(&mut self, value: f64, count: u64) {
        self.sum += value * count as f64;
        self.count += count;
    }

    /// The mean of all examples so far; NaN before the first.
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// Examples so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean, and begins anew: for the end of an epoch.
    pub fn take(&mut self) -> f64 {
        std::mem::take(self).mean()
    }
}

impl Run {
    /// Logs under keys that begin with `prefix`, such as `val/`: for the same code over several
    /// data sets.
    pub fn prefix(&self, prefix: impl Into<String>) -> Prefixed {
        Prefixed { run: self.clone(), prefix: prefix.into() }
    }
}

/// A run whose keys begin with a prefix; made by [`Run::prefix`].
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
    /// As [`Run::log`].
    pub fn log<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.run.log(self.prefixed(values));
    }

    /// As [`Run::log_at`].
    pub fn log_at<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        step: u64,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.run.log_at(step, self.prefixed(values));
    }

    /// As [`Run::summary`].
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
