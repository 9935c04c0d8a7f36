//! Gives explanations the name of an axis and the coordinates and values along it.
//! `search::explain` calls this module, which never sees an outcome.

use serde_json::Value;

use super::Axes;

impl Axes<'_> {
    /// Returns the flattened name of an axis's parameter.
    pub(in crate::search) fn name(&self, axis: usize) -> String {
        self.space.parameters[self.axes[axis].parameter].path.join(".")
    }

    /// Returns the value at a coordinate of an axis.
    pub(in crate::search) fn value(&self, axis: usize, x: f64) -> Value {
        self.axes[axis].kind.value(x)
    }

    /// Returns coordinates along an axis, ascending: every level if there are at most `most`.
    /// Otherwise they are the medians of `most` equally likely shares of the axis's law, without
    /// repetitions. So values in the far tails of the law are left out.
    pub(in crate::search) fn along(&self, axis: usize, most: u64) -> Vec<f64> {
        let kind = &self.axes[axis].kind;
        if let Some(levels) = kind.levels().filter(|&levels| levels <= most) {
            return (0..levels).map(|level| kind.coordinate_of(level)).collect();
        }
        let mut all: Vec<f64> =
            (0..most).map(|share| kind.draw((share as f64 + 0.5) / most as f64)).collect();
        all.dedup();
        all
    }
}
