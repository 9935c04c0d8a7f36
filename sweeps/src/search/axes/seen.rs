//! Records which points of a space were handed out. The Bayesian search asks this module, so that
//! it does not propose a point twice.

use std::collections::BTreeSet;

use super::{Axes, Key};
use crate::{history::History, point::Point};

/// The points of a history. In a finite space, the search looks up many candidates, so an index
/// holds the points. In an infinite space, look-ups are rare, and a scan of the history answers
/// each of them.
pub(in crate::search) struct Seen<'a> {
    axes: &'a Axes<'a>,
    history: &'a History,
    index: Option<BTreeSet<Key>>,
}

impl<'a> Seen<'a> {
    /// Collects the points of a history that lie in the space.
    pub(in crate::search) fn of(axes: &'a Axes<'a>, history: &'a History) -> Seen<'a> {
        let keys = || history.trials.iter().filter_map(|trial| axes.key(&trial.point)).collect();
        Seen { axes, history, index: axes.size().map(|_| keys()) }
    }

    /// Returns whether the space is finite and every point of it was handed out.
    pub(in crate::search) fn is_all(&self) -> bool {
        let size = self.axes.size();
        self.index.as_ref().zip(size).is_some_and(|(index, size)| index.len() as u64 >= size)
    }

    /// Returns whether the point at these coordinates was not handed out.
    pub(in crate::search) fn lacks(&self, x: &[f64]) -> bool {
        let Some(key) = self.axes.key(&self.axes.point(x)) else {
            return false;
        };
        match &self.index {
            Some(index) => !index.contains(&key),
            None => !self.history.trials.iter().any(|trial| self.is_at(&trial.point, &key)),
        }
    }

    fn is_at(&self, point: &Point, key: &Key) -> bool {
        let mut axes = self.axes.axes.iter().zip(key);
        axes.all(|(axis, &key)| {
            point.values.get(axis.parameter).and_then(|value| axis.kind.key(value)) == Some(key)
        })
    }
}
