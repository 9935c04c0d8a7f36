//! Defines a sample: numbers with names. `sampler` and `machine` add the numbers.

/// The prefix of the names of all system metrics, the same as in W&B.
const PREFIX: &str = "system.";

/// One sample: named numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    values: Vec<(String, f64)>,
    /// The machine's total memory in MiB; 0 if it is unknown.
    pub(crate) memory_mib: f64,
}

impl Row {
    /// Adds a number, rounded to two decimals. Further digits would be noise and take space.
    pub(crate) fn put(&mut self, name: &str, value: f64) {
        self.values.push((format!("{PREFIX}{name}"), (value * 100.0).round() / 100.0));
    }

    /// Returns the numbers with their names.
    pub fn values(&self) -> impl ExactSizeIterator<Item = (&str, f64)> {
        self.values.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// Returns the number with this name; `None` if the row has no such number.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}
